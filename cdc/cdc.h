/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Change data capture between the two databases of a context: public face.
 *
 * A context has two streams, "<context>-forward" (old -> new) and "<context>-reverse" (new -> old).
 * Both run from cdc_start to cdc_drop, each as one child process that outlives the command which
 * started it. A stream applies every source transaction as one target transaction together with its
 * position and loop marker, and discards (and counts) what the other stream's applier wrote.
 *
 * A stream process holds <state>/streams/<name>.lock while it lives and answers HTTP on the Unix
 * socket <state>/streams/<name>.sock: GET /status /metrics /tail, POST /hold /advance /release
 * /stop. Everything below that takes a struct cdc_ref is a client of that socket.
 *
 * Errors: STREAM when the process is not there (hint: ficus run resume), LOCKED when it already is.
 */
#ifndef CDC_CDC_H
#define CDC_CDC_H

#include "lib/conf/schema.h"
#include "lib/fmt/findings.h"
#include "lib/map/map.h"

/* The `cdc:` section of ficus.yaml (all optional). Units in the names. */
struct cdc_options {
    int64_t copy_batch_rows; /* rows of one multi-row insert while copying */
    /* changes in one text to the target; a larger source
     * transaction is sent in parts, still one transaction */
    int64_t txn_rows_max;
    int64_t heartbeat_ms; /* how often an idle stream confirms its position */
    int64_t status_ms;
    int64_t tail_keys;        /* ring of recently changed keys, for the cut-over's verify */
    int64_t start_timeout_ms; /* cdc_start waits this long for the process to answer */
    int64_t scan_sessions;    /* of the old side that the value scan of a preflight reads in */
    /* Not of ficus.yaml: DDL that stopped a stream and that a person says changed no row, as the
     * stream's error names it; NULL: none. */
    const char *accept_ddl;
    /* Not of ficus.yaml: a copy that begins may empty the
     * new side's tables, while the old side owns them. */
    bool empties_target;
};
void cdc_options_read(const struct fx_node *section, struct cdc_options *ret,
                      struct fx_arena *arena, struct fx_problems *problems);
extern const struct fx_rule cdc_option_rules[]; /* for docs/reference */

/* Which stream of which project: enough to find its lock and socket. */
struct cdc_ref {
    const char *project_path; /* ficus.yaml, absolute */
    const char *state_dir;
    const char *context;
    enum fx_direction direction;
};
void cdc_stream_name(const struct cdc_ref *ref, char *out, size_t size); /* "orders-forward" */

enum cdc_phase {
    CDC_PHASE_STARTING,
    CDC_PHASE_COPY,    /* initial copy from the slot's snapshot (forward only) */
    CDC_PHASE_CATCHUP, /* streaming, lag not yet below a second, or what was in the source's log
                        * before is not read yet */
    CDC_PHASE_STREAM,  /* live */
    CDC_PHASE_HELD,    /* applier paused for a comparison */
    CDC_PHASE_STOPPED, /* loud stop: error says why */
};
const char *cdc_phase_name(enum cdc_phase phase);

enum { CDC_LEAK_TEXT = 256, CDC_TABLE_TEXT = 256, CDC_LOG_STATE = 16 };
#define CDC_LOG_LOST "lost"

struct cdc_status {
    int64_t api; /* version of what it answers; set by reading */
    enum cdc_phase phase;
    int pid;
    struct fx_pos applied;    /* everything up to here is on the target */
    struct fx_pos source_end; /* where the source's log ended when last heard */
    int64_t lag_ms;           /* commit on the source to commit on the target, newest; -1 unknown */
    int64_t copied_rows, copy_total_rows;   /* estimate of the total */
    int64_t copy_left_ms;                   /* of the copy, as its mean rate says; -1: not known */
    int64_t copy_table_number, copy_tables; /* of the one being copied, from 1; 0: no copy runs */
    int64_t copy_table_rows, copy_table_total_rows;
    char copy_table[CDC_TABLE_TEXT]; /* "schema.table" of the source */
    int64_t applied_rows, applied_txns;
    int64_t rows_per_s;
    int64_t loops_discarded; /* transactions of the other applier (groups), dropped */
    int64_t leaks; /* changes accepted on a fenced or away side; ficus.leak has them all */
    /* Fence triggers that the source's tables lack, although it gave them away. */
    int64_t missing_fences;
    /*
     * The source's log from what the stream needs on: "reserved", "extended" (beyond what the
     * server would keep by itself), "unreserved" (it goes with the next checkpoint), "lost"; "": it
     * was not asked, or may not be. -1: no limit, or not known. The forecast is at the present
     * rate.
     */
    char log_state[CDC_LOG_STATE];
    int64_t log_kept_bytes, log_left_bytes, log_left_s;
    char leak_last[CDC_LEAK_TEXT]; /* table, key and position of the newest */
    char barrier_group[64]; /* newest barrier that this stream has *read* (applied or discarded) */
    int64_t barrier_epoch;
    int64_t hold_pid;     /* of the process whose pause it is; 0: nobody's, or not paused */
    int64_t hold_left_ms; /* of a pause; 0: not paused */
    char error[2048];     /* phase STOPPED: the error object as JSON */
};
/* Of a stream in phase COPY, for people: "10 of about 50 rows (20 %), 5 rows/s, about 8.0 s left;
 * table 1 of 2, public.orders: 10 of about 30 rows (33 %)". What is not known is left out. */
