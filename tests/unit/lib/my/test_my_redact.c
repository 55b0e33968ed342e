/* SPDX-License-Identifier: Apache-2.0 */
/* Which parts of MariaDB's texts are shown: as 10.11 writes them, in another language, forged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/err/redact.h"
#include "lib/my/redact.h"

static const struct one {
    unsigned number;
    const char *state, *in, *out;
} ones[] = {
    {1062, "23000", "Duplicate entry 'CANARY' for key 'u_email'",
     "Duplicate entry '[hidden]' for key 'u_email'"},
    {1062, "23000", "Duplicate entry 'CAN' for key 'ARY' for key 'u'",
     "Duplicate entry '[hidden]' for key 'u'"},
    {1062, "23000", "Doppelter Eintrag 'CANARY' f\xc3\xbcr Schl\xc3\xbcssel 'u'",
     "Doppelter Eintrag [hidden]"},
    {1366, "22007", "Incorrect integer value: 'CANARY' for column `d`.`t`.`c` at row 1",
     "Incorrect integer value: '[hidden]' for column `d`.`t`.`c` at row 1"},
    {1292, "22007", "Incorrect datetime value: 'CANARY'", "Incorrect datetime value: '[hidden]'"},
    {1292, "22007", "Truncated incorrect DOUBLE value: 'CANARY'",
     "Truncated incorrect DOUBLE value: '[hidden]'"},
    {1048, "23000", "Column 'c' cannot be null", "Column 'c' cannot be null"},
    {1406, "22001", "Data too long for column 'c' at row 1",
     "Data too long for column 'c' at row 1"},
    {1452, "23000",
     "Cannot add or update a child row: a foreign key constraint fails (`d`.`t`, CONSTRAINT `f` "
     "FOREIGN KEY (`a`) REFERENCES `p` (`id`))",
     "Cannot add or update a child row: a foreign key constraint fails (`d`.`t`, CONSTRAINT `f` "
     "FOREIGN KEY (`a`) REFERENCES `p` (`id`))"},
    {4025, "23000", "CONSTRAINT `positive` failed for `d`.`t`",
     "CONSTRAINT `positive` failed for `d`.`t`"},
    {1064, "42000", "You have an error near 'CANARY' at line 1",
     "You have an error near [hidden] at line [hidden]"},
    {1690, "22003", "BIGINT value is out of range in '(CANARY - 1)'",
     "BIGINT value is out of range in [hidden]"},
    {1048, "45000", "bad customer CANARY", "the server's text is [hidden]"},
    {1644, "45000", "bad customer CANARY", "the server's text is [hidden]"},
    {1644, "45000", "ficus: group orders is AWAY here, epoch 3: write to the owning side",
     "ficus: group orders is AWAY here, epoch 3: write to the owning side"},
    {1146, "42S02", "Table 'd.t' doesn't exist", "Table 'd.t' doesn't exist"},
    {2013, "HY000", "Lost connection to server during query",
     "Lost connection to server during query"},
    {9999, "HY000", "x 'CANARY'", "x [hidden]"},
};

static void test_my_redact__hides_values_by_number_and_template(void **state)
{
    (void)state;
    for (size_t i = 0; i < FX_ARRAY_LEN(ones); i++) {
        FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(512);
        fx_my_redact(ones[i].number, ones[i].state, fx_str_from(ones[i].in), &out);
        assert_string_equal(fx_buf_cstr(&out), ones[i].out);
        fx_buf_clear(&out);
        fx_values_show_set(true);
        fx_my_redact(ones[i].number, ones[i].state, fx_str_from(ones[i].in), &out);
        fx_values_show_set(false);
        assert_string_equal(fx_buf_cstr(&out), ones[i].in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_my_redact__hides_values_by_number_and_template),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
