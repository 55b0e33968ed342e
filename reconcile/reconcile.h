/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the copy equal? Public face: an exact comparison of a context's tables, and its report.
 *
 * The source is read in a snapshot at a position P (fx_cut); the stream's applier is advanced to
 * exactly P and held for the moment in which the target's snapshot is taken; then both sides are
 * streamed in key order and every value is compared. So it is correct while customers write, needs
 * no lock, and a difference is real. What could not be compared is reported as such and makes the
 * verdict inconclusive.
 */
#ifndef REC_RECONCILE_H
#define REC_RECONCILE_H

#include "cdc/cdc.h"
#include "lib/base/clock.h"
#include "lib/crypt/sign.h"
#include "lib/ownership/identity.h"

struct rec_options {
    int64_t differences_max; /* listed in the report, per table; counting goes on */
    int64_t hold_max_ms;     /* longest time the applier may be held */
    int64_t cut_timeout_ms;  /* waiting for the source's snapshot */
    int64_t lock_wait_ms;    /* waiting for another comparison of the context */
    const char *sign_with;   /* file of the private key; NULL: reports are not signed */
};
void rec_options_read(const struct fx_node *section, struct rec_options *ret,
                      struct fx_arena *arena, struct fx_problems *problems);
extern const struct fx_rule rec_option_rules[];

/* The key of `sign_with`, NULL without one; read before a comparison, so that it is not in vain. */
bool rec_signer_load(const struct rec_options *options, struct fx_private_key **ret_key,
                     struct fx_err *err) FX_MUST_CHECK;

enum rec_verdict { REC_EQUAL, REC_DIVERGENT, REC_INCONCLUSIVE };
enum rec_kind { REC_MISSING, REC_EXTRA, REC_DIFFERENT }; /* on the target, seen from the source */

struct rec_difference {
    enum rec_kind kind;
    const char *key;             /* as shown to people */
    const char *column;          /* DIFFERENT: the first differing column … */
    const char *source, *target; /* … and both values as shown */
    size_t n_columns_different;
};
struct rec_table_result {
    const char *source_name, *target_name;
    int64_t rows_source, rows_target, rows_equal;
    int64_t missing, extra, different;
    size_t columns_compared;
    const char *source_fingerprint, *target_fingerprint, *mapping_digest;
    struct rec_difference *differences;
    size_t n_differences;
    const char
        *one_sided; /* NULL, or generated columns that one side alone has: nothing to compare */
    const char *not_compared; /* NULL, or why the table is incomplete or was not read */
};
/* One stream, as the database that it writes to says. */
struct rec_stream_now {
    enum fx_engine source; /* whose positions they are */
    int64_t epoch; /* each applier that claims the stream raises it; -1: there is no such stream */
    struct fx_pos pos;
};
/* Which databases a report is about, or which ones are asked now. */
struct rec_databases {
    struct fx_identity old_side, new_side;
    struct rec_stream_now forward, reverse; /* only of those that are asked now */
};
enum { REC_DATABASES_ID = 33 };
/* 32 hex digits of both addresses and servers: the same as long as the servers are the same. */
void rec_databases_id(const struct rec_databases *databases, char out[REC_DATABASES_ID]);
/* Asks both databases. Errors: those of lib/db.   Thread: any. */
bool rec_databases_read(const struct fx_context *ctx, const char *state_dir, struct fx_arena *arena,
                        struct rec_databases *ret, struct fx_err *err) FX_MUST_CHECK;

/* Who asked for a comparison; all "" outside a plan. */
struct rec_asker {
    const char *plan, *step;
    const char *run; /* the run itself, not only its name: "orders@1790000000000000" */
};

/* What a reader found at the end of a report. */
enum rec_seal {
    REC_SEAL_NONE,      /* version 1 */
    REC_SEAL_CHECKSUM,  /* unsigned */
    REC_SEAL_UNCHECKED, /* signed, and no key was given to check it */
    REC_SEAL_SIGNED,    /* by one of the trusted keys */
};
struct rec_report {
    int64_t version;  /* of its form, when it was read */
    const char *tool; /* "ficus 0.1.0": the build that made it; NULL in version 1 */
    const char *context;
    enum fx_direction direction; /* which side was the source */
    struct rec_asker asker;
    const char *mapping_digest;
    struct rec_databases databases; /* since version 3 */
    int64_t stream_epoch;           /* of the stream of this direction, in the target's snapshot */
    /* The source's snapshot; the applier's position in the target's snapshot. The arena's. */
    struct fx_pos source_pos, target_pos;
    /* `cut`: both sides are shown as they were then, or a moment later; the age counts from it. */
    struct fx_wall started, cut, finished;
    int64_t applier_held_ms;
    const char *inconclusive; /* NULL, or why the comparison as a whole shows nothing */
    size_t tables_in_context; /* of them n_tables are listed */
    struct rec_table_result *tables;
    size_t n_tables;
    int64_t rows_compared, divergent;
    double coverage_percent; /* of the context's tables */
    enum rec_verdict verdict;
    enum rec_seal seal;            /* after reading */
    char signed_by[FX_SHA256_HEX]; /* fingerprint of the key; "" when unsigned */
};

/*
 * The direction of a comparison now: the side whose ficus.own says HERE is the source; the old side
 * when ownership was never installed. Errors: INCONCLUSIVE (a cut-over is under way), STUCK (both
 * claim it).
 */
