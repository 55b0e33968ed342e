/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stories about the running facade: weights, cookies
 * that stick, and the calls of the admin address.
 */
#define FX_STRTO_ALLOWED /* of numbers that the test knows */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/strangler/stage.h"

static struct stage stage;

static void test_split__grows_and_shrinks_without_moving_anyone_else(void **state)
{
    (void)state;
    enum { USERS = 200 };
    static const double steps[] = {0, 1, 10, 50, 100, 50, 0};
    char side[USERS], fields[64];
    stage_open(&stage, "");
    memset(side, 'o', sizeof side);
    for (size_t s = 0; s < FX_ARRAY_LEN(steps); s++) {
        bool is_growing = s == 0 || steps[s] > steps[s - 1];
        int n_new = 0;
        assert_int_equal(stage_weight(&stage, steps[s]), 200);
        for (int u = 0; u < USERS; u++) {
            snprintf(fields, sizeof fields, "X-Customer: user-%d\r\n", u);
            char now = stage_side(&stage, "GET", fields);
            assert_true(now == side[u] || now == (is_growing ? 'n' : 'o'));
            side[u] = now;
            n_new += now == 'n';
        }
        double share = 100.0 * n_new / USERS;
        assert_true(share >= steps[s] - 12 && share <= steps[s] + 12);
        assert_true((steps[s] > 0 && steps[s] < 100) || share == steps[s]);
        assert_int_equal(stage_side(&stage, "POST", ""), 'o'); /* writes follow the owner */
    }
    stage_close(&stage);
}

static void test_split__an_issued_cookie_sticks(void **state)
{
    (void)state;
    stage_open(&stage, "");
    assert_int_equal(stage_weight(&stage, 50), 200);
    int n_new = 0;
    for (int i = 0; i < 40; i++) {
        FX_AUTO(reply) struct reply reply = {0};
        char fields[96];
        request(stage.port, "GET", "/orders/1", "", NULL, &reply);
        const char *cookie = strstr(reply.head, "Set-Cookie: ficus_sticky=");
        assert_non_null(cookie);
        char side = reply_is_from(&reply, "\"new\"") ? 'n' : 'o';
        snprintf(fields, sizeof fields, "Cookie: x=1; ficus_sticky=%.16s\r\n", cookie + 25);
        for (int again = 0; again < 3; again++)
            assert_int_equal(stage_side(&stage, "GET", fields), side);
        n_new += side == 'n';
    }
    assert_true(n_new > 5 && n_new < 35);
    stage_close(&stage);
}

/* 60 users log in: their session cookie is a key that comes before the issued one. */
static void test_split__nobody_changes_side_by_logging_in(void **state)
{
    (void)state;
    stage_open(&stage, "");
    assert_int_equal(stage_weight(&stage, 50), 200);
    for (int i = 0; i < 60; i++) {
        FX_AUTO(reply) struct reply reply = {0};
        char fields[128];
        request(stage.port, "GET", "/orders/1", "", NULL, &reply);
        const char *cookie = strstr(reply.head, "Set-Cookie: ficus_sticky=");
        assert_non_null(cookie);
        char side = reply_is_from(&reply, "\"new\"") ? 'n' : 'o';
        snprintf(fields, sizeof fields, "Cookie: ficus_sticky=%.16s; sid=s%d\r\nX-Customer: %d\r\n",
                 cookie + 25, i, i);
        assert_int_equal(stage_side(&stage, "GET", fields), side);
    }
    stage_close(&stage);
}

