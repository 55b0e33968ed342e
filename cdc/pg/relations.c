/* SPDX-License-Identifier: Apache-2.0 */
/* See relations.h. */
#include "cdc/pg/relations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/fmt/text.h"
#include "lib/value/map_pg.h"

struct cdc_pg_relation *cdc_pg_relations_find(struct cdc_pg_relations *r, uint32_t id)
{
    for (size_t i = 0; i < r->list.len; i++)
        if (r->list.items[i].id == id)
            return &r->list.items[i];
    return NULL;
}

static int wire_column(const struct fx_pgo_msg *msg, const char *name)
{
    for (size_t i = 0; i < msg->relation.n_columns; i++)
        if (strcmp(msg->relation.columns[i].name, name) == 0)
            return (int)i;
    return -1;
}

static bool fail_drift(const char *context, const struct fx_table *table, const char *column,
                       const char *what, struct fx_err *err)
{
    (void)fx_fail(err, FX_E_DRIFT,
                  "table \"%s.%s\": schema changed while streaming: column \"%s\" %s",
                  table->schema, table->name, column, what);
    return fx_hint(err,
                   "Undo the DDL and run: ficus cdc start --context %s --execute. If the stream "
                   "stops here again, rows were changed meanwhile: " FX_CMD_NEW_COPY ".",
                   context);
}

/* The log would carry another key than the one that the stream goes by. */
static bool check_identity(const struct fx_pgo_msg *msg, const struct fx_table *table,
                           struct fx_err *err)
{
    char identity = msg->relation.replica_identity;
    if (identity == 'd' || identity == 'f')
        return true;
    (void)fx_fail(err, FX_E_DRIFT,
                  "table \"%s.%s\": schema changed while streaming: its replica identity is not "
                  "the primary key",
                  table->schema, table->name);
    return fx_hint(err,
                   "Changes of keys are not in the log since then. Run: ALTER TABLE %s.%s REPLICA "
                   "IDENTITY DEFAULT; To start again, " FX_CMD_NEW_COPY ".",
                   table->schema, table->name);
}

/* DELETE and UPDATE say only the key that the table had then. */
static bool check_key(const struct cdc_pg_relations *r, const struct fx_pgo_msg *msg,
                      const struct fx_table *table, struct fx_err *err)
{
    for (size_t i = 0; i < msg->relation.n_columns && msg->relation.replica_identity == 'd'; i++) {
        const struct fx_pgo_column *wire = &msg->relation.columns[i];
        int column = fx_table_column(table, wire->name);
        if (column >= 0 && wire->is_key != (table->columns[column].key_index >= 0))
            return fail_drift(r->binding->ctx.name, table, wire->name,
                              wire->is_key ? "is in the primary key now"
                                           : "is no longer in the primary key",
                              err);
    }
    return true;
}

/*
 * The log names a table as it was called when the row was written. A table that is renamed and gets
 * its name back has rows under another name, and another table may have had its name meanwhile.
 */
static bool check_name(const struct cdc_pg_relations *r, const struct fx_pgo_msg *msg,
                       ptrdiff_t named, struct fx_err *err)
{
    size_t t = 0;
    while (t < r->binding->ctx.n_tables && r->oids[t] != msg->relation.id)
        t++;
    bool is_carried = t < r->binding->ctx.n_tables;
    if (is_carried ? named == (ptrdiff_t)t : named < 0)
        return true;
    const struct fx_table *table = cdc_source_table(r->binding, is_carried ? t : (size_t)named);
    if (is_carried)
        (void)fx_fail(err, FX_E_DRIFT,
                      "table \"%s.%s\" was changed while it was streamed: it was called \"%s.%s\" "
                      "when rows of it were changed",
                      table->schema, table->name, msg->relation.schema, msg->relation.name);
    else
        (void)fx_fail(err, FX_E_DRIFT,
                      "table \"%s.%s\" was changed while it was streamed: another table (oid %u) "
                      "had its name when rows were changed",
                      table->schema, table->name, msg->relation.id);
    return fx_hint(err, "The stream cannot pass these rows: " FX_CMD_NEW_COPY
                        ". Rename a table only while its streams are dropped.");
}

static bool is_same_type(const struct fx_type *a, const struct fx_type *b)
{
    return a->kind == b->kind && a->bits == b->bits && a->precision == b->precision &&
           a->scale == b->scale && a->length_max == b->length_max && a->is_float == b->is_float &&
           a->is_fixed_char == b->is_fixed_char;
}

/* The log has columns in the order of their numbers, which
 * a rename does not change: a name elsewhere is another column. */
