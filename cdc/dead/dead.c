/* SPDX-License-Identifier: Apache-2.0 */
/* See dead.h. */
#include "cdc/dead/dead.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
/* Its default falls through the labels of a switch, which clang wants to see said. */
#define HASH_FUNCTION HASH_FNV
#include <uthash.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "lib/base/vec.h"
#include "lib/crypt/digest.h"

enum { KEY_MAX = 1 << 20 };

struct item {
    struct cdc_dead_entry entry; /* first member; its texts are in `arena` */
    struct fx_arena arena;
    size_t at; /* in `items` */
    UT_hash_handle hh;
};

struct per_table {
    size_t n_keys, n_ranges;
};

struct cdc_dead {
    const struct cdc_binding *binding;
    enum fx_engine engine; /* of the target */
    struct item *by_digest;
    FX_VEC(struct item *) items;
    struct per_table *tables;
    size_t n_counted; /* KEY and RANGE */
};

static const char *const kind_names[] = {[CDC_DEAD_KEY] = "key",
                                         [CDC_DEAD_RANGE] = "range",
                                         [CDC_DEAD_ACCEPT] = "accept",
                                         [CDC_DEAD_EXEMPT] = "exempt"};

const char *cdc_dead_kind_name(enum cdc_dead_kind kind)
{
    return (size_t)kind < FX_ARRAY_LEN(kind_names) ? kind_names[kind] : "?";
}

static bool read_kind(struct fx_str text, enum cdc_dead_kind *ret)
{
    for (size_t i = 0; i < FX_ARRAY_LEN(kind_names); i++)
        if (fx_str_eq_c(text, kind_names[i])) {
            *ret = (enum cdc_dead_kind)i;
            return true;
        }
    return false;
}

/* --- the copy --------------------------------------------------------------------------------- */

static bool is_counted(enum cdc_dead_kind kind)
{
    return kind == CDC_DEAD_KEY || kind == CDC_DEAD_RANGE;
}

static void count(struct cdc_dead *dead, const struct cdc_dead_entry *entry, bool is_added)
{
    size_t by = is_added ? 1 : SIZE_MAX; /* adding SIZE_MAX takes one away */
    if (is_counted(entry->kind))
        dead->n_counted += by;
    if (entry->table == SIZE_MAX)
        return;
    if (entry->kind == CDC_DEAD_KEY)
        dead->tables[entry->table].n_keys += by;
    if (entry->kind == CDC_DEAD_RANGE)
        dead->tables[entry->table].n_ranges += by;
}

static void free_item(struct item *item)
{
    fx_arena_done(&item->arena);
    free(item);
}

static struct item *new_item(void)
{
    struct item *item = FX_NEW(struct item);
    fx_arena_init(&item->arena, 0);
    return item;
}

static void insert(struct cdc_dead *dead, struct item *item)
{
    item->at = dead->items.len;
    FX_VEC_PUSH(&dead->items, item);
    HASH_ADD_KEYPTR(hh, dead->by_digest, item->entry.digest, strlen(item->entry.digest), item);
    count(dead, &item->entry, true);
}

static void take_out(struct cdc_dead *dead, struct item *item)
{
    struct item *last = dead->items.items[dead->items.len - 1];
    count(dead, &item->entry, false);
    HASH_DEL(dead->by_digest, item);
    dead->items.items[item->at] = last;
    last->at = item->at;
    dead->items.len--;
    free_item(item);
}

static void clear(struct cdc_dead *dead)
{
    while (dead->items.len > 0)
        take_out(dead, dead->items.items[dead->items.len - 1]);
}

void cdc_dead_free(struct cdc_dead *dead)
{
    if (dead == NULL)
        return;
    clear(dead);
    FX_VEC_DONE(&dead->items);
    free(dead->tables);
    free(dead);
}

size_t cdc_dead_count(const struct cdc_dead *dead)
{
    return dead->n_counted;
}

size_t cdc_dead_keys_of(const struct cdc_dead *dead, size_t table)
{
    return dead->tables[table].n_keys;
}

size_t cdc_dead_len(const struct cdc_dead *dead)
{
    return dead->items.len;
}

const struct cdc_dead_entry *cdc_dead_at(const struct cdc_dead *dead, size_t i)
{
    return &dead->items.items[i]->entry;
}

static char *table_name(const struct cdc_binding *binding, size_t table, struct fx_arena *arena)
{
    const struct fx_table *source = cdc_source_table(binding, table);
    return fx_arena_printf(arena, "%s.%s", source->schema, source->name);
}

