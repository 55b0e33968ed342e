/* SPDX-License-Identifier: Apache-2.0 */
/* See pieces.h. */
#include "cdc/preflight/pieces.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/hash.h"
#include "lib/db/conf.h"
#include "lib/fmt/json_doc.h"
#include "lib/fmt/json_write.h"
#include "lib/fmt/text.h"
#include "lib/io/file.h"

enum { PIECE_ROWS = 50000, FILE_MAX = 64 << 20, FORM = 1 };
#define AGE_MAX_US (INT64_C(24) * 3600 * 1000000)

static struct cdc_piece *add_piece(struct cdc_pieces *pieces, size_t table, const char *low,
                                   const char *high)
{
    struct cdc_piece *piece = FX_NEW(struct cdc_piece);
    *piece = (struct cdc_piece){.table = table, .low = fx_strdup(low), .high = fx_strdup(high)};
    FX_VEC_PUSH(&pieces->all, piece);
    return piece;
}

/* The next piece begins where this one ends, or with the next table. */
static void move_on(struct cdc_pieces *pieces, const struct cdc_piece *last)
{
    free(pieces->low);
    pieces->low = fx_strdup(last->high);
    pieces->table = last->high != NULL ? last->table : last->table + 1;
}

/* --- bounds ----------------------------------------------------------------------------------- */

static bool read_bound(const struct cdc_pieces *pieces, struct fx_db *db, char **ret_high,
                       struct fx_err *err)
{
    const struct fx_table *table = cdc_source_table(pieces->spec->binding, pieces->table);
    enum fx_engine engine = fx_db_engine(db);
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(4096), key = FX_BUF(1024);
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell low = fx_str_from(pieces->low != NULL ? pieces->low : "");
    fx_db_ident(engine, table->columns[table->key[0]].name, &key);
    fx_buf_printf(&sql, "select %s from ", fx_buf_cstr(&key));
    fx_db_table_ident(engine, table, &sql);
    if (pieces->low != NULL)
        fx_buf_printf(&sql, " where %s > ?", fx_buf_cstr(&key));
    fx_buf_printf(&sql, " order by %s limit 1 offset %d", fx_buf_cstr(&key), PIECE_ROWS - 1);
    if (!fx_db_query(db, fx_buf_cstr(&sql), &low, pieces->low != NULL ? 1 : 0, &rows, err))
        return fx_ctx(err, "reading the key of table \"%s.%s\"", table->schema, table->name);
    if (rows.n_rows > 0 && fx_rows_at(&rows, 0, 0).ptr != NULL)
        *ret_high = fx_strndup(fx_rows_at(&rows, 0, 0).ptr, fx_rows_at(&rows, 0, 0).len);
    return true;
}

static bool is_scanned(const struct cdc_pieces *pieces, size_t table)
{
    return pieces->spec->binding->ctx.tables[table].is_bound;
}

static bool find_piece(struct cdc_pieces *pieces, struct fx_db *db, struct cdc_piece **ret,
                       struct fx_err *err)
{
    FX_AUTO_STR char *high = NULL;
    size_t n_tables = pieces->spec->binding->ctx.n_tables;
    while (pieces->table < n_tables && !is_scanned(pieces, pieces->table))
        pieces->table++;
    *ret = NULL;
    if (pieces->table == n_tables)
        return true;
    if (!read_bound(pieces, db, &high, err))
        return false;
    *ret = add_piece(pieces, pieces->table, pieces->low, high);
    move_on(pieces, *ret);
    pieces->next = pieces->all.len;
    return true;
}

bool cdc_pieces_take(struct cdc_pieces *pieces, struct fx_db *db, struct cdc_piece **ret,
                     struct fx_err *err)
{
    while (pieces->next < pieces->all.len && pieces->all.items[pieces->next]->is_clean)
        pieces->next++;
    if (pieces->next == pieces->all.len)
        return find_piece(pieces, db, ret, err);
    *ret = pieces->all.items[pieces->next++];
    return true;
}

/* --- the file --------------------------------------------------------------------------------- */

/* What a piece was judged by: anything else, and it has to be read again. */
static void write_digest(const struct cdc_scan_spec *spec, char out[FX_HASH_HEX])
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 24);
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    fx_buf_printf(&text, "%d %s %s", FORM, fx_db_conf_address(spec->binding->source, &arena),
                  fx_db_conf_address(spec->binding->target, &arena));
    for (size_t t = 0; t < spec->binding->ctx.n_tables; t++) {
        const struct fx_map_table *map = &spec->binding->ctx.tables[t];
        fx_buf_printf(&text, "\n%s.%s %s.%s %s", map->old_schema, map->old_name, map->new_schema,
                      map->new_name, map->is_bound ? map->digest : "-");
        for (size_t i = 0; i < map->n_columns; i++)
            fx_buf_printf(&text, " %d", spec->pads[t][i] != NULL);
    }
    fx_hash128_hex(fx_buf_str(&text), out);
}

