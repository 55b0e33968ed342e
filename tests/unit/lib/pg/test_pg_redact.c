/* SPDX-License-Identifier: Apache-2.0 */
/* Which fields of PostgreSQL's errors are shown: texts as its versions 14 to 18 write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/err/redact.h"
#include "lib/pg/redact.h"

struct one {
    struct fx_pg_texts in;
    const char *message, *detail;
};

static const struct one ones[] = {
    {{"23505", "duplicate key value violates unique constraint \"u_email\"",
      "Key (email)=(CANARY) already exists.", NULL, "_bt_check_unique"},
     "duplicate key value violates unique constraint \"u_email\"",
     "Key (email)=([hidden])"},
    {{"23514", "new row for relation \"t\" violates check constraint \"c\"",
      "Failing row contains (CANARY)=(CANARY).", NULL, "ExecConstraints"},
     "new row for relation \"t\" violates check constraint \"c\"",
     "the row: [hidden]"},
    {{"23505", "u", "Schl\xc3\xbcssel (email)=(CANARY)", NULL, NULL}, "u", "[hidden]"},
    {{"22P02", "invalid input syntax for type integer: \"CANARY\"", NULL, NULL, NULL},
     "invalid input syntax for type integer: [hidden]",
     ""},
    {{"22001", "value too long for type character varying(5)", NULL, NULL, NULL},
     "value too long for type character varying(5)",
     ""},
    {{"22003", "numeric field overflow", "A field with CANARY", "CANARY", NULL},
     "numeric field overflow",
     "[hidden]"},
    {{"42601", "syntax error at or near \"CANARY\"", NULL, NULL, NULL},
     "syntax error at or near [hidden]",
     ""},
    {{"42P01", "relation \"orders\" does not exist", NULL, "h", NULL},
     "relation \"orders\" does not exist",
     ""},
    {{"42P01", "CANARY", "CANARY", "CANARY", "exec_stmt_raise"},
     "the server's text is [hidden]",
     "[hidden]"},
    {{"P0001", "CANARY", NULL, NULL, NULL}, "the server's text is [hidden]", ""},
    {{NULL, "CANARY", NULL, NULL, NULL}, "the server's text is [hidden]", ""},
    {{"25006", "writes of group \"orders\" are owned by the other side at epoch 5", NULL, "Write.",
      "exec_stmt_raise"},
     "writes of group \"orders\" are owned by the other side at epoch 5",
     ""},
};

static void test_pg_redact__hides_what_the_state_can_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < FX_ARRAY_LEN(ones); i++) {
        FX_AUTO(fx_buf) struct fx_buf message = FX_BUF(256), detail = FX_BUF(256);
        FX_AUTO(fx_buf) struct fx_buf hint = FX_BUF(256);
        fx_pg_redact(&ones[i].in, &message, &detail, &hint);
        assert_string_equal(fx_buf_cstr(&message), ones[i].message);
        assert_string_equal(fx_buf_cstr(&detail), ones[i].detail);
        assert_null(strstr(fx_buf_cstr(&hint), "CANARY"));
        fx_values_show_set(true);
        fx_pg_redact(&ones[i].in, &message, &detail, &hint);
        fx_values_show_set(false);
        assert_string_equal(fx_buf_cstr(&message), ones[i].in.primary);
        assert_string_equal(fx_buf_cstr(&detail),
                            ones[i].in.detail != NULL ? ones[i].in.detail : "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pg_redact__hides_what_the_state_can_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