static void test_split__a_cookie_is_issued_only_where_it_decides_and_no_cache_keeps_it(void **state)
{
    (void)state;
    static const double idle[] = {0, 100};
    static const char *const public[] = {"Cache-Control: public, max-age=60\r\n",
                                         "ETag: \"1\"\r\n"};
    FX_AUTO(reply) struct reply reply = {0};
    stage_open(&stage, "");
    for (size_t i = 0; i < FX_ARRAY_LEN(idle); i++) {
        assert_int_equal(stage_weight(&stage, idle[i]), 200);
        request(stage.port, "GET", "/orders/1", "", NULL, &reply);
        assert_null(strstr(reply.head, "Set-Cookie"));
        assert_true(reply_is_from(&reply, idle[i] > 0 ? "\"new\"" : "\"old\""));
    }
    assert_int_equal(stage_weight(&stage, 50), 200);
    for (size_t i = 0; i < FX_ARRAY_LEN(public); i++) {
        atomic_store(&stage.old.fields, public[i]);
        atomic_store(&stage.new_side.fields, public[i]);
        request(stage.port, "GET", "/orders/1", "", NULL, &reply);
        assert_null(strstr(reply.head, "Set-Cookie"));
    }
    atomic_store(&stage.old.fields, "Cache-Control: private, max-age=60\r\n");
    atomic_store(&stage.new_side.fields, "Cache-Control: private, max-age=60\r\n");
    request(stage.port, "GET", "/orders/1", "", NULL, &reply);
    assert_non_null(strstr(reply.head, "Set-Cookie: ficus_sticky="));
    stage_close(&stage);
}

static void test_route__no_spelling_passes_a_group_by(void **state)
{
    (void)state;
    stage_open(&stage, "");
    assert_int_equal(stage_give(&stage, 2, "new"), 200);
    static const char *const paths[] = {"/orders/1", "/orders;v=1/1", "/orders;jsessionid=7",
                                        "/orders%3bv/1", "/orders%3Bv"};
    for (size_t i = 0; i < FX_ARRAY_LEN(paths); i++)
        assert_int_equal(request_status(stage.port, "POST", paths[i], "{}"), 200);
    assert_int_equal(atomic_load(&stage.new_side.requests), (int)FX_ARRAY_LEN(paths));
    static const char *const methods[] = {"post", "Post", "dELETE"};
    for (size_t i = 0; i < FX_ARRAY_LEN(methods); i++)
        assert_int_equal(request_status(stage.port, methods[i], "/orders/1", "{}"), 501);
    assert_int_equal(atomic_load(&stage.old.requests), 0);
    stage_close(&stage);
}

/* Old owner, new owner, held: a method that no route lists and an odd spelling are the group's. */
static void test_route__no_method_and_no_spelling_passes_a_hold(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *fields;
    } cases[] = {
        {"PROPFIND", "/orders/1", ""},
        {"OPTIONS", "/orders/1", ""},
        {"POST", "/Orders/1", ""},
        {"POST", "/ORDERS.json", ""},
        {"DELETE", "/;x/orders/1", ""},
        {"POST", "/index.php/orders/1", ""},
        {"GET", "/orders/1", "X-HTTP-Method-Override: DELETE\r\n"},
        {"GET", "/orders/1", "x_http_method: PUT\r\n"},
        {"GET", "/orders/1?a=b&_method=delete", ""},
    };
    enum { N = FX_ARRAY_LEN(cases) };
    int fds[N];
    FX_AUTO(reply) struct reply reply = {0};
    stage_open(&stage, "");
    assert_int_equal(admin(&stage, "/v1/routes/orders-read/shadow",
                           "{\"epoch\":1,\"percent\":100,\"recheck_ms\":0}"),
                     200);
    stage_hold(&stage, 1, 20000);
    for (size_t i = 0; i < N; i++) {
        char text[512];
        fds[i] = client_open(stage.port);
        snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: 0\r\n\r\n",
                 cases[i].method, cases[i].path, cases[i].fields);
        client_send(fds[i], text);
        wait_number(&stage, "orders", "held", (double)i + 1);
    }
    assert_int_equal(stage_give(&stage, 2, "new"), 200);
    for (size_t i = 0; i < N; i++) {
        client_read(fds[i], cases[i].method, &reply);
        assert_int_equal(reply.status, 200);
        assert_true(reply_is_from(&reply, "\"new\""));
        close(fds[i]);
    }
    assert_int_equal(atomic_load(&stage.new_side.requests), (int)N); /* none twice, none shadowed */
    assert_int_equal(atomic_load(&stage.old.requests), 0);
    assert_int_equal(request_status(stage.port, "POST", "/%256frders/1", "{}"), 400);
    assert_int_equal(request_status(stage.port, "POST", "/orders%20", "{}"), 400);
    assert_int_equal(request_status(stage.port, "POST", "/ordersx", "{}"), 200); /* nobody's */
    assert_int_equal(atomic_load(&stage.old.requests), 1);
    stage_close(&stage);
}

