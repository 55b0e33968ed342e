/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The picture without servers: every line is there,
 * silence is said, and no line is wider than the terminal.
 */
#include "plans/view/picture.h"
#include "plans/view/runs.h"
#include "plans/view/way_back.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct pln_picture_step steps[] = {
    {.id = "copy", .what = "stream.start", .mark = PLN_MARK_DONE, .elapsed_ms = 4200},
    {.id = "canary",
     .what = "route.ramp",
     .mark = PLN_MARK_RUNNING,
     .elapsed_ms = 61000,
     .note = "10 %"},
    {.id = "cutover", .what = "cutover", .mark = PLN_MARK_PENDING, .elapsed_ms = -1},
};

static struct pln_picture example(void)
{
    return (struct pln_picture){
        .name = "orders-extract",
        .context = "orders",
        .steps = steps,
        .n_steps = FX_ARRAY_LEN(steps),
        .current = 1,
        .elapsed_ms = 65000,
        .fence_elapsed_ms = -1,
        .live = {.forward = {.phase = CDC_PHASE_STREAM, .lag_ms = 38, .rows_per_s = 4112},
                 .reverse_error = "connection refused",
                 .facade_error = "could not connect",
                 .own_old = {.state = FX_OWN_HERE, .epoch = 1},
                 .own_new = {.state = FX_OWN_AWAY, .epoch = 1},
                 .old_name = "mono",
                 .new_name = "orders"},
    };
}

static void test_picture__names_the_step_and_the_lag(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(65536);
    struct pln_picture pic = example();
    pln_picture_draw(&pic, 0, false, &out);
    assert_non_null(strstr(fx_buf_cstr(&out), "step 2/3 canary"));
    assert_non_null(strstr(fx_buf_cstr(&out), "mono → orders   lag 38 ms   4 112 rows/s"));
    assert_non_null(strstr(fx_buf_cstr(&out), "no fence needed"));
}

static void test_picture__says_that_nobody_runs_it(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(65536);
    struct pln_picture pic = example();
    pic.is_abandoned = true;
    pln_picture_draw(&pic, 0, false, &out);
    assert_non_null(
        strstr(fx_buf_cstr(&out), "not running, to continue: ficus run resume orders-extract"));
    assert_null(strstr(fx_buf_cstr(&out), "1 min 05 s"));
}

static void test_picture__says_what_did_not_answer(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(65536);
    struct pln_picture pic = example();
    pln_picture_draw(&pic, 0, false, &out);
    assert_non_null(strstr(fx_buf_cstr(&out), "no answer: connection refused"));
    assert_non_null(strstr(fx_buf_cstr(&out), "no answer: could not connect"));
}

static void test_picture__promises_no_way_back_without_the_reverse_stream(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(65536);
    struct pln_picture pic = example();
    pic.live.own_old.state = FX_OWN_AWAY;
    pic.live.own_new.state = FX_OWN_HERE;
    pln_picture_draw(&pic, 0, false, &out);
    assert_non_null(strstr(fx_buf_cstr(&out), "not possible now: the reverse stream does not run, "
                                              "so writes since then are not on \"mono\""));
}

static void test_picture__keeps_every_line_within_the_width(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(65536);
    struct pln_picture pic = example();
    pln_picture_draw(&pic, 40, false, &out);
    struct fx_str rest = fx_buf_str(&out);
    while (rest.len > 0) {
        struct fx_str line = fx_str_cut(rest, '\n', &rest);
        int columns = 0;
        for (size_t i = 0; i < line.len; i++)
            columns += ((unsigned char)line.ptr[i] & 0xC0) != 0x80;
        assert_true(columns <= 40);
    }
}

static void line_at(const char *note, int width, struct fx_buf *out)
{
    struct pln_picture pic = example();
    pic.live.forward_error = note;
    FX_AUTO(fx_buf) struct fx_buf all = FX_BUF(65536);
    pln_picture_draw(&pic, width, false, &all);
    const char *at = strstr(fx_buf_cstr(&all), "no answer: ");
    fx_buf_clear(out);
    fx_buf_add(out, fx_str_sub(fx_str_from(at), 0, strcspn(at, "\n")));
}

/* At every width what is shown is one of these: a number
 * never loses a digit, a group of digits or its unit. */