/* One name for each entry of a stream: by it the row is found again. */
static char *digest_of(enum cdc_dead_kind kind, const char *tbl, const char *key, const char *high,
                       struct fx_arena *arena)
{
    char hex[FX_SHA256_HEX];
    const char *text = fx_arena_printf(arena, "%s\n%s\n%s\n%s", cdc_dead_kind_name(kind), tbl,
                                       key != NULL ? key : "", high != NULL ? high : "");
    fx_sha256_hex(fx_str_from(text), hex);
    return fx_arena_strdup(arena, hex);
}

static struct item *find(const struct cdc_dead *dead, const char *digest)
{
    struct item *item = NULL;
    HASH_FIND(hh, dead->by_digest, digest, strlen(digest), item);
    return item;
}

static struct item *item_of(struct cdc_dead *dead, const struct cdc_dead_entry *entry)
{
    struct item *item = find(dead, entry->digest);
    FX_INVARIANT(item != NULL && &item->entry == entry,
                 "stream \"%s\": an entry of ficus.dead that is not there, table %s",
                 dead->binding->stream, entry->tbl);
    return item;
}

/* --- what is covered -------------------------------------------------------------------------- */

/* The key of a row against a bound, column by column. */
static int compare_key(const struct fx_table *source, const struct fx_value *values,
                       const struct fx_value *bound)
{
    for (size_t k = 0; k < source->n_key; k++) {
        int order = fx_value_key_cmp(&values[source->key[k]], &bound[k]);
        if (order != 0)
            return order;
    }
    return 0;
}

static bool is_inside(const struct fx_table *source, const struct cdc_dead_entry *range,
                      const struct fx_value *values)
{
    return (range->low_key == NULL || compare_key(source, values, range->low_key) >= 0) &&
           (range->high_key == NULL || compare_key(source, values, range->high_key) < 0);
}

static const struct cdc_dead_entry *find_key(const struct cdc_dead *dead, size_t table,
                                             const struct fx_value *values)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    FX_AUTO(fx_buf) struct fx_buf key = FX_BUF(KEY_MAX);
    fx_arena_init(&arena, 0);
    cdc_dead_key_text(dead->binding, table, values, &key);
    struct item *item = find(dead, digest_of(CDC_DEAD_KEY, table_name(dead->binding, table, &arena),
                                             fx_buf_cstr(&key), NULL, &arena));
    return item != NULL ? &item->entry : NULL;
}

static const struct cdc_dead_entry *find_range(const struct cdc_dead *dead, size_t table,
                                               const struct fx_value *values)
{
    const struct fx_table *source = cdc_source_table(dead->binding, table);
    for (size_t i = 0; i < dead->items.len; i++) {
        const struct cdc_dead_entry *entry = &dead->items.items[i]->entry;
        if (entry->kind == CDC_DEAD_RANGE && entry->table == table &&
            is_inside(source, entry, values))
            return entry;
    }
    return NULL;
}

const struct cdc_dead_entry *cdc_dead_covers(const struct cdc_dead *dead, size_t table,
                                             const struct fx_value *values)
{
    const struct cdc_dead_entry *entry = NULL;
    if (dead->tables[table].n_keys > 0)
        entry = find_key(dead, table, values);
    if (entry == NULL && dead->tables[table].n_ranges > 0)
        entry = find_range(dead, table, values);
    return entry;
}

bool cdc_dead_is_accepted(const struct cdc_dead *dead, const struct fx_pos *pos)
{
    for (size_t i = 0; i < dead->items.len; i++) {
        const struct cdc_dead_entry *entry = &dead->items.items[i]->entry;
        if (entry->kind == CDC_DEAD_ACCEPT && fx_str_eq_c(fx_pos_str(pos), entry->position))
            return true;
    }
    return false;
}

/* --- statements ------------------------------------------------------------------------------- */

static void add_literal(const struct cdc_dead *dead, struct fx_str text, struct fx_buf *sql)
{
    fx_db_literal(dead->engine, text, sql);
}

static void add_text(const struct cdc_dead *dead, const char *text, struct fx_buf *sql)
{
    if (text == NULL)
        fx_buf_add_c(sql, "null");
    else
        add_literal(dead, fx_str_from(text), sql);
}