static void write_bound(struct fx_json_w *w, const char *key, const char *bound)
{
    fx_json_w_kv_text(w, key, bound);
}

/* A bound that JSON would change must not come back as another one. */
static bool is_writable(const struct cdc_piece *piece)
{
    return piece->high == NULL || fx_utf8_valid(fx_str_from(piece->high));
}

void cdc_pieces_write(const struct cdc_pieces *pieces, struct fx_buf *out)
{
    char digest[FX_HASH_HEX];
    struct fx_json_w w;
    write_digest(pieces->spec, digest);
    fx_json_w_init(&w, out);
    fx_json_w_object(&w);
    fx_json_w_kv_i64(&w, "scan", FORM);
    fx_json_w_kv_text(&w, "digest", digest);
    fx_json_w_kv_i64(&w, "began_us", pieces->began_us);
    fx_json_w_key(&w, "pieces");
    fx_json_w_array(&w);
    for (size_t i = 0; i < pieces->all.len && is_writable(pieces->all.items[i]); i++) {
        const struct cdc_piece *piece = pieces->all.items[i];
        fx_json_w_object(&w);
        fx_json_w_kv_u64(&w, "table", piece->table);
        write_bound(&w, "low", piece->low);
        write_bound(&w, "high", piece->high);
        fx_json_w_kv_i64(&w, "rows", piece->n_rows);
        fx_json_w_kv_bool(&w, "clean", piece->is_clean);
        fx_json_w_end(&w);
    }
    fx_json_w_end(&w);
    fx_json_w_end(&w);
}

/* Pieces follow one another without a gap, or the file is not believed from there on. */
static bool read_piece(struct cdc_pieces *pieces, const struct fx_json *node)
{
    int64_t table = fx_json_get_i64(node, "table", -1);
    const char *low = fx_json_get_str(node, "low", NULL);
    const char *high = fx_json_get_str(node, "high", NULL);
    size_t expected = pieces->table;
    while (expected < pieces->spec->binding->ctx.n_tables && !is_scanned(pieces, expected))
        expected++;
    if (table < 0 || (size_t)table != expected || expected >= pieces->spec->binding->ctx.n_tables ||
        (low == NULL) != (pieces->low == NULL) || (low != NULL && strcmp(low, pieces->low) != 0))
        return false;
    struct cdc_piece *piece = add_piece(pieces, expected, low, high);
    piece->n_rows = fx_json_get_i64(node, "rows", 0);
    piece->is_read = piece->is_clean = fx_json_get_bool(node, "clean", false);
    pieces->resumed_rows += piece->is_clean ? piece->n_rows : 0;
    move_on(pieces, piece);
    return true;
}

static void read_file(struct cdc_pieces *pieces, const struct fx_json *root)
{
    char digest[FX_HASH_HEX];
    const struct fx_json *list = fx_json_get(root, "pieces");
    int64_t began_us = fx_json_get_i64(root, "began_us", 0);
    write_digest(pieces->spec, digest);
    if (strcmp(fx_json_get_str(root, "digest", ""), digest) != 0 || began_us > pieces->began_us ||
        pieces->began_us - began_us > AGE_MAX_US)
        return;
    pieces->began_us = began_us;
    size_t i = 0;
    while (i < fx_json_len(list) && read_piece(pieces, fx_json_at(list, i)))
        i++;
}

void cdc_pieces_init(struct cdc_pieces *pieces, const struct cdc_scan_spec *spec)
{
    struct fx_err ignored = FX_ERR_INIT;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(FILE_MAX);
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    *pieces = (struct cdc_pieces){.spec = spec, .began_us = fx_wall_now().us};
    if (spec->file != NULL && fx_file_read(spec->file, FILE_MAX, &text, &ignored) &&
        fx_json_parse(fx_buf_str(&text), &doc, &ignored))
        read_file(pieces, fx_json_root(doc));
}

void cdc_pieces_done(struct cdc_pieces *pieces)
{
    for (size_t i = 0; i < pieces->all.len; i++) {
        struct cdc_piece *piece = pieces->all.items[i];
        cdc_bad_values_free(piece->found);
        free(piece->low);
        free(piece->high);
        free(piece);
    }
    FX_VEC_DONE(&pieces->all);
    free(pieces->low);
}
