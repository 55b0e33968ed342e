/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam between streams and database engines: everything that a stream asks of an engine, as one
 * struct of functions. Nothing outside cdc/pg and cdc/mysql knows which engine it has.
 *
 * A new engine is a folder beside cdc/pg and cdc/mysql, a driver in lib/, and one row in
 * cdc/engines.c. What differs between servers of one engine (MariaDB, MySQL) is a row of
 * cdc/mysql/flavours.c.
 *
 * Each database of a context is the source of one stream and the target of the other, so every
 * engine fills in both roles. Functions that return bool fail only when a question could not be
 * asked; what is wrong with the server is a finding.
 * Errors: those of the session; the caller says whether the side is source or target
 * (cdc_side_err).
 * Thread: one per session.
 */
#ifndef CDC_ENGINE_H
#define CDC_ENGINE_H

#include "cdc/change.h"
#include "cdc/log_room.h"
#include "cdc/source.h"
#include "lib/db/findings.h"

/* One database of a context. */
struct cdc_side {
    const struct fx_context *ctx;
    enum fx_direction out; /* of the stream that reads here: FORWARD on the old side */
    enum fx_direction in;  /* of the stream that applies here */
    const struct fx_db_conf *conf;
    const struct cdc_engine *engine;
    struct fx_db *db; /* borrowed; NULL before it is opened */
};

/* Columns of what read_keys returns: one row for each column
 * of each index that keeps rows apart. Flags are "1" or "0". */
enum cdc_key_column {
    CDC_KEY_INDEX,      /* name */
    CDC_KEY_COLUMN,     /* NULL: an expression */
    CDC_KEY_PRIMARY,    /* of the primary key */
    CDC_KEY_DEFERRABLE, /* checked at the end of the transaction only */
    /* depends on more than plain columns: expression, predicate, NULL equal to NULL */
    CDC_KEY_OPAQUE,
    CDC_KEY_EXCLUSION, /* not a unique key but an exclusion constraint */
    CDC_KEY_PREFIX,    /* only the beginning of the column is compared */
    CDC_KEY_FOLDS,     /* text that differs byte by byte may compare as equal */
    CDC_KEY_PADS,      /* text that differs in trailing spaces compares as equal */
    CDC_KEY_COLLATION, /* of the column, for messages */
    CDC_KEY_EXACT,     /* a collation that compares byte by byte; NULL: not needed */
    CDC_KEY_FIX,       /* the statement that gives the column that collation; NULL: none */
    CDC_KEY_TABLE,     /* the table, quoted */
    CDC_KEY_QUOTED,    /* the index, quoted */
    CDC_KEY_N_COLUMNS
};

/* --- as source -------------------------------------------------------------------------------- */

/* A read-only snapshot in which the initial copy reads,
 * joined to the position from which the stream continues. */
struct cdc_snapshot {
    struct fx_pos at; /* what committed before it is visible, what committed later is not */
    void (*end)(struct cdc_snapshot *snapshot);
};

struct cdc_engine_source {
    /* Reads the log after `from`. See source.h; how a
     * loop is recognised is the adapter's own affair. */
    bool (*open)(const struct cdc_binding *binding, const struct fx_pos *from, int wake_fd,
                 struct cdc_source **ret_src, struct fx_err *err);
    /*
     * Takes the snapshot in `reader`, a fresh session, and whatever keeps the log from there on (a
     * slot). What an interrupted copy left of that is replaced. NULL: this engine cannot be copied
     * from.
     */
    bool (*snapshot_begin)(const struct cdc_binding *binding, struct fx_db *reader,
                           struct cdc_snapshot **ret_snapshot, struct fx_err *err);
    /* What the log still has of what a stream needs that is at `at`, with that slot. */
    bool (*look_log)(struct fx_db *db, const char *slot, const struct fx_pos *at,
                     struct cdc_log_look *ret, struct fx_err *err);
    /* How many rows the server thinks the table has; 0: it does not know. */
    bool (*estimate_rows)(struct fx_db *db, const struct fx_table *table, int64_t *ret_rows,
                          struct fx_err *err);
    /*
     * Does the target's progress row have to follow the log although nothing of ours was applied?
     * `at`: where the stream is; `recorded`: what the row says; `is_asked`: the server waits for
     * it; `is_heartbeat`: the time of a heartbeat has passed.
     */
    bool (*is_progress_due)(const struct fx_pos *at, const struct fx_pos *recorded, bool is_asked,
                            bool is_heartbeat);
};

/* --- as target -------------------------------------------------------------------------------- */