static void add_image(const struct cdc_dead *dead, size_t table, const struct fx_value *values,
                      struct fx_buf *sql)
{
    FX_AUTO(fx_buf) struct fx_buf image = FX_BUF(CDC_DEAD_IMAGE_MAX + 16);
    if (values == NULL) {
        fx_buf_add_c(sql, "null");
        return;
    }
    cdc_dead_image(dead->binding, table, values, &image);
    add_literal(dead, fx_buf_str(&image), sql);
}

static void add_where(const struct cdc_dead *dead, const struct cdc_dead_entry *entry,
                      struct fx_buf *sql)
{
    fx_buf_add_c(sql, " where stream=");
    add_text(dead, dead->binding->stream, sql);
    fx_buf_add_c(sql, " and tbl=");
    add_text(dead, entry->tbl, sql);
    fx_buf_printf(sql, " and kind='%s' and digest='%s'", cdc_dead_kind_name(entry->kind),
                  entry->digest);
}

static void add_insert(const struct cdc_dead *dead, const struct cdc_dead_entry *entry,
                       const struct cdc_dead_cause *why, struct fx_buf *sql)
{
    const struct cdc_row *row = why->row;
    fx_buf_add_c(sql, "insert into ficus.dead (stream,birth,tbl,kind,digest,pk,low,high,cause,"
                      "row_before,row_after,first_pos,last_pos,n) values (");
    const char *texts[] = {dead->binding->stream,
                           why->birth != NULL ? why->birth : "",
                           entry->tbl,
                           cdc_dead_kind_name(entry->kind),
                           entry->digest,
                           entry->key,
                           entry->low,
                           entry->high};
    for (size_t i = 0; i < FX_ARRAY_LEN(texts); i++) {
        add_text(dead, texts[i], sql);
        fx_buf_add_char(sql, ',');
    }
    add_literal(dead, fx_utf8_clip(fx_str_from(why->text), CDC_DEAD_CAUSE_MAX), sql);
    fx_buf_add_char(sql, ',');
    add_image(dead, entry->table, row != NULL ? row->old : NULL, sql);
    fx_buf_add_char(sql, ',');
    add_image(dead, entry->table, row != NULL ? row->new : NULL, sql);
    for (int i = 0; i < 2; i++) {
        fx_buf_add_char(sql, ',');
        add_literal(dead, fx_pos_str(why->pos), sql);
    }
    fx_buf_add_c(sql, row != NULL ? ",1)" : ",0)");
}

void cdc_dead_note(struct cdc_dead *dead, const struct cdc_dead_entry *entry,
                   const struct cdc_dead_cause *why, struct fx_buf *sql)
{
    fx_buf_printf(sql, "update ficus.dead set n=n+%d,last_pos=", why->row != NULL ? 1 : 0);
    add_literal(dead, fx_pos_str(why->pos), sql);
    if (why->row != NULL) {
        fx_buf_add_c(sql, ",row_after=");
        add_image(dead, why->row->table, why->row->new, sql);
    }
    add_where(dead, entry, sql);
}

/* Whole, or an entry that is there already. */
static void add(struct cdc_dead *dead, struct item *item, const struct cdc_dead_cause *why,
                struct fx_buf *sql)
{
    struct item *there = find(dead, item->entry.digest);
    if (there != NULL) {
        free_item(item);
        cdc_dead_note(dead, &there->entry, why, sql);
        return;
    }
    item->entry.position = fx_arena_strdup(&item->arena, fx_pos_text(why->pos));
    add_insert(dead, &item->entry, why, sql);
    insert(dead, item);
}

void cdc_dead_add_key(struct cdc_dead *dead, size_t table, const struct fx_value *values,
                      const struct cdc_dead_cause *why, struct fx_buf *sql)
{
    struct item *item = new_item();
    struct cdc_dead_entry *entry = &item->entry;
    FX_AUTO(fx_buf) struct fx_buf key = FX_BUF(KEY_MAX);
    cdc_dead_key_text(dead->binding, table, values, &key);
    *entry = (struct cdc_dead_entry){.kind = CDC_DEAD_KEY, .table = table};
    entry->tbl = table_name(dead->binding, table, &item->arena);
    entry->key = fx_arena_strdup(&item->arena, fx_buf_cstr(&key));
    entry->digest = digest_of(entry->kind, entry->tbl, entry->key, NULL, &item->arena);
    add(dead, item, why, sql);
}

