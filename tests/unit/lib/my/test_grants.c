/* SPDX-License-Identifier: Apache-2.0 */
/* What SHOW GRANTS says is taken as the server means it: patterns, roles, columns, quoted names. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "lib/my/grants.h"

static bool has(const char *lines, const char *right, const char *schema, const char *table)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    return fx_my_grants_has(fx_my_grants_parse(fx_str_from(lines), &arena), right, schema, table);
}

static void test_grants__a_right_reaches_as_far_as_it_says(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *right, *schema, *table;
        bool is_there;
    } cases[] = {
        {"GRANT ALL PRIVILEGES ON *.* TO `f`@`%` WITH GRANT OPTION", "TRIGGER", "o", "t", true},
        {"GRANT ALL PRIVILEGES ON *.* TO `f`@`%`", "REPLICATION SLAVE", NULL, NULL, true},
        {"GRANT ALL PRIVILEGES ON `o`.* TO `f`@`%`", "PROCESS", NULL, NULL, false},
        {"GRANT USAGE ON *.* TO `f`@`%`", "SELECT", "o", "t", false},
        {"GRANT BINLOG MONITOR, REPLICATION SLAVE ON *.* TO `f`@`%`", "REPLICATION SLAVE", NULL,
         NULL, true},
        {"GRANT REPLICATION SLAVE ADMIN ON *.* TO `f`@`%`", "REPLICATION SLAVE", NULL, NULL, false},
        {"GRANT `r` TO `f`@`%`\nGRANT SELECT ON `o`.* TO `r`\n", "SELECT", "o", "t", true},
        {"GRANT SELECT ON `o`.* TO PUBLIC", "SELECT", "o", NULL, true},
        {"GRANT SELECT ON `o%d_r`.* TO `f`@`%`", "SELECT", "orders_der", "t", true},
        {"GRANT SELECT ON `o%d_r`.* TO `f`@`%`", "SELECT", "orders_dr", "t", false},
        {"GRANT SELECT ON `o\\_%`.* TO `f`@`%`", "SELECT", "o_", "t", true},
        {"GRANT SELECT ON `o\\_%`.* TO `f`@`%`", "SELECT", "ox", "t", false},
        {"GRANT SELECT ON `%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%b`.* TO `f`@`%`", "SELECT",
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "t", false},
        {"GRANT SELECT ON `o`.`t` TO `f`@`%`", "SELECT", "o", "t", true},
        {"GRANT SELECT ON `o`.`t` TO `f`@`%`", "SELECT", "o", "u", false},
        {"GRANT SELECT ON `o`.`t` TO `f`@`%`", "SELECT", "o", NULL, false},
        {"GRANT SELECT ON `ord%`.* TO `f`@`%`", "SELECT", "orders", "t", true},
        {"GRANT SELECT ON `ord_rs`.* TO `f`@`%`", "SELECT", "orders", "t", true},
        {"GRANT SELECT ON `a\\_b`.* TO `f`@`%`", "SELECT", "a_b", "t", true},
        {"GRANT SELECT ON `a\\_b`.* TO `f`@`%`", "SELECT", "axb", "t", false},
        {"GRANT SELECT ON `%`.* TO `f`@`%`", "SELECT", "", NULL, true},
        {"GRANT SELECT ON `o``x`.`t``` TO `f`@`%`", "SELECT", "o`x", "t`", true},
        {"GRANT SELECT (`id`, `x ON y`), INSERT ON `o`.`t` TO `f`@`%`", "SELECT", "o", "t", false},
        {"GRANT SELECT (`id`, `x ON y`), INSERT ON `o`.`t` TO `f`@`%`", "INSERT", "o", "t", true},
        {"GRANT EXECUTE ON FUNCTION `o`.`t` TO `f`@`%`", "EXECUTE", "o", "t", false},
        {"GRANT PROXY ON ''@'%' TO 'root'@'localhost' WITH GRANT OPTION", "PROXY", "o", "t", false},
        {"GRANT SELECT ON `o", "SELECT", "o", "t", false},
        {"GRANT SELECT ON", "SELECT", "o", "t", false},
        {"", "SELECT", "o", "t", false},
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(cases); i++) {
        if (has(cases[i].lines, cases[i].right, cases[i].schema, cases[i].table) !=
            cases[i].is_there)
            fail_msg("case %zu: %s", i, cases[i].lines);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grants__a_right_reaches_as_far_as_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