bool rec_owner(const struct fx_context *ctx, enum fx_direction *ret_direction,
               struct fx_err *err) FX_MUST_CHECK;

/* `on_progress` may be NULL: rows so far, for a picture; returning false stops with INTERRUPTED. */
struct rec_progress {
    bool (*on_progress)(void *arg, const char *table, int64_t rows);
    /* May be NULL: another process compares the context; `who` names it. Called once. */
    void (*on_wait)(void *arg, const char *who);
    void *arg;
};
/*
 * One comparison of a context at a time: a second one waits for the first (lock_wait_ms), then
 * fails with LOCKED naming its process. A table that cannot be read as a whole (a key that is no
 * value of its type, a right that is missing) is listed as not compared, and the others are
 * compared.
 */
/* Binds the context in `arena`, which must live as long as the context is used. */
bool rec_check(struct fx_context *ctx, const struct cdc_ref *ref, const struct rec_options *options,
               const struct rec_asker *asker, const struct rec_progress *progress,
               struct fx_arena *arena, struct rec_report **ret_report,
               struct fx_err *err) FX_MUST_CHECK;

/*
 * Compares single rows by key on both present states (the cut-over's verify, after the fence, where
 * nothing moves). A context that is bound already (fx_map_bind, in an arena that still lives) is
 * used as it is; otherwise it is bound in `arena`. Differences are listed in ret_report->tables as
 * by rec_check.
 *
 * The two sessions are the caller's: opened before writes are held, outside a transaction, with its
 * own limit for a statement. After an error they may be broken; else they are free again.
 */
struct rec_sessions {
    struct fx_db *old_db, *new_db;
};
bool rec_check_keys(struct fx_context *ctx, enum fx_direction direction,
                    const struct rec_sessions *sessions, const struct cdc_key *keys, size_t n_keys,
                    struct fx_arena *arena, struct rec_report **ret_report,
                    struct fx_err *err) FX_MUST_CHECK;

void rec_report_text(const struct rec_report *report, struct fx_buf *out);
/*
 * The exact bytes of report.json (docs/protocols/reconcile-report.md): signed when `key` is not
 * NULL, else with a checksum.
 */
void rec_report_json(const struct rec_report *report, const struct fx_private_key *key,
                     struct fx_buf *out);
/* Writes DIR/report.json and DIR/report.txt, each whole or not at all. */
bool rec_report_write(const struct rec_report *report, const struct fx_private_key *key,
                      const char *dir, struct fx_err *err) FX_MUST_CHECK;
/*
 * Before a comparison: what is in DIR gives way to a report that says "not finished", so that a
 * comparison that fails or dies never leaves an older, better one to a gate.
 */
bool rec_report_begin(const struct fx_context *ctx, const struct fx_private_key *key,
                      const char *dir, struct fx_err *err) FX_MUST_CHECK;
/* After a failed one: the same, with the reason. Best effort: without it "not finished" stays. */
void rec_report_failed(const struct fx_context *ctx, const struct fx_private_key *key,
                       const char *dir, const struct fx_err *why);

/* Whose reports are believed. */
struct rec_trust {
    const struct fx_public_key *keys;
    size_t n_keys;
    bool allows_unsigned;
    bool is_for_show; /* a signature by another key is not checked: never for a gate */
};
/*
 * Reads a report and refuses one that is not exactly what Ficus wrote: other bytes, counts that do
 * not add up, dates that cannot be, a seal that does not fit. Errors: INCONCLUSIVE.
 */
bool rec_report_load(const char *path, const struct rec_trust *trust, struct fx_arena *arena,
                     struct rec_report **ret_report, struct fx_err *err) FX_MUST_CHECK;
/* The same of bytes in memory. Errors: PROTOCOL, VERSION. */
bool rec_report_parse(struct fx_str bytes, const struct rec_trust *trust, struct fx_arena *arena,
                      struct rec_report **ret_report, struct fx_err *err) FX_MUST_CHECK;

/*
 * Gate of a report: pass | fail | unknown (inconclusive, too old, of the future, another context,
 * mapping or pair of databases, a table missing, not everything compared). `why` says the measured
 * value and the limit.
 */
#define REC_AGE_ANY     INT64_C(-1)
#define REC_AGE_DEFAULT INT64_C(86400000) /* a day: where nobody said how old it may be */
enum rec_gate { REC_GATE_PASS, REC_GATE_FAIL, REC_GATE_UNKNOWN };
struct rec_limits {
    int64_t divergent_max;
    double coverage_min_percent;
    int64_t max_age_ms;           /* REC_AGE_ANY: any */
    const char *age_option;       /* NULL, or the option whose default max_age_ms is */
    const struct fx_context *ctx; /* NULL: any; else its name, mapping and tables */
    const char *context;          /* NULL: any */
    const char *mapping_digest;   /* NULL: any; else it must be this one */
    /*
     * Which databases it must be about. The first that is set decides; when none is, no report
     * passes.
     */
    bool any_databases;
    const struct rec_databases *now; /* what they say at this moment, in every part */
    const char *databases_id;        /* rec_databases_id; else the addresses of ctx */
    const char *report_dir;          /* for the message: where a new report goes; NULL: DIR */
};
enum rec_gate rec_gate(const struct rec_report *report, const struct rec_limits *limits,
                       struct fx_wall now, struct fx_buf *why);

#endif