struct cdc_engine_target {
    /* First statement of an applier's session: neither fences nor triggers of customers fire. */
    const char *pass_fence;
    /*
     * Further settings of the applier's session: no foreign keys, and the marker by which the other
     * stream knows its transactions, where that is not the progress row.
     * *ret_text_max: bytes that the server takes in one text, 0: no limit of its own.
     */
    bool (*prepare)(const struct cdc_binding *binding, struct fx_db *db, size_t *ret_text_max,
                    struct fx_err *err);
    /* Raises TARGET for a text of `n_bytes`, with the setting that has to be larger. NULL where
     * prepare sets no limit: the batch's own limit is the first to be reached there. */
    bool (*fail_too_long)(const struct cdc_binding *binding, size_t n_bytes, size_t text_max,
                          struct fx_err *err);
    /* "insert into t (…)" + this + "values …": ids are taken as they are. */
    const char *insert_with_ids;
    /* "insert" + this + "into …": together with the tail, a row whose key exists stays as it is. */
    const char *insert_if_missing, *insert_if_missing_end;
    /* "insert into ficus.barrier (…) values (…)" + this: a
     * row that exists stays, and counts as one either way. */
    const char *keep_barrier;
    /*
     * An update of several rows: update_many_begin + a row "(key…, value…)" for each, between ','
     * + update_many_end. Names are quoted; the first `n_key` columns are the key. Worth it from
     * `update_many_min` rows on; 0: never.
     */
    int64_t update_many_min;
    void (*update_many_begin)(const char *table, const char *const *columns, size_t n_columns,
                              size_t n_key, struct fx_buf *out);
    void (*update_many_end)(const char *table, const char *const *columns, size_t n_columns,
                            size_t n_key, struct fx_buf *out);
    /* Appends a statement that deletes up to `limit` rows of
     * `table` (quoted) for which `where` holds (NULL: any). */
    void (*delete_some)(const char *table, const char *where, int64_t limit, struct fx_buf *out);
    /* Statements that a person may type: both belong to
     * fixes of findings. `name` and `columns` are quoted. */
    void (*drop_key)(const char *table, const char *name, struct fx_buf *out);
    void (*add_key)(const char *table, const char *columns, struct fx_buf *out);
};

/* --- both ------------------------------------------------------------------------------------- */

struct cdc_engine {
    enum fx_engine id;

    /* Settings of the server that either stream needs. */
    bool (*check_server)(const struct cdc_side *side, struct fx_findings *f, struct fx_err *err);
    /* May the user do what both streams and the fence need? Nothing
     * is tried that leaves a trace. *ret_sees_rows: of all tables. */
    bool (*check_rights)(const struct cdc_side *side, struct fx_findings *f, bool *ret_sees_rows,
                         struct fx_err *err);
    /*
     * Of an applier that is a user of its own (`side` holds its session): may it do what applying
     * needs? What more it may do would be given to whoever attaches code to a table, so that is a
     * finding, too.
     */
    bool (*check_applier)(const struct cdc_side *side, struct fx_findings *f, struct fx_err *err);
    /* Gives the rights in schema ficus to the applier (a session of it), in the side's session. */
    bool (*grant)(const struct cdc_side *side, struct fx_db *applier, struct fx_err *err);
    /* What does not stop a stream and should be known: rights that are not needed. May be NULL */
    bool (*warn)(const struct cdc_side *side, struct fx_findings *f, struct fx_err *err);
    /* Tables whose rows a stream would lose or change in silence. */
    bool (*check_silent_loss)(const struct cdc_side *side, struct fx_findings *f,
                              struct fx_err *err);
    /* What is wrong with a table as a source, once its catalog is known; NULL: nothing can be. */
    void (*check_table)(const struct fx_table *table, struct fx_findings *f);
    /* See enum cdc_key_column. Ordered: primary key first, then by index, then by position. */
    bool (*read_keys)(const struct cdc_side *side, const char *schema, const char *table,
                      struct fx_rows *ret_rows, struct fx_err *err);
    /* Ficus's own tables, and what the engine needs to be a source and a target. Idempotent. */
    bool (*install)(const struct cdc_side *side, struct fx_err *err);
    /* Removes all of it but rows of Ficus's own tables, which the caller deletes. */
    bool (*uninstall)(const struct cdc_side *side, struct fx_err *err);

    struct cdc_engine_source source;
    struct cdc_engine_target target;
};

const struct cdc_engine *cdc_engine_of(const struct fx_db_conf *conf);

/* --- sides ------------------------------------------------------------------------------------ */

struct cdc_sides {
    struct cdc_side old_side, new_side;
};
/* Without sessions. */
struct cdc_sides cdc_sides_of(const struct fx_context *ctx);
/* Opens both sessions. Errors: UNSUPPORTED for a pair of
 * engines that streams do not run between; SOURCE*, TARGET*. */
bool cdc_sides_open(const struct fx_context *ctx, struct cdc_sides *ret,
                    struct fx_err *err) FX_MUST_CHECK;
void cdc_sides_close(struct cdc_sides *sides);

/* The name of a table of the context on this side. */
const char *cdc_side_schema(const struct cdc_side *side, size_t table);
const char *cdc_side_table(const struct cdc_side *side, size_t table);
/* DB* becomes SOURCE* on the old side and TARGET* on the new one. Always false. */
bool cdc_side_err(const struct cdc_side *side, struct fx_err *err);

#endif