/* *ret_text: the bound as text. NULL stays NULL. */
static const struct fx_value *keep_bound(const struct cdc_dead *dead, size_t table,
                                         const struct fx_value *key, struct fx_arena *arena,
                                         const char **ret_text)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(KEY_MAX);
    size_t n = cdc_source_table(dead->binding, table)->n_key;
    *ret_text = NULL;
    if (key == NULL)
        return NULL;
    struct fx_value *copy = fx_arena_array(arena, n + 1, sizeof *copy);
    for (size_t k = 0; k < n; k++)
        copy[k] = fx_value_copy(&key[k], arena);
    cdc_dead_key_text(dead->binding, table, cdc_dead_key_row(dead->binding, table, copy, arena),
                      &text);
    *ret_text = fx_arena_strdup(arena, fx_buf_cstr(&text));
    return copy;
}

void cdc_dead_add_range(struct cdc_dead *dead, size_t table, const struct fx_value *low,
                        const struct fx_value *high, const struct cdc_dead_cause *why,
                        struct fx_buf *sql)
{
    struct item *item = new_item();
    struct cdc_dead_entry *entry = &item->entry;
    *entry = (struct cdc_dead_entry){.kind = CDC_DEAD_RANGE, .table = table};
    entry->tbl = table_name(dead->binding, table, &item->arena);
    entry->low_key = keep_bound(dead, table, low, &item->arena, &entry->low);
    entry->high_key = keep_bound(dead, table, high, &item->arena, &entry->high);
    entry->digest = digest_of(entry->kind, entry->tbl, entry->low, entry->high, &item->arena);
    add(dead, item, why, sql);
}

/* Its name goes with its bounds, so that the same range can be set aside once more. */
void cdc_dead_raise_low(struct cdc_dead *dead, const struct cdc_dead_entry *entry,
                        const struct fx_value *low, struct fx_buf *sql)
{
    struct item *item = item_of(dead, entry);
    struct cdc_dead_entry *range = &item->entry;
    struct cdc_dead_entry was = *range;
    FX_INVARIANT(range->kind == CDC_DEAD_RANGE && range->table != SIZE_MAX,
                 "stream \"%s\": entry of kind %s has no bounds, table %s", dead->binding->stream,
                 cdc_dead_kind_name(range->kind), range->tbl);
    HASH_DEL(dead->by_digest, item);
    range->low_key = keep_bound(dead, range->table, low, &item->arena, &range->low);
    range->digest = digest_of(range->kind, range->tbl, range->low, range->high, &item->arena);
    HASH_ADD_KEYPTR(hh, dead->by_digest, range->digest, strlen(range->digest), item);
    fx_buf_add_c(sql, "update ficus.dead set low=");
    add_text(dead, range->low, sql);
    fx_buf_printf(sql, ",digest='%s'", range->digest);
    add_where(dead, &was, sql);
}

void cdc_dead_remove(struct cdc_dead *dead, const struct cdc_dead_entry *entry, struct fx_buf *sql)
{
    fx_buf_add_c(sql, "delete from ficus.dead");
    add_where(dead, entry, sql);
    take_out(dead, item_of(dead, entry));
}

typedef bool (*matches_fn)(const struct cdc_dead_entry *entry, const void *arg);

/* The copies; returns how many. */
static size_t take_out_all(struct cdc_dead *dead, matches_fn matches, const void *arg)
{
    size_t n = 0;
    for (size_t i = dead->items.len; i > 0; i--) {
        struct item *item = dead->items.items[i - 1];
        if (!matches(&item->entry, arg))
            continue;
        take_out(dead, item);
        n++;
    }
    return n;
}

static bool is_key_of(const struct cdc_dead_entry *entry, const void *arg)
{
    return entry->kind == CDC_DEAD_KEY && entry->table == *(const size_t *)arg;
}

size_t cdc_dead_remove_keys(struct cdc_dead *dead, size_t table, struct fx_buf *sql)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    size_t n = take_out_all(dead, is_key_of, &table);
    if (n == 0)
        return 0;
    fx_buf_add_c(sql, "delete from ficus.dead where kind='key' and stream=");
    add_text(dead, dead->binding->stream, sql);
    fx_buf_add_c(sql, " and tbl=");
    add_text(dead, table_name(dead->binding, table, &arena), sql);
    return n;
}

static bool is_accept_of(const struct cdc_dead_entry *entry, const void *arg)
{
    return entry->kind == CDC_DEAD_ACCEPT && fx_str_eq_c(fx_pos_str(arg), entry->position);
}

