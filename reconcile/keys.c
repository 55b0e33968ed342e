/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single rows by key, on the present states of both sides: what the cut-over checks after its
 * fence, where nothing moves. The same mapping and the same merge as for whole tables; only the
 * scans are narrowed to the keys. A server's idea of equal texts may be wider than ours
 * (collations), so rows that nobody asked for are dropped after the mapping.
 */
#include "reconcile/reader.h"
#include "reconcile/table.h"

#include "lib/base/alloc.h"

enum { KEYS_AT_ONCE = 1000, WHERE_MAX_BYTES = 16 << 20 };

/* Mapped keys of one round, in pair order (only key
 * pairs are set); sorted before the scans start. */
struct wanted {
    const struct rec_columns *columns;
    struct fx_value *rows[KEYS_AT_ONCE];
    size_t n;
};

struct filter {
    struct rec_reader *reader;
    const struct wanted *wanted;
};

static int by_key(const void *a, const void *b, void *columns)
{
    struct fx_value *const *x = a, *const *y = b;
    return rec_key_cmp(columns, *x, *y);
}

static bool is_wanted(const struct wanted *wanted, const struct fx_value *row)
{
    size_t low = 0, high = wanted->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = rec_key_cmp(wanted->columns, wanted->rows[middle], row);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static bool filter_next(void *arg, const struct fx_value **ret_row, struct fx_err *err)
{
    struct filter *filter = arg;
    do
        if (!rec_reader_next(filter->reader, ret_row, err))
            return false;
    while (*ret_row != NULL && !is_wanted(filter->wanted, *ret_row));
    return true;
}

/* The source row that has this key and nothing else known, mapped. */
static bool map_key(const struct rec_table *table, const struct cdc_key *key,
                    struct fx_arena *arena, struct fx_value **ret, struct fx_err *err)
{
    struct fx_value *row = fx_arena_array(arena, table->source->n_columns, sizeof *row);
    for (size_t i = 0; i < table->source->n_columns; i++)
        row[i].kind = FX_V_UNCHANGED;
    if (key->n_key != table->source->n_key)
        return fx_fail(err, FX_E_BUG,
                       "a changed key of table \"%s\" has %zu columns instead of %zu",
                       table->source_name, key->n_key, table->source->n_key) ||
               fx_hint(err, "This is a defect in Ficus. Please report it with this message and the "
                            "definition of the table.");
    for (size_t i = 0; i < key->n_key; i++)
        row[table->source->key[i]] = key->key[i];
    *ret = fx_arena_array(arena, table->columns.n, sizeof **ret);
    return fx_map_row(table->map, table->direction, row, *ret, arena, err);
}

/* One more alternative: (k1 = … and k2 = …) or (…).
 * `values`: the key's, in the table's key order. */
static bool add_pairs(enum fx_engine engine, const struct fx_table *table,
                      const struct fx_value *const *values, struct fx_buf *out, struct fx_err *err)
{
    fx_buf_add_c(out, out->len > 0 ? " or (" : "(");
    for (size_t i = 0; i < table->n_key; i++) {
        const struct fx_column *column = &table->columns[table->key[i]];
        if (i > 0)
            fx_buf_add(out, FX_STR(" and "));
        fx_db_ident(engine, column->name, out);
        fx_buf_add(out, FX_STR(" = "));
        if (!fx_db_value_literal(engine, values[i], &column->type, out, err))
            return false;
    }
    fx_buf_add_char(out, ')');
    return true;
}

/* A key of one column, the usual case, becomes a list,
 * which servers plan faster: k in (…, … — still open. */
static bool add_condition(enum fx_engine engine, const struct fx_table *table,
                          const struct fx_value *const *values, struct fx_buf *out,
                          struct fx_err *err)
{
    if (table->n_key > 1)
        return add_pairs(engine, table, values, out, err);
    const struct fx_column *column = &table->columns[table->key[0]];
    if (out->len == 0) {
        fx_db_ident(engine, column->name, out);
        fx_buf_add(out, FX_STR(" in ("));
    } else {
        fx_buf_add(out, FX_STR(", "));
    }
    return fx_db_value_literal(engine, values[0], &column->type, out, err);
}

static void close_condition(const struct fx_table *table, struct fx_buf *out)
{
    if (table->n_key == 1)
        fx_buf_add_char(out, ')');
}

struct round {
    const struct rec_table *table;
    enum fx_engine source_engine, target_engine;
    struct wanted wanted;
    struct fx_buf source_where, target_where;
    struct fx_arena *arena;
};

static bool add_key(struct round *round, const struct cdc_key *key, struct fx_err *err)
{
    const struct rec_table *table = round->table;
    struct fx_value *mapped;
    const struct fx_value **values =
        fx_arena_array(round->arena, key->n_key + 1, sizeof(const struct fx_value *));
    if (!map_key(table, key, round->arena, &mapped, err))
        return false;
    for (size_t i = 0; i < key->n_key; i++)
        values[i] = &key->key[i];
    if (!add_condition(round->source_engine, table->source, values, &round->source_where, err))
        return false;
    for (size_t i = 0; i < table->columns.n_key; i++)
        values[i] = &mapped[table->columns.key[i]];
    if (!add_condition(round->target_engine, table->target, values, &round->target_where, err))
        return false;
    round->wanted.rows[round->wanted.n++] = mapped;
    return true;
}

struct session {
    struct fx_db *source, *target;
};

static bool compare_round(struct round *round, const struct session *session,
                          struct rec_table_result *result, struct fx_arena *arena,
                          struct fx_err *err)
{
    const struct rec_table *table = round->table;
    close_condition(table->source, &round->source_where);
    close_condition(table->target, &round->target_where);
    qsort_r(round->wanted.rows, round->wanted.n, sizeof round->wanted.rows[0], by_key,
            (void *)(uintptr_t)&table->columns);
    if (round->source_where.has_failed || round->target_where.has_failed)
        return fx_fail(err, FX_E_LIMIT,
                       "the newest changed keys of table \"%s.%s\" cannot be compared: %zu keys "
                       "need more than %d MiB in one query",
                       table->source->schema, table->source->name, round->wanted.n,
                       WHERE_MAX_BYTES >> 20) ||
               fx_hint(err,
                       "Lower cdc.tail_keys in ficus.yaml, then restart the streams: " FX_CMD_STOP
                       ", then " FX_CMD_START ". Then run the same command again.");
    struct rec_reader_spec specs[2] = {{.db = session->source,
                                        .map = table->map,
                                        .direction = table->direction,
                                        .is_source = true,
                                        .where = fx_buf_cstr(&round->source_where)},
                                       {.db = session->target,
                                        .map = table->map,
                                        .direction = table->direction,
                                        .where = fx_buf_cstr(&round->target_where)}};
    struct filter filters[2] = {{rec_reader_start(&specs[0]), &round->wanted},
                                {rec_reader_start(&specs[1]), &round->wanted}};
    struct rec_stream streams[2] = {{filter_next, &filters[0], table->source_name},
                                    {filter_next, &filters[1], table->target_name}};
    bool is_ok =
        rec_diff(&streams[0], &streams[1], &table->columns, INT16_MAX, NULL, arena, result, err);
    rec_reader_stop(filters[0].reader);
    rec_reader_stop(filters[1].reader);
    return is_ok;
}

/* All keys of table `index`, KEYS_AT_ONCE a round. */
static bool compare_table(struct fx_context *ctx, size_t index, struct rec_report *report,
                          const struct session *session, const struct cdc_key *keys, size_t n_keys,
                          struct fx_arena *arena, struct fx_err *err)
{
    struct rec_table table;
    struct rec_table_result *result = &report->tables[report->n_tables];
    size_t at = 0;
    bool is_ok = true, is_begun = false;
    while (is_ok && at < n_keys) {
        FX_AUTO(fx_arena) struct fx_arena scratch;
        fx_arena_init(&scratch, 0);
        struct round round = {.table = &table,
                              .source_engine = fx_db_engine(session->source),
                              .target_engine = fx_db_engine(session->target),
                              .source_where = FX_BUF(WHERE_MAX_BYTES),
                              .target_where = FX_BUF(WHERE_MAX_BYTES),
                              .arena = &scratch};
        for (; is_ok && at < n_keys && round.wanted.n < KEYS_AT_ONCE; at++) {
            if (keys[at].table_index != index)
                continue;
            if (!is_begun) {
                is_ok = rec_table_init(&ctx->tables[index], report->direction, arena, &table, err);
                if (is_ok)
                    rec_table_begin(&table, result);
                is_begun = true;
            }
            is_ok = is_ok && add_key(&round, &keys[at], err);
        }
        round.wanted.columns = &table.columns;
        if (is_ok && round.wanted.n > 0)
            is_ok = compare_round(&round, session, result, arena, err);
        fx_buf_done(&round.source_where);
        fx_buf_done(&round.target_where);
    }
    report->n_tables += is_begun;
    return is_ok;
}

static struct session in_direction(const struct rec_sessions *sessions, enum fx_direction direction)
{
    bool is_forward = direction == FX_FORWARD;
    return (struct session){.source = is_forward ? sessions->old_db : sessions->new_db,
                            .target = is_forward ? sessions->new_db : sessions->old_db};
}

/* Binding reads both catalogs, which would take longer
 * than the comparison: callers inside a fence bind before. */
static bool is_bound(const struct fx_context *ctx)
{
    size_t n = 0;
    while (n < ctx->n_tables && ctx->tables[n].old_table != NULL && ctx->tables[n].digest != NULL)
        n++;
    return n == ctx->n_tables;
}

bool rec_check_keys(struct fx_context *ctx, enum fx_direction direction,
                    const struct rec_sessions *sessions, const struct cdc_key *keys, size_t n_keys,
                    struct fx_arena *arena, struct rec_report **ret_report, struct fx_err *err)
{
    struct session session = in_direction(sessions, direction);
    struct rec_report *report = FX_ARENA_NEW(arena, struct rec_report);
    report->context = ctx->name;
    report->direction = direction;
    report->asker = (struct rec_asker){"", "", ""};
    report->started = fx_wall_now();
    report->tables = fx_arena_array(arena, ctx->n_tables + 1, sizeof *report->tables);
    bool is_ok = is_bound(ctx) || fx_map_bind(ctx, sessions->old_db, sessions->new_db, arena, err);
    report->mapping_digest = ctx->digest;
    for (size_t i = 0; is_ok && i < ctx->n_tables; i++)
        is_ok = compare_table(ctx, i, report, &session, keys, n_keys, arena, err);
    if (!is_ok)
        return fx_ctx(err, "comparing the newest keys of context \"%s\"", ctx->name);
    rec_report_finish(report, report->n_tables);
    if (n_keys == 0) /* nothing to compare, and nothing that differs */
        report->verdict = REC_EQUAL;
    report->finished = fx_wall_now();
    *ret_report = report;
    return true;
}