void cdc_status_copy_text(const struct cdc_status *status, struct fx_buf *out);
/* A status owns its positions: `{0}` before first use, copied and released with these. */
void cdc_status_copy(struct cdc_status *to, const struct cdc_status *from);
void cdc_status_done(struct cdc_status *status);

/* How far a value scan is. Rows of an earlier, interrupted scan count as read. */
struct cdc_scan_at {
    int64_t rows, resumed_rows;
    int64_t total_rows; /* as the server estimates; 0: it does not know */
};
/* Several times a second, in the thread of the caller. */
typedef void (*cdc_scan_fn)(void *arg, const struct cdc_scan_at *at);

/* The value scan of a preflight. */
struct cdc_scan_how {
    const char *state_dir;   /* an interrupted scan is kept in its folder "preflight" */
    cdc_scan_fn on_progress; /* may be NULL */
    void *arg;
};

/*
 * Looks and changes nothing; may run before or after cdc_install: both users may do what both
 * streams and the fences need, every table has a key and a replica identity, no table is of a kind
 * that would be carried wrongly, what is unique on one side is unique on the other, formats
 * (wal_level, binary log), target tables are empty or this stream's own, no value that the target
 * cannot hold (scans the source; `scan` NULL: it does not).
 * Errors: all findings in one error, hints with the command that fixes it.
 */
bool cdc_preflight(struct fx_context *ctx, const struct cdc_options *options,
                   const struct cdc_scan_how *scan, struct fx_err *err) FX_MUST_CHECK;
/* The same, with what was found in a list: true also when there is something. Fails only when a
 * question could not be asked. */
bool cdc_preflight_find(struct fx_context *ctx, const struct cdc_options *options,
                        const struct cdc_scan_how *scan, struct fx_findings *f,
                        struct fx_err *err) FX_MUST_CHECK;
/* What does not stop the streams and should be known: rights that a user has and does not need. */
bool cdc_warnings(const struct fx_context *ctx, struct fx_findings *f,
                  struct fx_err *err) FX_MUST_CHECK;
/*
 * Whatever of it concerns one table and loses rows without anybody noticing (inheritance, row
 * security, a storage that has no log …), asked again of open sessions. Adds to `f`.
 */
bool cdc_find_silent_loss(const struct fx_context *ctx, size_t table, struct fx_db *old_db,
                          struct fx_db *new_db, struct fx_findings *f,
                          struct fx_err *err) FX_MUST_CHECK;
/*
 * Creates what both streams need on both sides: schema ficus with progress, barrier, leak and the
 * canary table, publication, origin, and the place where the reverse stream begins. Idempotent. The
 * slot is made by the initial copy.
 */
bool cdc_install(struct fx_context *ctx, struct fx_err *err) FX_MUST_CHECK;

/* Gives apply_user of both sides what it lacks in schema ficus, after an upgrade. Nothing where the
 * user that owns the schema applies. */
bool cdc_grant(const struct fx_context *ctx, struct fx_err *err) FX_MUST_CHECK;

/*
 * Are tables and databases of the context those that its stream has copied? True when it has copied
 * nothing yet.
 * Errors: DRIFT, naming the first line that differs.
 */
bool cdc_same_context(const struct cdc_ref *ref, const struct fx_context *ctx,
                      struct fx_err *err) FX_MUST_CHECK;