size_t cdc_dead_remove_accepted(struct cdc_dead *dead, const struct fx_pos *pos, struct fx_buf *sql)
{
    size_t n = take_out_all(dead, is_accept_of, pos);
    if (n == 0)
        return 0;
    fx_buf_add_c(sql, "delete from ficus.dead where kind='accept' and stream=");
    add_text(dead, dead->binding->stream, sql);
    fx_buf_add_c(sql, " and first_pos=");
    add_literal(dead, fx_pos_str(pos), sql);
    return n;
}

/* --- loading ---------------------------------------------------------------------------------- */

static size_t table_of(const struct cdc_binding *binding, struct fx_str tbl)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    for (size_t i = 0; i < binding->ctx.n_tables; i++)
        if (fx_str_eq_c(tbl, table_name(binding, i, &arena)))
            return i;
    return SIZE_MAX;
}

static const char *cell_text(fx_cell cell, struct fx_arena *arena)
{
    return cell.ptr != NULL ? fx_arena_str(arena, cell).ptr : NULL;
}

static bool read_bound(const struct cdc_dead *dead, const struct cdc_dead_entry *entry,
                       const char *text, struct fx_arena *arena, const struct fx_value **ret,
                       struct fx_err *err)
{
    struct fx_value *key = NULL;
    if (text != NULL && entry->kind == CDC_DEAD_RANGE && entry->table != SIZE_MAX &&
        !cdc_dead_key_read(dead->binding, entry->table, fx_str_from(text), arena, &key, err))
        return false;
    *ret = key;
    return true;
}

static bool fail_row(const struct cdc_dead *dead, struct fx_err *err)
{
    return fx_fail(err, FX_E_DRIFT,
                   "a row of stream \"%s\" in table ficus.dead of database \"%s\" is not as Ficus "
                   "wrote it",
                   dead->binding->stream, dead->binding->target->name) ||
           fx_hint(
               err,
               "Another program changed that table. See the rows: ficus cdc dead list --context "
               "%s",
               dead->binding->ctx.name);
}

static bool read_row(struct cdc_dead *dead, const struct fx_rows *rows, size_t r,
                     struct fx_err *err)
{
    struct item *item = new_item();
    struct cdc_dead_entry *entry = &item->entry;
    struct fx_arena *arena = &item->arena;
    bool is_ok = read_kind(fx_rows_at(rows, r, 0), &entry->kind) && fx_rows_at(rows, r, 2).len > 0;
    if (!is_ok) {
        free_item(item);
        return fail_row(dead, err);
    }
    entry->tbl = fx_arena_str(arena, fx_rows_at(rows, r, 1)).ptr;
    entry->table = table_of(dead->binding, fx_rows_at(rows, r, 1));
    entry->digest = fx_arena_str(arena, fx_rows_at(rows, r, 2)).ptr;
    entry->key = cell_text(fx_rows_at(rows, r, 3), arena);
    entry->low = cell_text(fx_rows_at(rows, r, 4), arena);
    entry->high = cell_text(fx_rows_at(rows, r, 5), arena);
    entry->position = fx_arena_str(arena, fx_rows_at(rows, r, 6)).ptr;
    if (!read_bound(dead, entry, entry->low, arena, &entry->low_key, err) ||
        !read_bound(dead, entry, entry->high, arena, &entry->high_key, err)) {
        free_item(item);
        return false;
    }
    insert(dead, item);
    return true;
}

struct cdc_dead *cdc_dead_new(const struct cdc_binding *binding)
{
    struct cdc_dead *dead = FX_NEW(struct cdc_dead);
    dead->binding = binding;
    dead->engine = binding->target->engine;
    dead->tables = fx_alloc_array(binding->ctx.n_tables + 1, sizeof *dead->tables);
    return dead;
}

bool cdc_dead_load(struct cdc_dead *dead, struct fx_db *db, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell stream = fx_str_from(dead->binding->stream);
    clear(dead);
    if (!fx_db_select(db,
                      "select kind, tbl, digest, pk, low, high, first_pos from ficus.dead where "
                      "stream = ? order by id",
                      &stream, 1, 0, 7, &rows, err))
        return fx_ctx(err, "reading what stream \"%s\" has set aside", dead->binding->stream);
    for (size_t i = 0; i < rows.n_rows; i++)
        if (!read_row(dead, &rows, i, err))
            return false;
    return true;
}