/* gunicorn takes SCRIPT_NAME from the head: POST /x/orders/1 then runs the handler of /orders/1. */
static void test_route__no_field_tells_the_upstream_another_path(void **state)
{
    (void)state;
    static const char *const names[] = {
        "SCRIPT_NAME",     "Script-Name",    "PATH_INFO",        "X-Original-URL",
        "x_rewrite_url",   "X-Original-URI", "X-Forwarded-Path", "X-Forwarded-Prefix",
        "X_FORWARDED_URI", "X-Script-Name",  "X-Accel-Redirect", "X-Envoy-Original-Path",
        "X-Sendfile-Type"};
    FX_AUTO(reply) struct reply reply = {0};
    FX_AUTO(fx_buf) struct fx_buf fields = FX_BUF(8192);
    stage_open(&stage, "");
    for (size_t i = 0; i < FX_ARRAY_LEN(names); i++)
        fx_buf_printf(&fields, "%s: /evil\r\n", names[i]);
    fx_buf_add_c(&fields, "X-Original-Host: kept\r\nX-Scripted: kept\r\n");
    request(stage.port, "POST", "/x/orders/1", fx_buf_cstr(&fields), "{}", &reply);
    assert_int_equal(reply.status, 200);
    assert_null(strstr(stage.old.last_head, "/evil"));
    assert_non_null(strstr(stage.old.last_head, "X-Original-Host: kept"));
    assert_non_null(strstr(stage.old.last_head, "X-Scripted: kept"));
    request(stage.port, "OPTIONS", "http://shop", "", NULL, &reply); /* the server as a whole */
    assert_int_equal(strncmp(stage.old.last_head, "OPTIONS * HTTP/1.1", 18), 0);
    request(stage.port, "TRACE", "/", "", NULL, &reply);
    assert_int_equal(reply.status, 405);
    assert_non_null(strstr(reply.head, "Allow: GET, HEAD, POST"));
    stage_close(&stage);
}

static void test_admin__refuses_what_makes_no_sense_and_stale_epochs(void **state)
{
    (void)state;
    stage_open(&stage, "");
    assert_int_equal(admin(&stage, "/v1/claim", "{\"epoch\":7}"), 200);
    assert_int_equal(stage_weight(&stage, 10), 409);
    assert_int_equal(admin(&stage, "/v1/claim", "{\"epoch\":6}"), 409);
    assert_int_equal(admin(&stage, "/v1/routes/orders-write/weight", "{\"epoch\":7,\"percent\":5}"),
                     400);
    assert_int_equal(
        admin(&stage, "/v1/routes/orders-read/weight", "{\"epoch\":7,\"percent\":101}"), 400);
    assert_int_equal(admin(&stage, "/v1/routes/none/weight", "{\"epoch\":7,\"percent\":1}"), 404);
    assert_int_equal(admin(&stage, "/v1/groups/orders/hold", "{\"epoch\":1}"), 400);
    assert_int_equal(admin(&stage, "/v1/groups/or%2fd/hold", "{\"epoch\":1,\"deadline_ms\":5}"),
                     400);
    assert_int_equal(admin(&stage, "/v1/groups/orders/prepare", "{\"epoch\":"), 400);
    assert_int_equal(admin(&stage, "/v1/nothing", "{}"), 404);
    assert_int_equal(admin(&stage, "/v1/groups/orders/prepare", "{\"epoch\":5}"), 200);
    static const char *const verbs[] = {"prepare", "hold", "release", "switch"};
    for (size_t i = 0; i < FX_ARRAY_LEN(verbs); i++) {
        char path[64];
        snprintf(path, sizeof path, "/v1/groups/orders/%s", verbs[i]);
        assert_int_equal(admin(&stage, path, "{\"epoch\":4,\"deadline_ms\":50,\"owner\":\"new\"}"),
                         409);
    }
    assert_int_equal((int)status_number(&stage, "orders", "epoch"), 5);
    assert_int_equal(admin(&stage, "/v1/groups/orders.canary/prepare", "{\"epoch\":1}"), 200);
    assert_int_equal((int)status_number(&stage, "orders.canary", "epoch"), 1);
    stage_close(&stage);
}

