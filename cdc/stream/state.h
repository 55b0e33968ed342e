/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a streamer, which its parts share. Each includes this one, and the streamer includes
 * them:
 *
 *     streamer.c   turns and sessions: when to read, confirm, record the position, retry
 *     events.c     what an event means: the sink, leaks, owners, the position
 *     truncate.c   a table that was truncated: who owned it, and its rows on the target
 *     commands.c   hold, advance, release, stop: between transactions only
 *     state.c      the phase, and what is shown of it
 *
 * Thread: the streamer's.
 */
#ifndef CDC_STREAM_STATE_H
#define CDC_STREAM_STATE_H

#include <sys/types.h>

#include "cdc/sink/sink.h"
#include "cdc/source.h"
#include "cdc/stream/hold.h"
#include "cdc/stream/own_query.h"
#include "cdc/stream/own_watch.h"
#include "cdc/stream/streamer.h"

enum cdc_txn_state {
    CDC_TXN_NONE,    /* between transactions */
    CDC_TXN_WAITING, /* a BEGIN that the hold point does not let pass */
    CDC_TXN_APPLY,   /* its changes go to the sink */
    CDC_TXN_LOOP,    /* written by the other stream's applier: only the position moves */
};

enum cdc_truncate_state {
    CDC_TRUNCATE_NONE,
    CDC_TRUNCATE_DELETING, /* rows of the target go, a part in each turn */
    CDC_TRUNCATE_ASKING,   /* the log is read on, only to learn who owned the table */
};

struct cdc_truncate {
    enum cdc_truncate_state state;
    size_t table;     /* index into binding->ctx.tables */
    int64_t n;        /* rows that were deleted */
    bool must_reopen; /* the owner is known: read again from where the target is */
    /* Of the context, from position owner_at of the target on until the log says otherwise;
     * UNKNOWN: nobody asked. */
    enum fx_own_state owner;
    struct fx_pos owner_at;
};

struct cdc_streamer {
    const struct cdc_streamer_env *env;
    const struct cdc_binding *binding;
    struct cdc_sink *sink;
    struct cdc_source *src;
    struct cdc_status status;
    struct cdc_hold_point hold;
    pid_t holder;                 /* whose end is the hold's end; 0: nobody's */
    struct cdc_own_watch owns[2]; /* the context's group, its canary group */
    struct cdc_own_read own_read; /* what stood in ficus.own, to be adopted at its position */
    struct fx_pos at;             /* handled up to here; durable unless sink->is_pending */
    enum cdc_txn_state txn_state;
    struct cdc_txn txn; /* unless NONE: the transaction that waits or is open */
    struct {            /* as it was at BEGIN, for an ABORT */
        struct cdc_own_watch owns[2];
        int64_t leaks, applied_rows;
    } before;
    struct cdc_truncate truncate;
    struct cdc_barrier barrier; /* seen in the open transaction; group "" : none */
    int64_t epoch;              /* claimed by this process; 0: not yet */
    /* After a failure, until the target has what the failed session would have reached: */
    struct {
        struct fx_pos until; /* empty: there is no such failure */
        bool is_exact;       /* change by change */
        int64_t members_max; /* or in small groups; 0: no limit */
    } care;
    struct { /* of the session that has just failed */
        struct fx_pos reach;
        int64_t group_members;
    } failed;
    bool has_own; /* the open transaction changes ficus.own */
    bool is_stopping;
    bool is_confirm_wanted; /* the source waits for a confirmation */
    /* DDL was passed and is recorded on the target; until it is durable there, the source does not
     * keep it; while the stream is held, the position does not move past it. */
    bool must_keep_passed, must_move_past;
    int64_t pending_ticket; /* an ADVANCE or HOLD that was not reached yet */
    enum cdc_command_kind pending_kind;
    struct fx_mono confirmed_at, recorded_at, published_at, requested_at, looked_at, rate_at,
        fence_looked_at, log_looked_at;
    int64_t log_end_bytes; /* as of log_looked_at; 0: not asked yet */
    bool is_log_ending;    /* the warning was logged */
    int64_t rate_rows;
    struct fx_pos late_end; /* where the source's log ended at late_at; empty: all of it was read */
    struct fx_mono late_at;
    struct fx_pos confirmed;
};
/* Checks the transition and logs it. */
void cdc_streamer_set_phase(struct cdc_streamer *s, enum cdc_phase to);
/* Checks the transition. */
void cdc_streamer_set_txn(struct cdc_streamer *s, enum cdc_txn_state to);
/* A transaction is open: what comes belongs to it. */
bool cdc_streamer_is_in_txn(const struct cdc_streamer *s);
/* Of a pause; 0: not paused. */
int64_t cdc_streamer_hold_left_ms(const struct cdc_streamer *s, struct fx_mono now);
/* Shows the status to the control socket; unless forced, not too often. */
void cdc_streamer_publish(struct cdc_streamer *s, bool is_forced);
/* Shows why it stops, or tries again. */
void cdc_streamer_publish_error(struct cdc_streamer *s, const struct fx_err *err);

#endif
