/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The meeting point of a stream's two threads: the streamer publishes its status here and takes
 * commands; the threads of the control socket (process/serve.h) read the status and post commands.
 * Thread: the functions say which.
 */
#ifndef CDC_CONTROL_H
#define CDC_CONTROL_H

#include <pthread.h>

#include "cdc/cdc.h"
#include "cdc/stream/tail.h"
#include "lib/base/clock.h"

enum cdc_command_kind {
    CDC_CMD_NONE,
    CDC_CMD_HOLD,
    CDC_CMD_ADVANCE,
    CDC_CMD_RELEASE,
    CDC_CMD_STOP,
};

struct cdc_command {
    enum cdc_command_kind kind;
    struct fx_pos goal; /* ADVANCE */
    int64_t limit_ms;   /* HOLD: how long at most */
    int holder_pid;     /* HOLD: and while this process lives; 0: whoever asked may end */
    int caller_pid;     /* who asks; a hold with a holder is ended and moved by that one only */
    bool is_forced;     /* RELEASE: whoever holds */
    int64_t ticket;
};
void cdc_command_done(struct cdc_command *command);

struct cdc_control {
    pthread_mutex_t one_command; /* held by the request that waits */
    pthread_mutex_t lock;        /* guards all below */
    pthread_cond_t answered;
    int wake_fd; /* eventfd; written when a command waits */
    struct cdc_status status;
    struct fx_mono published;
    struct cdc_tail tail;
    struct cdc_command command; /* kind NONE: none waits */
    int64_t last_ticket, answered_ticket;
    struct fx_pos answer_at;
    struct fx_err answer_err; /* code NONE: it worked */
    const char *stream;
};

/* Any thread, once. */
bool cdc_control_init(struct cdc_control *control, const char *stream, int64_t tail_keys,
                      struct fx_err *err) FX_MUST_CHECK;
void cdc_control_done(struct cdc_control *control);

/* Streamer: copies the status out; takes the waiting command (it stays waiting until answered). */
void cdc_control_publish(struct cdc_control *control, const struct cdc_status *status);
/* A copy; what *ret_command held before is released. */
bool cdc_control_peek(struct cdc_control *control, struct cdc_command *ret_command);
/* Streamer: answers `ticket`. `err` NULL: it worked. */
void cdc_control_answer(struct cdc_control *control, int64_t ticket, const struct fx_pos *at,
                        const struct fx_err *err);
void cdc_control_push_key(struct cdc_control *control, const struct cdc_binding *binding,
                          const struct cdc_row *row);
/* Signal handlers' thread: a stop without waiting. */
void cdc_control_request_stop(struct cdc_control *control);

/* Threads of the control socket. */
void cdc_control_status(struct cdc_control *control, struct cdc_status *ret);
void cdc_control_tail(struct cdc_control *control, struct fx_buf *out);
/*
 * Posts a command and waits for its answer. One that nobody answered in time is taken back: the
 * streamer must not do it later. Errors: TIMEOUT, and what the streamer answers.
 */
bool cdc_control_call(struct cdc_control *control, const struct cdc_command *command,
                      int64_t timeout_ms, struct fx_pos *ret_at, struct fx_err *err) FX_MUST_CHECK;

#endif
