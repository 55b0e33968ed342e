/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A position of 10 KB through the control socket: hold,
 * advance, status, against a streamer made of one thread.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cdc/process/serve.h"
#include "cdc/stream/hold.h"
#include "lib/http/serve.h"
#include "lib/io/file.h"
#include "lib/io/flock.h"
#include "tests/unit/tmp.h"

enum { LONG = 10 << 10 };

struct rig {
    struct cdc_control control;
    struct fx_serve *serve;
    struct cdc_ref ref;
    char dir[512];
    struct fx_pos long_pos;
    pthread_t streamer;
    struct fx_err err;
};

#define OK(rig, expr)                                                               \
    do {                                                                            \
        if (!(expr))                                                                \
            fail_msg("%s: %s (%s)", #expr, (rig)->err.message, (rig)->err.context); \
    } while (0)

/* Holds at once, and is at a goal as soon as it is told one. */
static void *run_streamer(void *arg)
{
    struct rig *rig = arg;
    FX_AUTO(fx_pos) struct fx_pos at = {0};
    struct cdc_hold_point hold = {.engine = FX_MY};
    FX_AUTO(cdc_status) struct cdc_status status = {.phase = CDC_PHASE_HELD, .pid = 1};
    FX_AUTO(cdc_command) struct cdc_command command = {0};
    fx_pos_copy(&at, &rig->long_pos);
    while (command.kind != CDC_CMD_STOP) {
        fx_pos_copy(&status.applied, &at);
        cdc_control_publish(&rig->control, &status);
        if (!cdc_control_peek(&rig->control, &command)) {
            fx_sleep_ms(1);
            continue;
        }
        if (command.kind == CDC_CMD_HOLD)
            cdc_hold_pause(&hold, fx_mono_now());
        if (command.kind == CDC_CMD_ADVANCE && cdc_hold_advance(&hold, &command.goal))
            fx_pos_copy(&at, &hold.goal);
        cdc_control_answer(&rig->control, command.ticket, &at, NULL);
    }
    cdc_hold_done(&hold);
    return NULL;
}

static int setup(void **state)
{
    static struct rig rig;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 20);
    rig = (struct rig){.err = FX_ERR_INIT};
    *state = &rig;
    for (int i = 0; text.len < LONG; i++)
        fx_buf_printf(&text, "%s%d-1-100000", i > 0 ? "," : "", i);
    fx_pos_set(&rig.long_pos, fx_buf_str(&text));
    (void)snprintf(rig.dir, sizeof rig.dir, "%s/control-%d", test_tmp(), (int)getpid());
    rig.ref = (struct cdc_ref){.state_dir = rig.dir, .context = "orders"};
    char streams[600], sock[700];
    (void)snprintf(streams, sizeof streams, "%s/streams", rig.dir);
    (void)snprintf(sock, sizeof sock, "%s/orders-forward.sock", streams);
    OK(&rig, fx_dir_make(streams, &rig.err));
    OK(&rig, cdc_control_init(&rig.control, "orders-forward", 10, &rig.err));
    OK(&rig, cdc_serve(&rig.control, sock, &rig.serve, &rig.err));
    return pthread_create(&rig.streamer, NULL, run_streamer, &rig);
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    cdc_control_request_stop(&rig->control);
    (void)pthread_join(rig->streamer, NULL);
    fx_serve_stop(rig->serve);
    cdc_control_done(&rig->control);
    fx_pos_done(&rig->long_pos);
    char streams[600];
    (void)snprintf(streams, sizeof streams, "%s/streams", rig->dir);
    (void)rmdir(streams);
    (void)rmdir(rig->dir);
    return 0;
}

static void test_control__a_long_position_is_held_at_and_shown(void **state)
{
    struct rig *rig = *state;
    FX_AUTO(fx_pos) struct fx_pos at = {0};
    FX_AUTO(cdc_status) struct cdc_status status = {0};
    OK(rig, cdc_hold(&rig->ref, 1000, &at, &rig->err));
    assert_true(strlen(fx_pos_text(&at)) >= LONG);
    assert_true(fx_pos_equal(&at, &rig->long_pos));
    OK(rig, cdc_status(&rig->ref, &status, &rig->err));
    assert_true(fx_pos_equal(&status.applied, &rig->long_pos));
    OK(rig, cdc_status(&rig->ref, &status, &rig->err)); /* releases what it held */
}

static void test_control__a_long_goal_is_advanced_to(void **state)
{
    struct rig *rig = *state;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 20);
    FX_AUTO(fx_pos) struct fx_pos goal = {0}, at = {0};
    fx_buf_printf(&text, "%s,99999-1-7", fx_pos_text(&rig->long_pos));
    fx_pos_set(&goal, fx_buf_str(&text));
    OK(rig, cdc_hold(&rig->ref, 1000, &at, &rig->err));
    OK(rig, cdc_advance(&rig->ref, &goal, 1000, &at, &rig->err));
    assert_true(fx_pos_equal(&at, &goal));
}

static void test_control__what_is_longer_than_any_position_is_refused(void **state)
{
    struct rig *rig = *state;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 20);
    FX_AUTO(fx_pos) struct fx_pos at = {0};
    while (text.len <= FX_POS_MAX)
        fx_buf_add_c(&text, "1-1-1,");
    const struct fx_pos goal = {.text = fx_buf_cstr(&text)};
    assert_false(cdc_advance(&rig->ref, &goal, 1000, &at, &rig->err));
    assert_int_equal(rig->err.code, FX_E_PROTOCOL);
}

/* The lock is still held when the time is over: the message names the stream, not its context. */
static void test_control__a_stream_that_does_not_stop_is_named(void **state)
{
    struct rig *rig = *state;
    char path[700];
    struct fx_flock *lock = NULL;
    (void)snprintf(path, sizeof path, "%s/streams/orders-forward.lock", rig->dir);
    OK(rig, fx_flock_take(path, "a test", &lock, &rig->err));
    assert_false(cdc_stop(&rig->ref, 100, &rig->err));
    assert_int_equal(rig->err.code, FX_E_TIMEOUT);
    assert_string_equal(rig->err.message, "stream \"orders-forward\" did not stop within 100 ms");
    fx_flock_release(lock);
    (void)unlink(path);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_control__a_long_position_is_held_at_and_shown),
        TEST(test_control__a_long_goal_is_advanced_to),
        TEST(test_control__a_stream_that_does_not_stop_is_named),
        TEST(test_control__what_is_longer_than_any_position_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
