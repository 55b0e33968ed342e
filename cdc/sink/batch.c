/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQL text from changes. Values are written as literals by the engine's own quoting
 * (fx_db_value_literal); what the mapping or the target's type cannot take is an error here, before
 * anything reaches the target.
 */
#include "cdc/sink/batch.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/hash.h"
#include "lib/base/panic.h"

/* A server's planner takes more than its share of time over a long list of conditions. */
enum { BATCH_TEXT_MAX = 64 << 20, PAIRS_MAX = 250 };

void cdc_batch_init(struct cdc_batch *batch, const struct cdc_binding *binding, int64_t rows_max)
{
    *batch = (struct cdc_batch){.binding = binding, .rows_max = rows_max};
    batch->engine = binding->target->engine;
    batch->target = &cdc_engine_of(binding->target)->target;
    fx_buf_init(&batch->sql, BATCH_TEXT_MAX);
    fx_buf_init(&batch->few, BATCH_TEXT_MAX);
    fx_buf_init(&batch->sent, BATCH_TEXT_MAX);
    fx_arena_init(&batch->scratch, 0);
}

void cdc_batch_done(struct cdc_batch *batch)
{
    fx_buf_done(&batch->sql);
    fx_counts_done(&batch->matches);
    fx_buf_done(&batch->few);
    fx_buf_done(&batch->sent);
    fx_counts_done(&batch->keys);
    fx_arena_done(&batch->scratch);
}

void cdc_batch_clear(struct cdc_batch *batch)
{
    fx_buf_clear(&batch->sql);
    fx_counts_clear(&batch->matches);
    batch->expected = batch->n_changes = batch->open_rows = 0;
    batch->open = CDC_OPEN_NONE;
    fx_arena_clear(&batch->scratch);
}

static void add_update_frame(struct cdc_batch *batch, bool is_end);

void cdc_batch_finish(struct cdc_batch *batch)
{
    FX_INVARIANT((batch->open == CDC_OPEN_NONE) || batch->open_rows > 0,
                 "stream \"%s\": a statement without rows, table %zu", batch->binding->stream,
                 batch->open_table);
    if (batch->open == CDC_OPEN_DELETE)
        fx_buf_add_char(&batch->sql, ')');
    if (batch->open == CDC_OPEN_UPDATE_MANY)
        add_update_frame(batch, true);
    if (batch->open != CDC_OPEN_NONE && batch->open != CDC_OPEN_UPDATE)
        fx_buf_add_c(&batch->sql, ";\n");
    batch->open = CDC_OPEN_NONE;
}

void cdc_batch_statement(struct cdc_batch *batch, const char *sql, int64_t expected)
{
    cdc_batch_finish(batch);
    fx_buf_add_c(&batch->sql, sql);
    fx_buf_add_c(&batch->sql, ";\n");
    fx_counts_add(&batch->matches, expected);
    batch->expected += expected;
}

/* A statement that grows row by row; its rows follow. */
static void opened(struct cdc_batch *batch, enum cdc_batch_open open, size_t table)
{
    batch->open = open;
    batch->open_table = table;
    batch->open_rows = 0;
    batch->values_at = batch->sql.len;
    fx_counts_add(&batch->matches, 0);
}

static const char *separator(enum cdc_batch_open open)
{
    return open == CDC_OPEN_DELETE_PAIRS ? " or " : ",";
}

/* One row more in the growing statement. */
static void add_separator(struct cdc_batch *batch)
{
    if (batch->open_rows++ > 0)
        fx_buf_add_c(&batch->sql, separator(batch->open));
    batch->matches.n[batch->matches.len - 1]++;
}

static bool is_growing(const struct cdc_batch *batch, enum cdc_batch_open open, size_t table,
                       int64_t n_rows)
{
    int64_t rows_max = batch->rows_max;
    if (open == CDC_OPEN_DELETE_PAIRS)
        rows_max = FX_MIN(rows_max, (int64_t)PAIRS_MAX);
    return batch->open == open && batch->open_table == table &&
           batch->open_rows + n_rows <= rows_max;
}

