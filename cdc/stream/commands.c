/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the control socket asks for. One command at a time, looked at between transactions; HOLD and
 * ADVANCE are answered when what they ask for is so.
 */
#include "cdc/stream/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/log/log.h"

static void answer(struct cdc_streamer *s, int64_t ticket, const struct fx_err *err)
{
    cdc_streamer_publish(s, true);
    cdc_control_answer(s->env->control, ticket, &s->at, err);
    if (ticket == s->pending_ticket)
        s->pending_kind = CDC_CMD_NONE;
}

static bool is_strangers(const struct cdc_streamer *s, const struct cdc_command *command)
{
    return s->hold.mode != CDC_HOLD_RUN && s->holder > 0 && command->caller_pid != s->holder &&
           !command->is_forced;
}

static void refuse_stranger(struct cdc_streamer *s, int64_t ticket)
{
    struct fx_err err = FX_ERR_INIT;
    (void)fx_fail(&err, FX_E_LOCKED,
                  "stream \"%s\" is paused by process %d, for at most %" PRId64 " ms more",
                  s->binding->stream, (int)s->holder, cdc_streamer_hold_left_ms(s, fx_mono_now()));
    (void)fx_hint(
        &err,
        "That process compares or cuts over, and ends the pause when it is done (see it: ps -fp "
        "%d). Then run the same command again. To end the pause at once, which makes that "
        "process fail: ficus cdc release --context %s --execute --force",
        (int)s->holder, s->binding->ctx.name);
    answer(s, ticket, &err);
}

static void release_hold(struct cdc_streamer *s)
{
    cdc_hold_release(&s->hold);
    s->holder = 0;
    if (s->status.phase == CDC_PHASE_HELD) /* whoever asks next must not find it held */
        cdc_streamer_set_phase(s, CDC_PHASE_STREAM);
}

void cdc_commands_take(struct cdc_streamer *s)
{
    FX_AUTO(cdc_command) struct cdc_command command = {0};
    struct fx_err err = FX_ERR_INIT;
    if (!cdc_control_peek(s->env->control, &command)) {
        s->pending_kind = CDC_CMD_NONE; /* whoever asked has given up */
        return;
    }
    if (s->pending_kind != CDC_CMD_NONE && command.ticket == s->pending_ticket)
        return;
    s->pending_ticket = command.ticket;
    s->pending_kind = command.kind;
    if (command.kind != CDC_CMD_STOP && is_strangers(s, &command)) {
        refuse_stranger(s, command.ticket);
        return;
    }
    switch (command.kind) {
    case CDC_CMD_NONE: break;
    case CDC_CMD_HOLD:
        cdc_hold_pause(&s->hold, fx_mono_add_ms(fx_mono_now(), command.limit_ms));
        s->holder = command.holder_pid;
        cdc_streamer_set_phase(s, CDC_PHASE_HELD);
        break;
    case CDC_CMD_ADVANCE:
        if (!cdc_hold_advance(&s->hold, &command.goal)) {
            (void)fx_fail(&err, FX_E_STREAM, "stream \"%s\" is not paused", s->binding->stream);
            (void)fx_hint(&err, "Its pause expired, or the stream was restarted. Run the same "
                                "command again; in a run: ficus run resume");
            answer(s, command.ticket, &err);
        }
        break;
    case CDC_CMD_RELEASE:
        release_hold(s);
        answer(s, command.ticket, NULL);
        break;
    case CDC_CMD_STOP:
        s->is_stopping = true; /* answered when the last transaction is flushed */
        break;
    }
}

/* The target's progress row says exactly the goal:
 * whoever opens a snapshot there finds it inside. */
static bool reach_goal(struct cdc_streamer *s, struct fx_err *err)
{
    enum fx_engine engine = s->binding->source->engine;
    if (!s->sink->ops->flush(s->sink, err))
        return false;
    bool is_behind = !fx_pos_equal(&s->sink->progress.pos, &s->hold.goal) &&
                     fx_pos_covers(engine, &s->hold.goal, &s->sink->progress.pos);
    if (is_behind && !s->sink->ops->progress_only(s->sink, &s->hold.goal, CDC_PROGRESS_STREAM, err))
        return false;
    fx_pos_copy(&s->at, &s->hold.goal);
    s->hold.mode = CDC_HOLD_PAUSED;
    return true;
}

bool cdc_commands_finish(struct cdc_streamer *s, struct fx_err *err)
{
    if (s->pending_kind == CDC_CMD_HOLD) {
        if (!s->sink->ops->flush(s->sink, err))
            return false;
        answer(s, s->pending_ticket, NULL);
    } else if (s->hold.mode == CDC_HOLD_ADVANCE &&
               cdc_hold_reached(&s->hold, &s->at,
                                s->txn_state == CDC_TXN_WAITING ? &s->txn.pos : NULL)) {
        if (!reach_goal(s, err))
            return false;
        if (s->pending_kind == CDC_CMD_ADVANCE)
            answer(s, s->pending_ticket, NULL);
    }
    return true;
}

/* A hold for a comparison that was interrupted would
 * let everything wait until its limit, for nobody. */
void cdc_commands_expire_hold(struct cdc_streamer *s, struct fx_mono now)
{
    if (cdc_hold_expire(&s->hold, now)) {
        fx_log(FX_LOG_WARN, "cdc", s->binding->stream, "hold expired", NULL);
    } else if (s->hold.mode != CDC_HOLD_RUN && s->holder > 0 && kill(s->holder, 0) != 0 &&
               errno == ESRCH) {
        cdc_hold_release(&s->hold);
        fx_log(FX_LOG_WARN, "cdc", s->binding->stream,
               "hold released: the process that requested it has exited", "pid=%d", (int)s->holder);
    }
}

/* Whoever still waits hears now how it ended, instead of waiting for its own time-out. */
void cdc_commands_end(struct cdc_streamer *s, const struct fx_err *why)
{
    FX_AUTO(cdc_command) struct cdc_command command = {0};
    struct fx_err gone = FX_ERR_INIT;
    if (!cdc_control_peek(s->env->control, &command))
        return;
    if (command.kind != CDC_CMD_STOP)
        (void)(fx_fail(&gone, FX_E_STREAM, "stream \"%s\" stopped%s%s", s->binding->stream,
                       why != NULL ? ": " : "", why != NULL ? why->message : "") ||
               fx_hint(&gone, "%s",
                       why != NULL && why->hint[0] != '\0'
                           ? why->hint
                           : "Its last error: ficus cdc status --context NAME. To start it "
                             "again: " FX_CMD_START));
    cdc_control_answer(s->env->control, command.ticket, &s->at, fx_err_is(&gone) ? &gone : NULL);
}