/* The context's forward stream has made its copy, here,
 * and has not been dropped since. Reads one file. */
bool cdc_has_copied(const struct cdc_ref *ref);

/*
 * Streams that another state directory made are this one's from now on: keeps the context as the
 * one that they were made with, unless nothing was ever copied. Errors: TARGET*, IO.
 */
bool cdc_adopt(const struct cdc_ref *ref, const struct fx_context *ctx,
               struct fx_err *err) FX_MUST_CHECK;

/* Spawns the process (argv0: path of the ficus
 * executable) unless it lives; waits until it answers. */
bool cdc_start(const struct cdc_ref *ref, const char *argv0, const struct cdc_options *options,
               struct fx_err *err) FX_MUST_CHECK;
/*
 * After cdc_start: waits until the stream is live, has begun a long copy, or has a long way to
 * catch up (*ret says which). What *ret held before is released.
 * Errors: why it stopped, or, after start_timeout_ms, why it still tries; with the cause's code.
 */
bool cdc_wait_live(const struct cdc_ref *ref, const struct cdc_options *options,
                   struct cdc_status *ret, struct fx_err *err) FX_MUST_CHECK;
/* Clean stop at a transaction boundary; nothing is dropped. No process: success. */
bool cdc_stop(const struct cdc_ref *ref, int64_t timeout_ms, struct fx_err *err) FX_MUST_CHECK;
/* Stops both streams and removes slot, publication,
 * origins and ficus.progress/barrier rows. Keeps data. Refused while another controller holds the
 * context (STALE_EPOCH), in the middle of a cut-over, and while the new side owns the tables
 * (DRIFT) unless `is_end`: the migration ends with it. */
bool cdc_drop(struct fx_context *ctx, const struct cdc_ref *ref, bool is_end,
              struct fx_err *err) FX_MUST_CHECK;
/* What *ret held before is released. */
bool cdc_status(const struct cdc_ref *ref, struct cdc_status *ret,
                struct fx_err *err) FX_MUST_CHECK;

/*
 * Asks both servers, without the stream's process, how long the source still has the log that the
 * stream needs: fills the members log_… of *status. A stream that has not copied yet needs none:
 * log_state stays "". Errors: SOURCE*, TARGET*.
 */
bool cdc_log_ask(const struct cdc_ref *ref, const struct fx_context *ctx, struct cdc_status *status,
                 struct fx_err *err) FX_MUST_CHECK;

/* The status as the JSON object of GET /status. */
void cdc_status_write(const struct cdc_status *status, struct fx_buf *out);

/*
 * For exact comparisons: hold stops the applier at a transaction boundary; advance lets it apply
 * exactly what covers `goal` and holds again, answering when it is there; release lets it run. A
 * hold that nobody releases expires after `limit_ms`, and ends with the calling process, however
 * that ends. It belongs to that process: another one's hold waits for its end (at most `limit_ms`),
 * and its advance and release are refused (LOCKED).
 */
bool cdc_hold(const struct cdc_ref *ref, int64_t limit_ms, struct fx_pos *ret_at,
              struct fx_err *err) FX_MUST_CHECK;
bool cdc_advance(const struct cdc_ref *ref, const struct fx_pos *goal, int64_t timeout_ms,
                 struct fx_pos *ret_at, struct fx_err *err) FX_MUST_CHECK;
bool cdc_release(const struct cdc_ref *ref, struct fx_err *err) FX_MUST_CHECK;
/* Whoever holds it: by hand, after a look at whose it is (struct cdc_status). */
bool cdc_release_any(const struct cdc_ref *ref, struct fx_err *err) FX_MUST_CHECK;

/* The newest changed keys of the context's tables, newest
 * first. Key values are in the source table's key order. */
struct cdc_key {
    size_t table_index;   /* into ctx->tables */
    struct fx_value *key; /* source-side key columns */
    size_t n_key;
};
bool cdc_tail(const struct cdc_ref *ref, struct fx_context *ctx, struct fx_arena *arena,
              struct cdc_key **ret_keys, size_t *ret_n, struct fx_err *err) FX_MUST_CHECK;

/* The process itself: `ficus cdc run`. Returns when
 * stopped; errors are also left in <name>.error. */
bool cdc_run(struct fx_project *project, struct fx_context *ctx, enum fx_direction direction,
             const struct cdc_options *options, struct fx_err *err) FX_MUST_CHECK;

#endif
