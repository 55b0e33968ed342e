/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stream has set aside: rows of the target that are not known to be equal to the source's.
 * Each is a row of ficus.dead on the target, the entry of a key or of a range of keys, and has a
 * copy here, so that every change can be asked whether it touches one.
 *
 * A change to a key inside an entry is counted there and not applied. So an entry is written, and
 * counted, in the target transaction of the source transaction that it belongs to: functions that
 * change an entry append the statement to a text of the caller, who executes it in that
 * transaction, and change the copy here at once. A caller whose transaction does not commit loads
 * again.
 *
 * A key is the JSON array of the source's primary key as text, in key order: ["42","x"]. A range
 * has such arrays as bounds, low inside and high outside; NULL is an open end. Keys are ordered as
 * fx_value_key_cmp says, column by column.
 *
 * Thread: one.   Owns: its copies.
 */
#ifndef CDC_DEAD_H
#define CDC_DEAD_H

#include "cdc/change.h"

enum cdc_dead_kind {
    CDC_DEAD_KEY,
    CDC_DEAD_RANGE,
    CDC_DEAD_ACCEPT, /* what a person said: at this position, set aside what cannot be applied */
    CDC_DEAD_EXEMPT, /* an entry that a person gave up: named, never counted */
};
const char *cdc_dead_kind_name(enum cdc_dead_kind kind); /* as stored: "key" */

/* Longest text of an image and of a cause; what is longer is clipped. */
enum { CDC_DEAD_IMAGE_MAX = 64 << 10, CDC_DEAD_CAUSE_MAX = 1 << 10 };

struct cdc_dead_entry {
    enum cdc_dead_kind kind;
    size_t table;    /* into binding->ctx.tables; SIZE_MAX: the stream does not carry it now */
    const char *tbl; /* as stored: the source's "schema.name" */
    const char *digest;
    const char *key;        /* KEY, EXEMPT; NULL otherwise */
    const char *low, *high; /* RANGE; NULL: open */
    const char *position;   /* ACCEPT: of the transaction; else of the first change */
    const struct fx_value *low_key, *high_key; /* RANGE: n_key values each; NULL: open */
};

struct cdc_dead;

/* Empty; borrows the binding. */
struct cdc_dead *cdc_dead_new(const struct cdc_binding *binding);
/*
 * Reads the entries of the binding's stream, in place of those that are there. `db`: a session of
 * the target that may read ficus.dead; the schema has at least version FX_SCHEMA_DEAD.
 * Errors: those of the session; DRIFT for a row that Ficus did not write.
 */
bool cdc_dead_load(struct cdc_dead *dead, struct fx_db *db, struct fx_err *err) FX_MUST_CHECK;
void cdc_dead_free(struct cdc_dead *dead); /* NULL is fine */

size_t cdc_dead_count(const struct cdc_dead *dead); /* entries of kind KEY and RANGE */
size_t cdc_dead_keys_of(const struct cdc_dead *dead, size_t table); /* of kind KEY */
/* The i-th of all entries, of any kind, in no order; valid until the next change. */
const struct cdc_dead_entry *cdc_dead_at(const struct cdc_dead *dead, size_t i);
size_t cdc_dead_len(const struct cdc_dead *dead);

/* `values`: one for each column of the source's table; only those of the key are looked at. The
 * entry of the key itself, or a range that it lies in; NULL: none. */
const struct cdc_dead_entry *cdc_dead_covers(const struct cdc_dead *dead, size_t table,
                                             const struct fx_value *values);
/* Did a person accept what fails in the transaction that ends at `pos`? */
bool cdc_dead_is_accepted(const struct cdc_dead *dead, const struct fx_pos *pos);

/* Why, and by which change. Texts are clipped; images are JSON objects, column to text or null. */
struct cdc_dead_cause {
    const char *text;          /* SQLSTATE or our code, and the message */
    const struct cdc_row *row; /* the change; NULL: none */
    const struct fx_pos *pos;  /* of its transaction */
    const char *birth;         /* NULL: "" */
};

/*
 * Each appends one statement that matches exactly one row, without the ';', but the last two, whose
 * number of rows is returned. An entry that is there already is noted instead.
 */
void cdc_dead_add_key(struct cdc_dead *dead, size_t table, const struct fx_value *values,
                      const struct cdc_dead_cause *why, struct fx_buf *sql);
/* `low`, `high`: n_key values of the key in key order, NULL: open. */
void cdc_dead_add_range(struct cdc_dead *dead, size_t table, const struct fx_value *low,
                        const struct fx_value *high, const struct cdc_dead_cause *why,
                        struct fx_buf *sql);
/* One more change of what the entry covers. */
void cdc_dead_note(struct cdc_dead *dead, const struct cdc_dead_entry *entry,
                   const struct cdc_dead_cause *why, struct fx_buf *sql);
/* The range begins at `low` from now on: what lay before is equal again. */
void cdc_dead_raise_low(struct cdc_dead *dead, const struct cdc_dead_entry *entry,
                        const struct fx_value *low, struct fx_buf *sql);
void cdc_dead_remove(struct cdc_dead *dead, const struct cdc_dead_entry *entry, struct fx_buf *sql);
/* All entries of kind KEY of the table; returns how many rows the statement matches, 0: none was
 * appended. */
size_t cdc_dead_remove_keys(struct cdc_dead *dead, size_t table, struct fx_buf *sql);
/* All entries of kind ACCEPT of that position; the same. */
size_t cdc_dead_remove_accepted(struct cdc_dead *dead, const struct fx_pos *pos,
                                struct fx_buf *sql);

/* --- texts ------------------------------------------------------------------------------------ */

/* The key of a source row as text; `values` as above. */
void cdc_dead_key_text(const struct cdc_binding *binding, size_t table,
                       const struct fx_value *values, struct fx_buf *out);
/* And back: *ret has n_key values in key order. Errors: DRIFT. */
bool cdc_dead_key_read(const struct cdc_binding *binding, size_t table, struct fx_str text,
                       struct fx_arena *arena, struct fx_value **ret,
                       struct fx_err *err) FX_MUST_CHECK;
/* Values in key order, as a row of the source's table with all other columns UNCHANGED. */
struct fx_value *cdc_dead_key_row(const struct cdc_binding *binding, size_t table,
                                  const struct fx_value *key, struct fx_arena *arena);
/* Column to text or null; UNCHANGED columns are left out. */
void cdc_dead_image(const struct cdc_binding *binding, size_t table, const struct fx_value *values,
                    struct fx_buf *out);
/* A value as text: numbers as digits, times as the server writes them, bytes as hex. */
void cdc_dead_value_text(const struct fx_value *v, struct fx_buf *out);

#endif