static void test_admin__is_not_changed_by_web_pages(void **state)
{
    (void)state;
    stage_open(&stage, "");
    FX_AUTO(reply) struct reply reply = {0};
    admin_reply(&stage, "POST", "/v1/groups/orders/hold", "Origin: http://shop.example\r\n",
                "{\"epoch\":1,\"deadline_ms\":9000}", &reply);
    assert_int_equal(reply.status, 403);
    assert_int_equal((int)status_number(&stage, "orders", "epoch"), 0);
    assert_int_equal(admin(&stage, "/v1/groups/orders/hold", "{\"epoch\":1,\"deadline_ms\":100}"),
                     200);
    stage_close(&stage);
}

static void test_admin__wants_its_token(void **state)
{
    (void)state;
    stage_open(&stage, "");
    FX_AUTO(reply) struct reply reply = {0};
    request(stage.admin_port, "GET", "/v1/status", "", NULL, &reply);
    assert_int_equal(reply.status, 401);
    request(stage.admin_port, "GET", "/v1/status",
            "Authorization: Bearer 0123456789abcdef0123456789abcdeX\r\n", NULL, &reply);
    assert_int_equal(reply.status, 401);
    assert_non_null(strstr(reply.head, "WWW-Authenticate: Bearer"));
    admin_reply(&stage, "GET", "/metrics", "", NULL, &reply);
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.body.ptr, "# HELP ficus_facade_client_connections"));
    assert_non_null(strstr(reply.body.ptr, "ficus_facade_admin_refused_total{reason=\"token\"} 2"));
    stage_close(&stage);
}

static bool log_says(const char *text)
{
    char command[256];
    snprintf(command, sizeof command, "grep -qF '%s' %s/log", text, stage.dir);
    return system(command) == 0;
}

static int count_log(const char *text)
{
    char command[256], line[32] = "";
    snprintf(command, sizeof command, "grep -cF '%s' %s/log", text, stage.dir);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    char *got = fgets(line, sizeof line, f);
    pclose(f);
    return got != NULL ? (int)strtol(line, NULL, 10) : -1;
}

/* Guessing is slow, costs little, fills no log, and the one with the token does not wait. */
static void test_admin__guessing_is_slow_and_logged(void **state)
{
    (void)state;
    enum { N = 300 };
    int fds[N];
    stage_open(&stage, "");
    int64_t began = now_ms();
    for (int i = 0; i < N; i++) {
        fds[i] = client_open(stage.admin_port);
        client_send(fds[i],
                    "GET /v1/status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\n\r\n");
    }
    int64_t before = now_ms();
    assert_int_equal(admin(&stage, "/v1/claim", "{\"epoch\":1}"), 200);
    assert_true(now_ms() - before < 900);
    int n_answered = 0;
    FX_AUTO(reply) struct reply reply = {0};
    for (int i = 0; i < N; i++) {
        client_read(fds[i], "GET", &reply);
        assert_true(reply.status == 401 || reply.status == 0);
        n_answered += reply.status == 401;
        close(fds[i]);
    }
    int64_t took_s = (now_ms() - began) / 1000 + 1;
    assert_true(n_answered >= 5 && n_answered <= 5 + 17 * (int)took_s);
    assert_true(log_says("reason=token status=401"));
    assert_true(count_log("admin call refused") <= took_s + 1);
    assert_true(log_says("path=/v1/claim what="));
    assert_true(log_says("controller epoch 0 to 1"));
    stage_close(&stage);
}

