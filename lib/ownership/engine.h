/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ownership needs to know of an engine: one row each, or one for each flavour of an engine. A
 * new engine is one file with its fence and its row, and the row's name in engine.c; a flavour is a
 * row. Everything else in lib/ownership asks the row and never tests for an engine.
 */
#ifndef FX_OWNERSHIP_ENGINE_H
#define FX_OWNERSHIP_ENGINE_H

#include "lib/db/db.h"

struct fx_fence_ops; /* fence.h */

/* What brings schema ficus to the version after the one before. */
struct fx_schema_step {
    const char *sql;  /* may run again, and beside streams; NULL: nothing but the version */
    const char *what; /* for people: what changes */
};

struct fx_own_engine {
    enum fx_engine engine;
    const char *version_has; /* the flavour: what the server's version must contain; NULL: any */
    const char *name;        /* "MariaDB" */
    /* In which place of a context its cut-over is built and tested; elsewhere it is refused. */
    bool is_old_side, is_new_side;

    /* The dialect. Statements are for lib/db: parameters are `?`. */
    const char *pin; /* the settings of a session that the protocol relies on */
    /* (group): state, epoch, operator or '', milliseconds until the fence expires or 0 */
    const char *row;
    const char *insert;      /* (group, state, epoch): the row of ownership, unless there is one */
    const char *insert_more; /* (group): further rows, after `insert`; NULL: none */
    const char *const *delete_rows; /* (group) each, ends with NULL */
    const char
        *drop_objects; /* everything in schema ficus that ownership created, but the canary table */
    const char
        *canary_sequence; /* where the canary's identity comes from; NULL: a counter of the table */

    const char *share_lock; /* after a SELECT: the row stays as it is until the transaction ends */
    /* A session may stay in its transaction for as long as it likes: it holds locks for another. */
    const char *no_idle_limit;

    /* ficus.controller: holder.h */
    /*
     * (context): id, host, login, run, since as text, seconds since, seconds since it was seen,
     * since in microseconds of 1970
     */
    const char *holder;
    const char *claim; /* (context, id, host, login, run, plan): the row, unless there is one */

    /* Schema ficus: schema.h */
    const char *create_version;    /* makes ficus.version; may run again */
    const char *create_controller; /* makes ficus.controller; may run again */
    const char *create_dead;       /* makes ficus.dead; may run again */
    const char *guard;             /* a row for each object in it that is not ours; catalog only */
    /* An upgrade's session gives up soon where it waits for a lock: streams queue after it. */
    const char *limit_locks;
    const char *find_locks;                    /* for people: shows who could hold a lock */
    const char *grant;                         /* for people: what an upgrade needs */
    const struct fx_schema_step *schema_steps; /* to version 2, 3, … */
    size_t n_schema_steps;

    /* One text: which server and database this is, as it says itself; identity.h. */
    const char *identity;

    const struct fx_fence_ops *fence;
    const void *flavour; /* for `fence` alone: what its flavours differ in; NULL: nothing */
};

/* The row of an open session. NULL: no row knows this server. */
const struct fx_own_engine *fx_own_engine_of(const struct fx_db *db);
/* Can a database of this engine be the old (new) side of a cut-over, in any of its flavours? */
bool fx_own_engine_may_be(enum fx_engine engine, bool is_new_side);
/* "PostgreSQL": the name of the engine's first row. */
const char *fx_own_engine_name(enum fx_engine engine);
/* The names of those that may, "PostgreSQL, MariaDB"; for messages. */
void fx_own_engine_names(bool is_new_side, struct fx_buf *out);

#endif
