/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stories about the running facade: weights, cookies
 * that stick, and the calls of the admin address.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
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
    request(stage.admin_port, "POST", "/v1/groups/orders/hold", "Origin: http://shop.example\r\n",
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
    setenv("FCD_TEST_TOKEN", "s3cret", 1);
    stage_open(&stage, "");
    stage_stop_facade(&stage, SIGTERM);
    char command[512];
    snprintf(command, sizeof command,
             "sed -i 's|  admin: {|  admin: {token: {env: FCD_TEST_TOKEN}, |' %s/ficus.yaml",
             stage.dir);
    assert_int_equal(system(command), 0);
    stage_start_facade(&stage);
    FX_AUTO(reply) struct reply reply = {0};
    request(stage.admin_port, "GET", "/v1/status", "", NULL, &reply);
    assert_int_equal(reply.status, 401);
    request(stage.admin_port, "GET", "/v1/status", "Authorization: Bearer s3cres\r\n", NULL,
            &reply);
    assert_int_equal(reply.status, 401);
    request(stage.admin_port, "GET", "/v1/status", "Authorization: Bearer s3cret\r\n", NULL,
            &reply);
    assert_int_equal(reply.status, 200);
    request(stage.admin_port, "GET", "/metrics", "Authorization: Bearer s3cret\r\n", NULL, &reply);
    assert_non_null(strstr(reply.body.ptr, "# HELP ficus_facade_client_connections"));
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split__grows_and_shrinks_without_moving_anyone_else),
        cmocka_unit_test(test_split__an_issued_cookie_sticks),
        cmocka_unit_test(test_route__no_spelling_passes_a_group_by),
        cmocka_unit_test(test_admin__refuses_what_makes_no_sense_and_stale_epochs),
        cmocka_unit_test(test_admin__is_not_changed_by_web_pages),
        cmocka_unit_test(test_admin__wants_its_token),
    };
    return STAGE_RUN(tests);
}