static bool check_order(const struct cdc_pg_relations *r, const struct cdc_pg_relation *relation,
                        size_t at, const struct fx_table *table, struct fx_err *err)
{
    int column = relation->column_of[at];
    if (at == 0 || relation->column_of[at - 1] < column)
        return true;
    return fail_drift(r->binding->ctx.name, table, table->columns[column].name,
                      "was another one: columns were renamed", err);
}

static bool bind_columns(struct cdc_pg_relations *r, const struct fx_pgo_msg *msg,
                         struct cdc_pg_relation *relation, struct fx_err *err)
{
    const struct fx_table *table = cdc_source_table(r->binding, relation->table);
    relation->column_of = fx_alloc_array(msg->relation.n_columns + 1, sizeof(int));
    if (!check_identity(msg, table, err) || !check_key(r, msg, table, err))
        return false;
    for (size_t i = 0; i < msg->relation.n_columns; i++) {
        const struct fx_pgo_column *wire = &msg->relation.columns[i];
        int column = fx_table_column(table, wire->name);
        relation->column_of[i] = column;
        if (column < 0)
            return fail_drift(r->binding->ctx.name, table, wire->name, "was added", err);
        if (!check_order(r, relation, i, table, err))
            return false;
        if (table->columns[column].is_generated)
            return fail_drift(r->binding->ctx.name, table, wire->name, "is no longer generated",
                              err);
        struct fx_type type = {0};
        fx_pg_type(wire->type_oid, wire->typmod, NULL, r->arena, &type);
        if (!is_same_type(&type, &table->columns[column].type))
            return fail_drift(r->binding->ctx.name, table, wire->name, "has another type", err);
    }
    for (size_t c = 0; c < table->n_columns; c++)
        if (!table->columns[c].is_generated && wire_column(msg, table->columns[c].name) < 0)
            return fail_drift(r->binding->ctx.name, table, table->columns[c].name, "was dropped",
                              err);
    return true;
}

static bool bind_own_cells(const struct fx_pgo_msg *msg, struct cdc_pg_relation *relation,
                           struct fx_err *err)
{
    static const char *const own[] = {"grp", "epoch", "state"};
    size_t n = relation->kind == PG_REL_OWN ? 3 : 2;
    for (size_t i = 0; i < n; i++) {
        relation->cell_of[i] = wire_column(msg, own[i]);
        if (relation->cell_of[i] < 0)
            return fx_fail(err, FX_E_DRIFT, "table \"ficus.%s\" has no column \"%s\"",
                           msg->relation.name, own[i]) ||
                   fx_hint(err, "If a newer build of Ficus changed the table, use that build; to "
                                "see what is installed, run: ficus upgrade. If somebody else "
                                "altered it, undo that, then " FX_CMD_NEW_COPY ".");
    }
    return true;
}

bool cdc_pg_relations_describe(struct cdc_pg_relations *r, const struct fx_pgo_msg *msg,
                               struct fx_err *err)
{
    struct cdc_pg_relation *old = cdc_pg_relations_find(r, msg->relation.id);
    struct cdc_pg_relation relation = {.id = msg->relation.id,
                                       .n_columns = msg->relation.n_columns};
    ptrdiff_t table = cdc_binding_find(r->binding, fx_str_from(msg->relation.schema),
                                       fx_str_from(msg->relation.name));
    bool is_ficus = strcmp(msg->relation.schema, "ficus") == 0;
    bool is_ok = true;
    if (!check_name(r, msg, table, err))
        return false;
    if (table >= 0) {
        relation.kind = PG_REL_TABLE;
        relation.table = (size_t)table;
        is_ok = bind_columns(r, msg, &relation, err);
    } else if (is_ficus && strcmp(msg->relation.name, "own") == 0) {
        relation.kind = PG_REL_OWN;
        is_ok = bind_own_cells(msg, &relation, err);
    } else if (is_ficus && strcmp(msg->relation.name, "barrier") == 0) {
        relation.kind = PG_REL_BARRIER;
        is_ok = bind_own_cells(msg, &relation, err);
    }
    if (!is_ok) {
        free(relation.column_of);
        return false;
    }
    if (old != NULL) {
        free(old->column_of);
        *old = relation;
    } else {
        FX_VEC_PUSH(&r->list, relation);
    }
    return true;
}

/* --- rows ------------------------------------------------------------------------------------- */

