/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See control.h. Commands are posted and waited for; the
 * streamer answers at its next transaction boundary.
 */
#include "cdc/stream/control.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* SILENT_MS: a streamer that turns publishes well within this. */
enum { SILENT_MS = 500 };

bool cdc_control_init(struct cdc_control *control, const char *stream, int64_t tail_keys,
                      struct fx_err *err)
{
    *control = (struct cdc_control){.stream = stream};
    control->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (control->wake_fd < 0)
        return fx_fail_errno(err, FX_E_IO, errno,
                             "could not create an event descriptor for stream \"%s\"", stream) ||
               fx_hint(err, "Raise the limit of open files (ulimit -n), then start the stream "
                            "again: " FX_CMD_START);
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&control->answered, &attr);
    (void)pthread_condattr_destroy(&attr);
    (void)pthread_mutex_init(&control->lock, NULL);
    (void)pthread_mutex_init(&control->one_command, NULL);
    cdc_tail_init(&control->tail, (size_t)tail_keys);
    control->status.pid = (int)getpid();
    control->status.lag_ms = -1;
    return true;
}

void cdc_control_done(struct cdc_control *control)
{
    fx_fd_close(&control->wake_fd);
    cdc_status_done(&control->status);
    cdc_command_done(&control->command);
    fx_pos_done(&control->answer_at);
    cdc_tail_done(&control->tail);
    (void)pthread_cond_destroy(&control->answered);
    (void)pthread_mutex_destroy(&control->lock);
    (void)pthread_mutex_destroy(&control->one_command);
}

void cdc_command_done(struct cdc_command *command)
{
    fx_pos_done(&command->goal);
}

static void copy_command(struct cdc_command *to, const struct cdc_command *from)
{
    struct cdc_command copy = *from;
    fx_pos_copy(&to->goal, &from->goal);
    copy.goal = to->goal;
    *to = copy;
}

void cdc_control_publish(struct cdc_control *control, const struct cdc_status *status)
{
    (void)pthread_mutex_lock(&control->lock);
    cdc_status_copy(&control->status, status);
    control->published = fx_mono_now();
    (void)pthread_mutex_unlock(&control->lock);
}

bool cdc_control_peek(struct cdc_control *control, struct cdc_command *ret_command)
{
    uint64_t n;
    (void)pthread_mutex_lock(&control->lock);
    (void)!read(control->wake_fd, &n, sizeof n);
    copy_command(ret_command, &control->command);
    (void)pthread_mutex_unlock(&control->lock);
    return ret_command->kind != CDC_CMD_NONE;
}

void cdc_control_answer(struct cdc_control *control, int64_t ticket, const struct fx_pos *at,
                        const struct fx_err *err)
{
    (void)pthread_mutex_lock(&control->lock);
    if (control->command.ticket == ticket)
        control->command.kind = CDC_CMD_NONE;
    control->answered_ticket = ticket;
    if (at != NULL)
        fx_pos_copy(&control->answer_at, at);
    control->answer_err = err != NULL ? *err : FX_ERR_INIT;
    (void)pthread_cond_broadcast(&control->answered);
    (void)pthread_mutex_unlock(&control->lock);
}

void cdc_control_push_key(struct cdc_control *control, const struct cdc_binding *binding,
                          const struct cdc_row *row)
{
    (void)pthread_mutex_lock(&control->lock);
    cdc_tail_push(&control->tail, binding, row);
    (void)pthread_mutex_unlock(&control->lock);
}

static int64_t post(struct cdc_control *control, const struct cdc_command *command)
{
    uint64_t one = 1;
    copy_command(&control->command, command);
    control->command.ticket = ++control->last_ticket;
    (void)!write(control->wake_fd, &one, sizeof one);
    return control->last_ticket;
}

void cdc_control_request_stop(struct cdc_control *control)
{
    (void)pthread_mutex_lock(&control->lock);
    (void)post(control, &(struct cdc_command){.kind = CDC_CMD_STOP});
    (void)pthread_mutex_unlock(&control->lock);
}

bool cdc_control_call(struct cdc_control *control, const struct cdc_command *command,
                      int64_t timeout_ms, struct fx_pos *ret_at, struct fx_err *err)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&control->one_command);
    (void)pthread_mutex_lock(&control->lock);
    int64_t ticket = post(control, command);
    int rc = 0;
    while (control->answered_ticket < ticket && rc == 0)
        rc = pthread_cond_timedwait(&control->answered, &control->lock, &until);
    bool is_ok = false;
    if (control->answered_ticket < ticket) {
        if (control->command.ticket == ticket)
            control->command.kind = CDC_CMD_NONE;
        (void)fx_fail(
            err, FX_E_TIMEOUT, "stream \"%s\" in phase \"%s\" did not answer within %lld ms",
            control->stream, cdc_phase_name(control->status.phase), (long long)timeout_ms);
        (void)fx_hint(
            err,
            "It answers between two transactions; one may still be running. See: ficus cdc status "
            "--context NAME. Then run the same command again; in a run: ficus run resume");
    } else if (control->answer_err.code != FX_E_NONE) {
        *err = control->answer_err;
    } else {
        fx_pos_copy(ret_at, &control->answer_at);
        is_ok = true;
    }
    (void)pthread_mutex_unlock(&control->lock);
    (void)pthread_mutex_unlock(&control->one_command);
    return is_ok;
}

/* A streamer that waits for its target (a lock, a commit)
 * says nothing meanwhile: the stream is that late, at least. */
static void status_now(const struct cdc_control *control, struct cdc_status *ret)
{
    int64_t silent_ms = fx_mono_since_us(control->published, fx_mono_now()) / 1000;
    cdc_status_copy(ret, &control->status);
    if (ret->phase != CDC_PHASE_STOPPED && ret->lag_ms >= 0 && silent_ms >= SILENT_MS)
        ret->lag_ms = FX_MAX(ret->lag_ms, silent_ms);
}

void cdc_control_status(struct cdc_control *control, struct cdc_status *ret)
{
    (void)pthread_mutex_lock(&control->lock);
    status_now(control, ret);
    (void)pthread_mutex_unlock(&control->lock);
}

void cdc_control_tail(struct cdc_control *control, struct fx_buf *out)
{
    (void)pthread_mutex_lock(&control->lock);
    cdc_tail_write(&control->tail, out);
    (void)pthread_mutex_unlock(&control->lock);
}