static void test_admin__is_called_by_its_own_names_only(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        int status;
    } cases[] = {{"127.0.0.1:9901", 200}, {"localhost", 200},    {"[::1]:80", 200},
                 {"ficus-1:9901", 200},   {"evil.example", 403}, {"127.0.0.1.evil.example", 403}};
    FX_AUTO(reply) struct reply reply = {0};
    stage_open(&stage, "");
    stage_stop_facade(&stage, SIGTERM);
    char command[256];
    snprintf(command, sizeof command, "sed -i 's|  admin: {|&hosts: [ficus-1], |' %s/ficus.yaml",
             stage.dir);
    assert_int_equal(system(command), 0);
    stage_start_facade(&stage);
    for (size_t i = 0; i < FX_ARRAY_LEN(cases); i++) {
        char text[256];
        FX_AUTO_FD int fd = client_open(stage.admin_port);
        snprintf(text, sizeof text,
                 "GET /v1/status HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer " STAGE_TOKEN
                 "\r\n\r\n",
                 cases[i].host);
        client_send(fd, text);
        client_read(fd, "GET", &reply);
        assert_int_equal(reply.status, cases[i].status);
    }
    stage_close(&stage);
}

static void test_admin__takes_no_epoch_that_no_cutover_makes(void **state)
{
    (void)state;
    static const char absurd[] =
        "{\"epoch\":9223372036854775807,\"deadline_ms\":9,\"owner\":\"new\"}";
    static const char *const paths[] = {"/v1/claim", "/v1/groups/orders/prepare",
                                        "/v1/groups/orders/hold", "/v1/groups/orders/release",
                                        "/v1/groups/orders/switch"};
    stage_open(&stage, "");
    for (size_t i = 0; i < FX_ARRAY_LEN(paths); i++)
        assert_int_equal(admin(&stage, paths[i], absurd), 400);
    assert_int_equal(admin(&stage, "/v1/claim", "{\"epoch\":10001}"), 400);
    assert_int_equal(admin(&stage, "/v1/claim", "{\"epoch\":10000}"), 200); /* away for long */
    assert_int_equal(admin(&stage, "/v1/groups/orders/prepare", "{\"epoch\":9999}"), 200);
    assert_int_equal(admin(&stage, "/v1/epoch", "{\"epoch\":4,\"known\":3}"), 409);
    assert_int_equal(admin(&stage, "/v1/epoch", "{\"epoch\":4,\"known\":10000}"), 200);
    assert_int_equal(admin(&stage, "/v1/groups/orders/epoch", "{\"epoch\":4}"), 400);
    assert_int_equal(admin(&stage, "/v1/groups/orders/epoch", "{\"epoch\":4,\"known\":9999}"), 200);
    assert_int_equal(admin(&stage, "/v1/groups/order/epoch", "{\"epoch\":4,\"known\":0}"), 404);
    assert_int_equal((int)status_number(&stage, "orders", "epoch"), 4);
    assert_int_equal(stage_give(&stage, 6, "new"), 200);
    stage_close(&stage);
}

static void test_admin__knows_its_groups_and_says_what_is_allowed(void **state)
{
    (void)state;
    FX_AUTO(reply) struct reply reply = {0};
    stage_open(&stage, "");
    admin_reply(&stage, "POST", "/v1/groups/ordres/hold", "", "{\"epoch\":1,\"deadline_ms\":50}",
                &reply);
    assert_int_equal(reply.status, 404);
    assert_non_null(strstr(reply.body.ptr, "did you mean \\\"orders\\\""));
    admin_reply(&stage, "POST", "/v1/groups/ordres.canary/prepare", "", "{\"epoch\":1}", &reply);
    assert_int_equal(reply.status, 404);
    assert_int_equal((int)status_number(&stage, "ordres", "epoch"), -12345);
    admin_reply(&stage, "GET", "/v1/claim", "", NULL, &reply);
    assert_int_equal(reply.status, 405);
    assert_non_null(strstr(reply.head, "Allow: POST\r\n"));
    admin_reply(&stage, "POST", "/v1/status", "", "{}", &reply);
    assert_int_equal(reply.status, 405);
    assert_non_null(strstr(reply.head, "Allow: GET, HEAD\r\n"));
    stage_close(&stage);
}