static void test_picture__marks_what_it_cuts_and_never_cuts_a_number(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1024);
    const char *note = "p99 250 ms  48 210 331 rows  0.25 % of all  end";
    static const char *const shown[] = {
        "…",
        "p99 …",
        "p99 250 ms …",
        "p99 250 ms  48 210 331 rows …",
        "p99 250 ms  48 210 331 rows  0.25 % …",
        "p99 250 ms  48 210 331 rows  0.25 % of …",
        "p99 250 ms  48 210 331 rows  0.25 % of all …",
        "p99 250 ms  48 210 331 rows  0.25 % of all  end",
    };
    size_t seen = 0;
    for (int width = 44; width < 100; width++) {
        line_at(note, width, &out);
        const char *text = fx_buf_cstr(&out);
        assert_int_equal(strncmp(text, "no answer: ", 11), 0);
        while (seen < FX_ARRAY_LEN(shown) && strcmp(text + 11, shown[seen]) != 0)
            seen++;
        assert_true(seen < FX_ARRAY_LEN(shown));
    }
    assert_int_equal(seen, FX_ARRAY_LEN(shown) - 1);
}

static void test_picture__sets_the_new_side_below_the_old_where_both_do_not_fit(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(65536);
    struct fcd_route_status route = {.id = "orders-read",
                                     .group = "orders",
                                     .requests_old = 48210,
                                     .requests_new = 7,
                                     .p99_old_ms = 25,
                                     .p99_new_ms = 250};
    struct fcd_status facade = {.routes = &route, .n_routes = 1};
    struct pln_picture pic = example();
    pic.live.facade_error = NULL;
    pic.live.facade = &facade;
    pln_picture_draw(&pic, 80, false, &out);
    assert_non_null(
        strstr(fx_buf_cstr(&out), "old 48 210 requests, 0.00 % errors, p99 25 ms\n    "));
    assert_non_null(strstr(fx_buf_cstr(&out), "    new 7 requests, 0.00 % errors, p99 250 ms\n"));
}

static void test_picture__says_that_writes_are_refused_and_what_ends_it(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(65536);
    struct fcd_group_status group = {.group = "orders", .is_unknown = true};
    struct fcd_status facade = {.groups = &group, .n_groups = 1};
    struct pln_picture pic = example();
    pic.live.facade_error = NULL;
    pic.live.facade = &facade;
    pln_picture_draw(&pic, 80, false, &out);
    assert_null(strstr(fx_buf_cstr(&out), "writes go to"));
    assert_non_null(strstr(fx_buf_cstr(&out), "writes   refused (503), the facade needs: ficus "
                                              "route sync orders --execute\n"));
    fx_buf_clear(&out);
    pln_picture_json(&pic, &out);
    assert_non_null(strstr(fx_buf_cstr(&out), "\"owner_unknown\":true"));
}

static void test_picture__shows_the_whole_reason_of_an_end(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(65536);
    struct pln_picture pic = example();
    pic.outcome = "rolled back: gate of step \"canary\" failed: mismatch 50.94 % of 53 (limit 1.00 "
                  "% of at least 1), the last: GET /orders/7: /total: 1 and 100";
    pln_picture_draw(&pic, 80, false, &out);
    assert_non_null(
        strstr(fx_buf_cstr(&out),
               "orders-extract  rolled back:   1 min 05 s\n"
               "    gate of step \"canary\" failed: mismatch 50.94 % of 53 (limit 1.00 % "
               "of at\n"
               "    least 1), the last: GET /orders/7: /total: 1 and 100\n"
               "  ✓ copy"));
    fx_buf_clear(&out);
    pln_picture_draw(&pic, 200, false, &out);
    assert_non_null(strstr(fx_buf_cstr(&out), "1 and 100   1 min 05 s\n"));
}

static void test_picture__reports_only_changes(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(65536);
    struct pln_picture before = example();
    pln_picture_changes(&before, &before, &out);
    assert_int_equal(out.len, 0);
    struct pln_picture_step later[FX_ARRAY_LEN(steps)];
    memcpy(later, steps, sizeof steps);
    later[1].note = "50 %";
    struct pln_picture now = example();
    now.steps = later;
    pln_picture_changes(&before, &now, &out);
    assert_string_equal(fx_buf_cstr(&out), "orders-extract: step 2/3 canary running: 50 %\n");
}