/* --- joining ---------------------------------------------------------------------------------- */

static void join_values(struct cdc_batch *batch, const struct cdc_batch *from)
{
    struct fx_str text = fx_buf_str(&from->sql);
    fx_buf_add_c(&batch->sql, separator(batch->open));
    fx_buf_add_bytes(&batch->sql, text.ptr + from->values_at, text.len - from->values_at);
    batch->open_rows += from->open_rows;
    batch->matches.n[batch->matches.len - 1] += from->open_rows;
}

/* The growing updates of `from`, whose text now begins at `at`, go on growing here. */
static void take_updates(struct cdc_batch *batch, const struct cdc_batch *from, size_t at)
{
    batch->open_at = at + from->open_at;
    batch->open_matches = batch->matches.len - (from->matches.len - from->open_matches);
    fx_buf_clear(&batch->few);
    fx_buf_add(&batch->few, fx_buf_str(&from->few));
    fx_buf_clear(&batch->sent);
    fx_buf_add(&batch->sent, fx_buf_str(&from->sent));
    fx_counts_clear(&batch->keys);
    for (size_t i = 0; i < from->keys.len; i++)
        fx_counts_add(&batch->keys, from->keys.n[i]);
}

static bool has_key(const struct cdc_batch *batch, int64_t hash)
{
    for (size_t i = 0; i < batch->keys.len; i++)
        if (batch->keys.n[i] == hash)
            return true;
    return false;
}

/* Nothing but updates that may stand beside those that grow here. */
static bool are_updates_joinable(const struct cdc_batch *batch, const struct cdc_batch *from)
{
    bool is_growing = batch->open == CDC_OPEN_UPDATE || batch->open == CDC_OPEN_UPDATE_MANY;
    if (!is_growing || from->open != CDC_OPEN_UPDATE || from->open_matches != 0 ||
        batch->open_table != from->open_table ||
        batch->open_rows + from->open_rows > batch->rows_max ||
        !fx_str_eq(fx_buf_str(&batch->sent), fx_buf_str(&from->sent)))
        return false;
    for (size_t i = 0; i < from->keys.len; i++)
        if (has_key(batch, from->keys.n[i]))
            return false;
    return true;
}

static void become_many(struct cdc_batch *batch);

static void join_updates(struct cdc_batch *batch, const struct cdc_batch *from)
{
    if (batch->open == CDC_OPEN_UPDATE) {
        fx_buf_add(&batch->sql, fx_buf_str(&from->sql));
        for (size_t i = 0; i < from->matches.len; i++)
            fx_counts_add(&batch->matches, from->matches.n[i]);
        fx_buf_add_char(&batch->few, ',');
        fx_buf_add(&batch->few, fx_buf_str(&from->few));
    } else {
        fx_buf_add_char(&batch->sql, ',');
        fx_buf_add(&batch->sql, fx_buf_str(&from->few));
        batch->matches.n[batch->matches.len - 1] += from->open_rows;
    }
    batch->open_rows += from->open_rows;
    for (size_t i = 0; i < from->keys.len; i++)
        fx_counts_add(&batch->keys, from->keys.n[i]);
    if (batch->open == CDC_OPEN_UPDATE && batch->open_rows >= batch->target->update_many_min)
        become_many(batch);
}

static void join_text(struct cdc_batch *batch, const struct cdc_batch *from)
{
    cdc_batch_finish(batch);
    size_t at = batch->sql.len;
    fx_buf_add(&batch->sql, fx_buf_str(&from->sql));
    for (size_t i = 0; i < from->matches.len; i++)
        fx_counts_add(&batch->matches, from->matches.n[i]);
    batch->open = from->open;
    batch->open_table = from->open_table;
    batch->open_rows = from->open_rows;
    batch->values_at = at + from->values_at;
    if (from->open == CDC_OPEN_UPDATE || from->open == CDC_OPEN_UPDATE_MANY)
        take_updates(batch, from, at);
}