/* Without facade.admin: a socket in the state directory that nobody else can open. */
static void test_admin__is_a_socket_by_default(void **state)
{
    (void)state;
    struct stat st;
    char path[192], command[512];
    stage_open(&stage, "");
    stage_stop_facade(&stage, SIGTERM);
    snprintf(command, sizeof command, "umask 0; sed -i '/^  admin: /d' %s/ficus.yaml", stage.dir);
    assert_int_equal(system(command), 0);
    for (int i = 0; i < 2; i++) { /* the second time over the socket of one that was killed */
        stage_start_facade(&stage);
        snprintf(path, sizeof path, "%s/.ficus/admin.sock", stage.dir);
        assert_int_equal(stat(path, &st), 0);
        assert_true(S_ISSOCK(st.st_mode));
        assert_int_equal(st.st_mode & 0777, 0600);
        snprintf(command, sizeof command,
                 "curl -sf --unix-socket %s http://any.name/v1/status | grep -q '\"api\"'", path);
        assert_int_equal(system(command), 0);
        stage_stop_facade(&stage, SIGKILL);
    }
    stage_close(&stage);
}

static void test_admin__wants_a_token_file_that_is_closed(void **state)
{
    (void)state;
    char command[512];
    stage_open(&stage, "");
    const char *binary = getenv("FX_FICUSD"); /* NOLINT: tests only */
    snprintf(
        command, sizeof command,
        "cd %s && chmod 0640 token && ! %s -f ficus.yaml --check 2>err && grep -q 'chmod 600' err "
        "&& "
        "chmod 600 token && %s -f ficus.yaml --check && echo short >token && "
        "! %s -f ficus.yaml --check 2>err && grep -q 'at least 32' err; rc=$?; rm -f err; exit $rc",
        stage.dir, binary, binary, binary);
    assert_int_equal(system(command), 0);
    stage_close(&stage);
}

/* One write a second is released; calls of all kinds in between are no reason to begin anew. */
static void test_release__keeps_its_pace_under_admin_calls(void **state)
{
    (void)state;
    enum { N = 10 };
    int fds[N];
    FX_AUTO(reply) struct reply reply = {0};
    stage_open(&stage, "  hold: {release_per_second: 10}\n");
    stage_hold(&stage, 1, 20000);
    for (int i = 0; i < N; i++) {
        fds[i] = client_open(stage.port);
        client_send(fds[i], "POST /orders/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    }
    wait_number(&stage, "orders", "held", N);
    assert_int_equal(admin(&stage, "/v1/groups/orders/release", "{\"epoch\":1}"), 200);
    int64_t began = now_ms();
    while (status_number(&stage, "orders", "held") > 0 && now_ms() - began < 8000)
        admin(&stage, "/v1/claim", "{\"epoch\":1}");
    int64_t took_ms = now_ms() - began;
    assert_true(took_ms > 500 && took_ms < 2500);
    for (int i = 0; i < N; i++) {
        client_read(fds[i], "POST", &reply);
        assert_int_equal(reply.status, 200);
        close(fds[i]);
    }
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split__grows_and_shrinks_without_moving_anyone_else),
        cmocka_unit_test(test_split__an_issued_cookie_sticks),
        cmocka_unit_test(test_split__nobody_changes_side_by_logging_in),
        cmocka_unit_test(
            test_split__a_cookie_is_issued_only_where_it_decides_and_no_cache_keeps_it),
        cmocka_unit_test(test_route__no_spelling_passes_a_group_by),
        cmocka_unit_test(test_route__no_method_and_no_spelling_passes_a_hold),
        cmocka_unit_test(test_route__no_field_tells_the_upstream_another_path),
        cmocka_unit_test(test_admin__refuses_what_makes_no_sense_and_stale_epochs),
        cmocka_unit_test(test_admin__is_not_changed_by_web_pages),
        cmocka_unit_test(test_admin__wants_its_token),
        cmocka_unit_test(test_admin__guessing_is_slow_and_logged),
        cmocka_unit_test(test_admin__is_called_by_its_own_names_only),
        cmocka_unit_test(test_admin__takes_no_epoch_that_no_cutover_makes),
        cmocka_unit_test(test_admin__knows_its_groups_and_says_what_is_allowed),
        cmocka_unit_test(test_admin__is_a_socket_by_default),
        cmocka_unit_test(test_admin__wants_a_token_file_that_is_closed),
        cmocka_unit_test(test_release__keeps_its_pace_under_admin_calls),
    };
    return STAGE_RUN(tests);
}