static bool fill_values(struct cdc_pg_relations *r, const struct cdc_pg_relation *relation,
                        const struct fx_pgo_tuple *tuple, bool is_key_only,
                        struct fx_value **ret_values, struct fx_err *err)
{
    const struct fx_table *table = cdc_source_table(r->binding, relation->table);
    struct fx_value *values = fx_arena_array(r->arena, table->n_columns, sizeof *values);
    if (tuple->n_cells != relation->n_columns)
        return fx_fail(
            err, FX_E_PROTOCOL,
            "a row of table \"%s.%s\" in the log has %zu values, but the log describes %zu columns",
            table->schema, table->name, tuple->n_cells, relation->n_columns);
    for (size_t c = 0; c < table->n_columns; c++)
        values[c].kind = FX_V_UNCHANGED;
    for (size_t i = 0; i < tuple->n_cells; i++) {
        const struct fx_pgo_cell *cell = &tuple->cells[i];
        int c = relation->column_of[i];
        const struct fx_column *column = &table->columns[c];
        if (cell->kind == FX_PGO_UNCHANGED || (is_key_only && column->key_index < 0))
            continue;
        struct fx_str text = cell->kind == FX_PGO_NULL ? (struct fx_str){NULL, 0} : cell->bytes;
        if (cell->kind == FX_PGO_TEXT && text.ptr == NULL)
            text.ptr = "";
        if (!fx_pg_value(&column->type, text, r->arena, &values[c], err))
            return fx_ctx(err, "reading column \"%s\" of table \"%s.%s\"", column->name,
                          table->schema, table->name);
    }
    *ret_values = values;
    return true;
}

bool cdc_pg_relations_row(struct cdc_pg_relations *r, const struct cdc_pg_relation *relation,
                          const struct fx_pgo_msg *msg, int64_t ordinal, struct cdc_event *ret,
                          struct fx_err *err)
{
    struct cdc_row row = {.table = relation->table, .ordinal = ordinal};
    row.op = msg->kind == FX_PGO_INSERT   ? CDC_INSERT
             : msg->kind == FX_PGO_UPDATE ? CDC_UPDATE
                                          : CDC_DELETE;
    if (msg->row.old.cells != NULL) {
        row.has_old = msg->row.is_old_key ? CDC_OLD_KEY : CDC_OLD_FULL;
        if (!fill_values(r, relation, &msg->row.old, msg->row.is_old_key, &row.old, err))
            return false;
    }
    if (msg->row.new.cells != NULL &&
        !fill_values(r, relation, &msg->row.new, false, &row.new, err))
        return false;
    /* What a new row leaves out as unchanged the old one
     * holds: all of it (FULL), or a key that is TOASTed. */
    const struct fx_table *table = cdc_source_table(r->binding, row.table);
    for (size_t c = 0; row.old != NULL && row.new != NULL &&c < table->n_columns; c++)
        if (row.new[c].kind == FX_V_UNCHANGED)
            row.new[c] = row.old[c];
    *ret = (struct cdc_event){.kind = CDC_EV_ROW, .row = row};
    return true;
}

static bool cell_text(const struct fx_pgo_tuple *tuple, int at, struct fx_str *ret)
{
    if (tuple->cells == NULL || at < 0 || (size_t)at >= tuple->n_cells ||
        tuple->cells[at].kind != FX_PGO_TEXT)
        return false;
    *ret = tuple->cells[at].bytes;
    return true;
}

bool cdc_pg_relation_ficus(const struct cdc_pg_relation *relation, const struct fx_pgo_msg *msg,
                           bool is_loop, struct cdc_event *ret)
{
    struct fx_str group;
    struct fx_str epoch_text;
    struct fx_str state;
    int64_t epoch = 0;
    if (!cell_text(&msg->row.new, relation->cell_of[0], &group) ||
        !cell_text(&msg->row.new, relation->cell_of[1], &epoch_text) ||
        !fx_parse_i64(epoch_text, INT64_MIN, INT64_MAX, &epoch))
        return false;
    if (relation->kind == PG_REL_BARRIER) {
        if (!is_loop || msg->kind != FX_PGO_INSERT)
            return false;
        ret->kind = CDC_EV_BARRIER;
        ret->barrier.epoch = epoch;
        (void)snprintf(ret->barrier.group, sizeof ret->barrier.group, "%.*s", FX_STR_FMT(group));
        return true;
    }
    if (is_loop || !cell_text(&msg->row.new, relation->cell_of[2], &state))
        return false;
    ret->kind = CDC_EV_OWN;
    ret->own.epoch = epoch;
    ret->own.state = fx_own_state_parse(state);
    if (!msg->row.is_old_key && cell_text(&msg->row.old, relation->cell_of[2], &state))
        ret->own.was = fx_own_state_parse(state);
    (void)snprintf(ret->own.group, sizeof ret->own.group, "%.*s", FX_STR_FMT(group));
    return true;
}

void cdc_pg_relations_done(struct cdc_pg_relations *r)
{
    for (size_t i = 0; i < r->list.len; i++)
        free(r->list.items[i].column_of);
    FX_VEC_DONE(&r->list);
    free(r->oids);
}
