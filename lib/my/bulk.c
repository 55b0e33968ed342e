/* SPDX-License-Identifier: Apache-2.0 */
/* Multi-row inserts. A statement is sent before the row that would make it too long is added. */
#include "lib/my/my_priv.h" /* mysql.h comes before lib/base/banned.h */

#include "lib/my/bulk.h"

#include "lib/base/alloc.h"
#include "lib/value/map_my.h"

enum { STATEMENT_USEFUL = 1 << 20, PACKET_SLACK = 1024 };

struct fx_my_bulk {
    struct my_db *my;
    const struct fx_table *table;
    int *columns;
    size_t n_columns;
    size_t packet_max;
    int64_t rows_max;
    struct fx_buf sql;
    struct fx_buf row;
    size_t head_len; /* "insert into … values " */
    int64_t n_rows;  /* in sql */
    int64_t n_sent;
};

static bool read_packet_max(struct fx_db *db, size_t *ret, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_query(db, "select @@max_allowed_packet", NULL, 0, &rows, err))
        return false;
    *ret = (size_t)strtoull(fx_rows_at(&rows, 0, 0).ptr, NULL, 10) - PACKET_SLACK;
    return true;
}

static void add_head(struct fx_my_bulk *bulk)
{
    fx_buf_clear(&bulk->sql);
    fx_buf_add_c(&bulk->sql, "insert into ");
    fx_db_ident(FX_MY, bulk->table->schema, &bulk->sql);
    fx_buf_add_char(&bulk->sql, '.');
    fx_db_ident(FX_MY, bulk->table->name, &bulk->sql);
    for (size_t i = 0; i < bulk->n_columns; i++) {
        fx_buf_add_c(&bulk->sql, i > 0 ? ", " : " (");
        fx_db_ident(FX_MY, bulk->table->columns[bulk->columns[i]].name, &bulk->sql);
    }
    fx_buf_add_c(&bulk->sql, ") values ");
    bulk->head_len = bulk->sql.len;
}

bool fx_my_bulk_open(struct fx_db *db, const struct fx_table *table, const int *columns,
                     size_t n_columns, int64_t rows_max, struct fx_my_bulk **ret_bulk,
                     struct fx_err *err)
{
    size_t packet_max;
    if (!read_packet_max(db, &packet_max, err))
        return false;
    struct fx_my_bulk *bulk = FX_NEW(struct fx_my_bulk);
    *bulk = (struct fx_my_bulk){.my = my_of(db),
                                .table = table,
                                .n_columns = n_columns,
                                .packet_max = packet_max,
                                .rows_max = rows_max > 0 ? rows_max : 1,
                                .sql = FX_BUF(packet_max),
                                .row = FX_BUF(packet_max)};
    bulk->columns = fx_alloc_array(n_columns, sizeof *bulk->columns);
    memcpy(bulk->columns, columns, n_columns * sizeof *columns);
    add_head(bulk);
    *ret_bulk = bulk;
    return true;
}

static bool build_row(struct fx_my_bulk *bulk, const struct fx_value *row, struct fx_err *err)
{
    fx_buf_clear(&bulk->row);
    for (size_t i = 0; i < bulk->n_columns; i++) {
        const struct fx_column *column = &bulk->table->columns[bulk->columns[i]];
        fx_buf_add_char(&bulk->row, i > 0 ? ',' : '(');
        if (!fx_my_value_literal(&row[i], &column->type, &bulk->row, err))
            return fx_ctx(err, "writing column \"%s\" of table \"%s.%s\"", column->name,
                          bulk->table->schema, bulk->table->name);
    }
    fx_buf_add_char(&bulk->row, ')');
    if (bulk->row.has_failed || bulk->head_len + bulk->row.len > bulk->packet_max) {
        fx_fail(err, FX_E_LIMIT, "a row of table \"%s.%s\" is longer than max_allowed_packet",
                bulk->table->schema, bulk->table->name);
        return fx_hint(err, "Raise max_allowed_packet of database \"%s\".",
                       bulk->my->base.conf->name);
    }
    return true;
}

bool fx_my_bulk_add(struct fx_my_bulk *bulk, const struct fx_value *row, struct fx_err *err)
{
    if (!build_row(bulk, row, err))
        return false;
    size_t budget = FX_MIN(bulk->packet_max, (size_t)STATEMENT_USEFUL);
    if (bulk->n_rows > 0 && bulk->sql.len + 1 + bulk->row.len > budget &&
        !fx_my_bulk_flush(bulk, err))
        return false;
    if (bulk->n_rows > 0)
        fx_buf_add_char(&bulk->sql, ',');
    fx_buf_add(&bulk->sql, fx_buf_str(&bulk->row));
    bulk->n_rows++;
    return bulk->n_rows < bulk->rows_max || fx_my_bulk_flush(bulk, err);
}

bool fx_my_bulk_flush(struct fx_my_bulk *bulk, struct fx_err *err)
{
    if (bulk->n_rows == 0)
        return true;
    if (bulk->sql.has_failed)
        return fx_fail(err, FX_E_LIMIT, "statement is longer than max_allowed_packet");
    int64_t n = 0;
    if (!my_run(bulk->my, fx_buf_str(&bulk->sql), &n, err))
        return fx_ctx(err, "inserting %lld rows into table \"%s.%s\"", (long long)bulk->n_rows,
                      bulk->table->schema, bulk->table->name);
    if (n != bulk->n_rows)
        return fx_fail(err, FX_E_DB, "%lld of %lld rows were inserted into table \"%s.%s\"",
                       (long long)n, (long long)bulk->n_rows, bulk->table->schema,
                       bulk->table->name);
    bulk->n_sent += bulk->n_rows;
    bulk->n_rows = 0;
    bulk->sql.len = bulk->head_len;
    bulk->sql.ptr[bulk->sql.len] = '\0';
    return true;
}

int64_t fx_my_bulk_sent(const struct fx_my_bulk *bulk)
{
    return bulk->n_sent;
}

void fx_my_bulk_close(struct fx_my_bulk *bulk)
{
    if (bulk == NULL)
        return;
    fx_buf_done(&bulk->sql);
    fx_buf_done(&bulk->row);
    free(bulk->columns);
    free(bulk);
}