/* It used to be decided by the word "exist" in the message. */
static void test_live__not_installed_is_decided_by_the_code(void **state)
{
    (void)state;
    struct pln_live live = {
        .forward_error = "stream \"orders\" is not running [STREAM]",
        .forward_code = FX_E_STREAM,
        .reverse_error = "database \"orders\" does not exist [DB_CONNECT]",
        .reverse_code = FX_E_DB_CONNECT,
        .own_error = "ownership of \"orders\" was never set up [DRIFT]",
        .own_code = FX_E_DRIFT,
    };
    pln_live_not_installed(&live);
    assert_string_equal(live.forward_error, "not installed");
    assert_string_equal(live.reverse_error, "database \"orders\" does not exist [DB_CONNECT]");
    assert_string_equal(live.own_error, "not installed");
    live = (struct pln_live){0};
    pln_live_not_installed(&live); /* what answered stays an answer */
    assert_null(live.forward_error);
    assert_null(live.own_error);
}

/* What a person believes at night: each state of streams and rows has its own sentence. */
static void test_way_back__is_what_databases_and_streams_say(void **state)
{
    (void)state;
    static const struct {
        struct pln_live live;
        enum pln_way way;
        const char *text;
    } cases[] = {
        {{.own_old = {.state = FX_OWN_HERE}},
         PLN_WAY_OPEN,
         "possible now, no fence needed, no acknowledged write is lost"},
        {{.own_old = {.state = FX_OWN_HERE}, .forward = {.leaks = 2}},
         PLN_WAY_OPEN,
         "possible now, no fence needed, but 2 unfenced writes may have met newer ones: look at "
         "table ficus.leak first"},
        {{.own_old = {.state = FX_OWN_AWAY},
          .own_new = {.state = FX_OWN_HERE},
          .reverse = {.phase = CDC_PHASE_STREAM, .lag_ms = 40}},
         PLN_WAY_FENCE,
         "possible now, one fence, reverse stream lag 40 ms, no acknowledged write is lost"},
        {{.own_old = {.state = FX_OWN_AWAY},
          .own_new = {.state = FX_OWN_HERE},
          .reverse = {.phase = CDC_PHASE_CATCHUP, .lag_ms = 61000}},
         PLN_WAY_BEHIND,
         "not yet possible: the reverse stream is 1 min 01 s behind, and a fence lasts 6.0 s"},
        {{.own_old = {.state = FX_OWN_AWAY},
          .own_new = {.state = FX_OWN_HERE},
          .old_name = "mono",
          .reverse = {.phase = CDC_PHASE_STOPPED, .error = "{\"message\": \"DDL\"}"}},
         PLN_WAY_BLOCKED,
         "not possible now: the reverse stream stopped, so writes since then are not on \"mono\": "
         "DDL"},
        {{.own_old = {.state = FX_OWN_AWAY}, .own_new = {.state = FX_OWN_AWAY}},
         PLN_WAY_MOVING,
         "a cut-over is unfinished: neither side accepts writes"},
        {{.own_old = {.state = FX_OWN_FENCED}, .own_new = {.state = FX_OWN_AWAY}},
         PLN_WAY_MOVING,
         "a cut-over is in progress"},
        {{.own_error = "no route to host"}, PLN_WAY_UNKNOWN, "unknown: no route to host"},
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(cases); i++) {
        struct pln_way_back back;
        pln_way_back(&cases[i].live, 6000, &back);
        assert_string_equal(back.text, cases[i].text);
        assert_int_equal(back.way, cases[i].way);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_picture__names_the_step_and_the_lag),
        cmocka_unit_test(test_picture__says_that_nobody_runs_it),
        cmocka_unit_test(test_picture__says_what_did_not_answer),
        cmocka_unit_test(test_picture__promises_no_way_back_without_the_reverse_stream),
        cmocka_unit_test(test_picture__keeps_every_line_within_the_width),
        cmocka_unit_test(test_picture__marks_what_it_cuts_and_never_cuts_a_number),
        cmocka_unit_test(test_picture__sets_the_new_side_below_the_old_where_both_do_not_fit),
        cmocka_unit_test(test_picture__says_that_writes_are_refused_and_what_ends_it),
        cmocka_unit_test(test_picture__shows_the_whole_reason_of_an_end),
        cmocka_unit_test(test_picture__reports_only_changes),
        cmocka_unit_test(test_live__not_installed_is_decided_by_the_code),
        cmocka_unit_test(test_way_back__is_what_databases_and_streams_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