void cdc_batch_join(struct cdc_batch *batch, struct cdc_batch *from)
{
    bool is_part = from->matches.len == 1 && from->open != CDC_OPEN_NONE &&
                   from->open != CDC_OPEN_UPDATE && from->open != CDC_OPEN_UPDATE_MANY &&
                   is_growing(batch, from->open, from->open_table, from->open_rows);
    if (are_updates_joinable(batch, from))
        join_updates(batch, from);
    else if (is_part)
        join_values(batch, from);
    else if (from->matches.len > 0)
        join_text(batch, from);
    batch->expected += from->expected;
    batch->n_changes += from->n_changes;
    batch->sql.has_failed |= from->sql.has_failed;
    cdc_batch_clear(from);
}

/* ---- columns of the pair, seen from the direction
 * of the stream ---------------------------------- */

static int target_index(const struct cdc_batch *batch, size_t table, size_t pair)
{
    const struct fx_map_table *map = &batch->binding->ctx.tables[table];
    return batch->binding->direction == FX_FORWARD ? map->new_index[pair] : map->old_index[pair];
}

static const struct fx_column *target_column(const struct cdc_batch *batch, size_t table,
                                             size_t pair)
{
    return &cdc_target_table(batch->binding, table)->columns[target_index(batch, table, pair)];
}

static size_t n_pairs(const struct cdc_batch *batch, size_t table)
{
    return batch->binding->ctx.tables[table].n_columns;
}

/* The pair that fills key column `k` of the target; binding has made sure that there is one. */
static size_t key_pair(const struct cdc_batch *batch, size_t table, size_t k)
{
    const struct fx_table *target = cdc_target_table(batch->binding, table);
    for (size_t pair = 0; pair < n_pairs(batch, table); pair++)
        if (target_index(batch, table, pair) == target->key[k])
            return pair;
    FX_BUG("key column %zu of target table \"%s\" is not mapped", k, target->name);
}

static void add_table_name(struct cdc_batch *batch, size_t table)
{
    const struct fx_table *target = cdc_target_table(batch->binding, table);
    fx_db_table_ident(batch->engine, target, &batch->sql);
}

static bool add_value(struct cdc_batch *batch, size_t table, size_t pair, const struct fx_value *v,
                      struct fx_err *err)
{
    const struct fx_column *column = target_column(batch, table, pair);
    if (v->kind == FX_V_UNCHANGED)
        return fx_fail(err, FX_E_SOURCE_DATA,
                       "the source did not send column \"%s\" of an inserted row", column->name) ||
               fx_hint(err,
                       "The stream cannot pass this row: " FX_CMD_NEW_COPY
                       ". Please report it with this message and the definition of the table.");
    if (!fx_db_value_literal(batch->engine, v, &column->type, &batch->sql, err))
        return fx_ctx(err, "writing column \"%s\"", column->name);
    return true;
}

/*
 * "k1=v1 and k2=v2". Never as a tuple: MariaDB finds no index for (k1,k2)=(v1,v2), nor for a list
 * of one such tuple, and reads (and locks) the whole table.
 */
static bool add_key_condition(struct cdc_batch *batch, size_t table, const struct fx_value *mapped,
                              struct fx_err *err)
{
    const struct fx_table *target = cdc_target_table(batch->binding, table);
    for (size_t k = 0; k < target->n_key; k++) {
        size_t pair = key_pair(batch, table, k);
        fx_buf_add_c(&batch->sql, k > 0 ? " and " : "");
        fx_db_ident(batch->engine, target->columns[target->key[k]].name, &batch->sql);
        fx_buf_add_char(&batch->sql, '=');
        if (!add_value(batch, table, pair, &mapped[pair], err))
            return false;
    }
    return true;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* The target computes them, so whether they would
 * fit is not asked. `in` itself when there are none. */
static const struct fx_value *mask_generated(struct cdc_batch *batch, size_t table,
                                             const struct fx_value *in)
{
    const struct fx_table *source = cdc_source_table(batch->binding, table);
    struct fx_value *masked = NULL;
    for (size_t c = 0; c < source->n_columns; c++) {
        if (!source->columns[c].is_generated)
            continue;
        if (masked == NULL) {
            masked = fx_arena_array(&batch->scratch, source->n_columns, sizeof *masked);
            memcpy(masked, in, source->n_columns * sizeof *masked);
        }
        masked[c] = (struct fx_value){.kind = FX_V_UNCHANGED};
    }
    return masked != NULL ? masked : in;
}

static bool map_full(struct cdc_batch *batch, size_t table, const struct fx_value *in,
                     struct fx_value **ret_out, struct fx_err *err)
{
    const struct fx_map_table *map = &batch->binding->ctx.tables[table];
    struct fx_value *out = fx_arena_array(&batch->scratch, map->n_columns, sizeof *out);
    if (!fx_map_row(map, batch->binding->direction, mask_generated(batch, table, in), out,
                    &batch->scratch, err))
        return false;
    *ret_out = out;
    return true;
}

/* Only the key columns count; the others are masked,
 * so that no expression over an old value can fail. */
static bool map_key(struct cdc_batch *batch, size_t table, const struct fx_value *in,
                    struct fx_value **ret_out, struct fx_err *err)
{
    const struct fx_table *source = cdc_source_table(batch->binding, table);
    struct fx_value *masked = fx_arena_array(&batch->scratch, source->n_columns, sizeof *masked);
    for (size_t c = 0; c < source->n_columns; c++)
        masked[c] =
            source->columns[c].key_index >= 0 ? in[c] : (struct fx_value){.kind = FX_V_UNCHANGED};
    return map_full(batch, table, masked, ret_out, err);
}

static void open_insert(struct cdc_batch *batch, size_t table)
{
    cdc_batch_finish(batch);
    fx_buf_add_c(&batch->sql, "insert into ");
    add_table_name(batch, table);
    fx_buf_add_c(&batch->sql, " (");
    bool is_first = true;
    for (size_t pair = 0; pair < n_pairs(batch, table); pair++) {
        const struct fx_column *column = target_column(batch, table, pair);
        if (column->is_generated)
            continue;
        if (!is_first)
            fx_buf_add_char(&batch->sql, ',');
        is_first = false;
        fx_db_ident(batch->engine, column->name, &batch->sql);
    }
    /* Ids are the owner's: an identity column takes them as they are. */
    fx_buf_printf(&batch->sql, ")%svalues ", batch->target->insert_with_ids);
    opened(batch, CDC_OPEN_INSERT, table);
}

static bool add_insert(struct cdc_batch *batch, const struct cdc_row *row, struct fx_err *err)
{
    struct fx_value *mapped;
    if (!map_full(batch, row->table, row->new, &mapped, err))
        return false;
    if (!is_growing(batch, CDC_OPEN_INSERT, row->table, 1))
        open_insert(batch, row->table);
    add_separator(batch);
    fx_buf_add_char(&batch->sql, '(');
    bool is_first = true;
    for (size_t pair = 0; pair < n_pairs(batch, row->table); pair++) {
        if (target_column(batch, row->table, pair)->is_generated)
            continue;
        if (!is_first)
            fx_buf_add_char(&batch->sql, ',');
        is_first = false;
        if (!add_value(batch, row->table, pair, &mapped[pair], err))
            return false;
    }
    fx_buf_add_char(&batch->sql, ')');
    return true;
}

/* One key column becomes a list, "k in (v1,v2"; several become conditions, "(…) or (…)". */
static void open_delete(struct cdc_batch *batch, size_t table)
{
    const struct fx_table *target = cdc_target_table(batch->binding, table);
    cdc_batch_finish(batch);
    fx_buf_add_c(&batch->sql, "delete from ");
    add_table_name(batch, table);
    fx_buf_add_c(&batch->sql, " where ");
    if (target->n_key == 1) {
        fx_db_ident(batch->engine, target->columns[target->key[0]].name, &batch->sql);
        fx_buf_add_c(&batch->sql, " in (");
    }
    opened(batch, target->n_key == 1 ? CDC_OPEN_DELETE : CDC_OPEN_DELETE_PAIRS, table);
}

static bool add_delete(struct cdc_batch *batch, const struct cdc_row *row, struct fx_err *err)
{
    struct fx_value *mapped;
    if (!map_key(batch, row->table, row->old, &mapped, err))
        return false;
    if (!is_growing(batch, CDC_OPEN_DELETE, row->table, 1) &&
        !is_growing(batch, CDC_OPEN_DELETE_PAIRS, row->table, 1))
        open_delete(batch, row->table);
    const struct fx_table *target = cdc_target_table(batch->binding, row->table);
    add_separator(batch);
    if (target->n_key == 1) {
        size_t pair = key_pair(batch, row->table, 0);
        return add_value(batch, row->table, pair, &mapped[pair], err);
    }
    fx_buf_add_char(&batch->sql, '(');
    if (!add_key_condition(batch, row->table, mapped, err))
        return false;
    fx_buf_add_char(&batch->sql, ')');
    return true;
}

static bool is_key_changed(const struct cdc_batch *batch, size_t table, const struct fx_value *was,
                           const struct fx_value *is)
{
    for (size_t k = 0; k < cdc_target_table(batch->binding, table)->n_key; k++) {
        size_t pair = key_pair(batch, table, k);
        if (!fx_value_equal(&was[pair], &is[pair]))
            return true;
    }
    return false;
}

/* The set list; a row with nothing to set sets its
 * key to itself, so that it is still looked for. */
static bool add_set_list(struct cdc_batch *batch, size_t table, const struct fx_value *mapped,
                         bool has_new_key, struct fx_err *err)
{
    const struct fx_table *target = cdc_target_table(batch->binding, table);
    bool is_first = true;
    for (size_t pair = 0; pair < n_pairs(batch, table); pair++) {
        const struct fx_column *column = target_column(batch, table, pair);
        bool is_key = target->columns[target_index(batch, table, pair)].key_index >= 0;
        if (column->is_generated || mapped[pair].kind == FX_V_UNCHANGED || (is_key && !has_new_key))
            continue;
        if (!is_first)
            fx_buf_add_char(&batch->sql, ',');
        is_first = false;
        fx_db_ident(batch->engine, column->name, &batch->sql);
        fx_buf_add_char(&batch->sql, '=');
        if (!add_value(batch, table, pair, &mapped[pair], err))
            return false;
    }
    if (is_first) {
        const char *key = target->columns[target->key[0]].name;
        fx_db_ident(batch->engine, key, &batch->sql);
        fx_buf_add_char(&batch->sql, '=');
        fx_db_ident(batch->engine, key, &batch->sql);
    }
    return true;
}

/* --- updates that become one statement -------------------------------------------------------- */

static bool is_key_column(const struct cdc_batch *batch, size_t table, size_t pair)
{
    const struct fx_table *target = cdc_target_table(batch->binding, table);
    return target->columns[target_index(batch, table, pair)].key_index >= 0;
}

/* The columns of such a statement, quoted: the key, then what is sent. */
static const char **update_columns(struct cdc_batch *batch, size_t *ret_n)
{
    const struct fx_table *target = cdc_target_table(batch->binding, batch->open_table);
    size_t n = 0;
    const char **columns =
        fx_arena_array(&batch->scratch, target->n_key + batch->sent.len, sizeof *columns);
    FX_AUTO(fx_buf) struct fx_buf name = FX_BUF(1024);
    for (size_t k = 0; k < target->n_key; k++) {
        fx_buf_clear(&name);
        fx_db_ident(batch->engine, target->columns[target->key[k]].name, &name);
        columns[n++] = fx_arena_str(&batch->scratch, fx_buf_str(&name)).ptr;
    }
    for (size_t pair = 0; pair < batch->sent.len; pair++) {
        if (batch->sent.ptr[pair] == 0)
            continue;
        fx_buf_clear(&name);
        fx_db_ident(batch->engine, target_column(batch, batch->open_table, pair)->name, &name);
        columns[n++] = fx_arena_str(&batch->scratch, fx_buf_str(&name)).ptr;
    }
    *ret_n = n;
    return columns;
}

static void add_update_frame(struct cdc_batch *batch, bool is_end)
{
    const struct fx_table *target = cdc_target_table(batch->binding, batch->open_table);
    FX_AUTO(fx_buf) struct fx_buf table = FX_BUF(1024);
    size_t n = 0;
    const char **columns = update_columns(batch, &n);
    fx_db_table_ident(batch->engine, target, &table);
    if (is_end)
        batch->target->update_many_end(fx_buf_cstr(&table), columns, n, target->n_key, &batch->sql);
    else
        batch->target->update_many_begin(fx_buf_cstr(&table), columns, n, target->n_key,
                                         &batch->sql);
}

/* Enough of them: the statements become one. */
static void become_many(struct cdc_batch *batch)
{
    batch->sql.len = batch->open_at;
    batch->matches.len = batch->open_matches;
    add_update_frame(batch, false);
    fx_buf_add(&batch->sql, fx_buf_str(&batch->few));
    fx_counts_add(&batch->matches, batch->open_rows);
    batch->open = CDC_OPEN_UPDATE_MANY;
}

/* Which columns are sent; false: the update is better alone. */
static bool sent_columns(const struct cdc_batch *batch, size_t table, const struct fx_value *mapped,
                         struct fx_buf *out)
{
    bool has_any = false;
    if (batch->target->update_many_min == 0 || batch->has_unique == NULL ||
        batch->has_unique[table])
        return false;
    for (size_t pair = 0; pair < n_pairs(batch, table); pair++) {
        const struct fx_column *column = target_column(batch, table, pair);
        bool is_key = is_key_column(batch, table, pair);
        bool is_sent = !column->is_generated && mapped[pair].kind != FX_V_UNCHANGED && !is_key;
        /* The same literal may mean another value there, or the key's index be of no use. */
        if ((is_sent || is_key) && (column->type.family != NULL || column->type.is_float ||
                                    (is_key && column->type.char_bytes_max != 0)))
            return false;
        has_any |= is_sent;
        fx_buf_add_char(out, is_sent ? 1 : 0);
    }
    return has_any;
}

/* "(key…, value…)" of the newest row. */
static bool add_update_row(struct cdc_batch *batch, size_t table, const struct fx_value *mapped,
                           const struct fx_buf *sent, struct fx_buf *out, int64_t *ret_hash,
                           struct fx_err *err)
{
    const struct fx_table *target = cdc_target_table(batch->binding, table);
    fx_buf_add_char(out, '(');
    for (size_t k = 0; k < target->n_key; k++) {
        size_t pair = key_pair(batch, table, k);
        fx_buf_add_c(out, k > 0 ? "," : "");
        if (!fx_db_value_literal(batch->engine, &mapped[pair],
                                 &target_column(batch, table, pair)->type, out, err))
            return false;
    }
    *ret_hash = (int64_t)fx_hash64(fx_buf_str(out), 0);
    for (size_t pair = 0; pair < sent->len; pair++) {
        if (sent->ptr[pair] == 0)
            continue;
        fx_buf_add_char(out, ',');
        if (!fx_db_value_literal(batch->engine, &mapped[pair],
                                 &target_column(batch, table, pair)->type, out, err))
            return false;
    }
    fx_buf_add_char(out, ')');
    return true;
}

static void open_updates(struct cdc_batch *batch, size_t table, const struct fx_buf *sent)
{
    cdc_batch_finish(batch);
    batch->open = CDC_OPEN_UPDATE;
    batch->open_table = table;
    batch->open_rows = 0;
    batch->open_at = batch->sql.len;
    batch->open_matches = batch->matches.len;
    fx_buf_clear(&batch->few);
    fx_buf_clear(&batch->sent);
    fx_buf_add(&batch->sent, fx_buf_str(sent));
    fx_counts_clear(&batch->keys);
}

static bool add_single_update(struct cdc_batch *batch, size_t table, const struct fx_value *was,
                              const struct fx_value *is, bool has_new_key, struct fx_err *err)
{
    fx_buf_add_c(&batch->sql, "update ");
    add_table_name(batch, table);
    fx_buf_add_c(&batch->sql, " set ");
    if (!add_set_list(batch, table, is, has_new_key, err))
        return false;
    fx_buf_add_c(&batch->sql, " where ");
    if (!add_key_condition(batch, table, was, err))
        return false;
    fx_buf_add_c(&batch->sql, ";\n");
    fx_counts_add(&batch->matches, 1);
    return true;
}

static bool may_grow(const struct cdc_batch *batch, size_t table, const struct fx_buf *sent,
                     int64_t hash)
{
    bool is_growing = batch->open == CDC_OPEN_UPDATE || batch->open == CDC_OPEN_UPDATE_MANY;
    return is_growing && batch->open_table == table && batch->open_rows < batch->rows_max &&
           fx_str_eq(fx_buf_str(&batch->sent), fx_buf_str(sent)) && !has_key(batch, hash);
}

static bool add_one_of_many(struct cdc_batch *batch, size_t table, const struct fx_value *is,
                            const struct fx_buf *sent, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf row = FX_BUF(BATCH_TEXT_MAX);
    int64_t hash = 0;
    if (!add_update_row(batch, table, is, sent, &row, &hash, err))
        return false;
    if (!may_grow(batch, table, sent, hash))
        open_updates(batch, table, sent);
    bool is_first = batch->open_rows++ == 0;
    fx_counts_add(&batch->keys, hash);
    if (batch->open == CDC_OPEN_UPDATE_MANY) {
        fx_buf_add_char(&batch->sql, ',');
        fx_buf_add(&batch->sql, fx_buf_str(&row));
        batch->matches.n[batch->matches.len - 1]++;
        return true;
    }
    fx_buf_add_c(&batch->few, is_first ? "" : ",");
    fx_buf_add(&batch->few, fx_buf_str(&row));
    if (!add_single_update(batch, table, is, is, false, err))
        return false;
    if (batch->open_rows >= batch->target->update_many_min)
        become_many(batch);
    return true;
}

static bool add_update(struct cdc_batch *batch, const struct cdc_row *row, struct fx_err *err)
{
    struct fx_value *is;
    struct fx_value *was;
    if (!map_full(batch, row->table, row->new, &is, err))
        return false;
    was = is;
    if (row->has_old != CDC_OLD_NONE && !map_key(batch, row->table, row->old, &was, err))
        return false;
    bool has_new_key = was != is && is_key_changed(batch, row->table, was, is);
    FX_AUTO(fx_buf) struct fx_buf sent = FX_BUF(1 << 16);
    if (!has_new_key && sent_columns(batch, row->table, is, &sent))
        return add_one_of_many(batch, row->table, is, &sent, err);
    cdc_batch_finish(batch);
    return add_single_update(batch, row->table, was, is, has_new_key, err);
}

bool cdc_batch_row(struct cdc_batch *batch, const struct cdc_row *row, struct fx_err *err)
{
    bool is_ok = false;
    FX_INVARIANT(row->table < batch->binding->ctx.n_tables &&
                     (row->op == CDC_DELETE ? row->old : row->new) != NULL,
                 "stream \"%s\": change %" PRId64 " of kind %d in table %zu",
                 batch->binding->stream, row->ordinal, (int)row->op, row->table);
    switch (row->op) {
    case CDC_INSERT: is_ok = add_insert(batch, row, err); break;
    case CDC_UPDATE: is_ok = add_update(batch, row, err); break;
    case CDC_DELETE: is_ok = add_delete(batch, row, err); break;
    }
    fx_arena_clear(&batch->scratch);
    if (is_ok && batch->sql.has_failed)
        is_ok = fx_fail(err, FX_E_LIMIT, "the statement for one row is larger than %d MiB",
                        BATCH_TEXT_MAX >> 20) ||
                fx_hint(err, "The stream cannot pass this row. Shorten its values in the source, "
                             "then " FX_CMD_NEW_COPY ".");
    if (!is_ok) {
        FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(400);
        cdc_row_describe(batch->binding, row, &what);
        return fx_ctx(err, "change %" PRId64 ": %s", row->ordinal, fx_buf_cstr(&what));
    }
    batch->expected++;
    batch->n_changes++;
    return true;
}
