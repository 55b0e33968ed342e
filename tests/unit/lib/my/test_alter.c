/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which ALTER TABLE leaves the rows of a table as they are, and which does not or cannot be known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/my/alter.h"

static struct fx_column columns[] = {
    {.name = "id", .type = {.kind = FX_V_INT, .declared = "int(11)"}, .key_index = 0},
    {.name = "n", .type = {.kind = FX_V_DECIMAL, .declared = "decimal(20,4)"}, .is_nullable = true},
    {.name = "sku", .type = {.kind = FX_V_TEXT, .declared = "varchar(64)"}, .is_nullable = true},
    {.name = "note", .type = {.kind = FX_V_TEXT, .declared = "text"}, .is_nullable = true},
    {.name = "doc", .type = {.kind = FX_V_JSON, .declared = "longtext"}, .is_nullable = true},
    {.name = "paid", .type = {.kind = FX_V_BOOL, .declared = "tinyint(1)"}, .is_nullable = true},
    {.name = "at", .type = {.kind = FX_V_TIMESTAMP, .declared = "datetime(3)"}},
    {.name = "u", .type = {.kind = FX_V_INT, .declared = "int(10) unsigned"}},
    {.name = "g", .type = {.kind = FX_V_INT, .declared = "int(11)"}, .is_generated = true},
};

static enum fx_my_alter effect(const char *text, bool is_known, bool is_utf8mb4)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_column copy[FX_ARRAY_LEN(columns)];
    fx_arena_init(&arena, 0);
    memcpy(copy, columns, sizeof copy);
    struct fx_table table = {
        .schema = "shop", .name = "t", .columns = copy, .n_columns = FX_ARRAY_LEN(copy)};
    struct fx_my_alter_before before = {"shop", "t", is_known ? &table : NULL, is_utf8mb4, &arena};
    struct fx_my_sql sql = {fx_str_from(text), FX_STR("shop"), 0, FX_MY_CHARSET_UTF8};
    return fx_my_alter_effect(&sql, &before);
}

static void all(const char *const *texts, size_t n, enum fx_my_alter want)
{
    for (size_t i = 0; i < n; i++)
        if (effect(texts[i], true, true) != want)
            fail_msg("%s", texts[i]);
}

static void test_alter__what_leaves_rows_and_columns_alone_passes(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "ALTER TABLE t ADD INDEX i(n)",
        "alter table `shop`.`t` add key `x,y` (`n`, sku(10)), drop index old",
        "ALTER ONLINE TABLE IF EXISTS t WAIT 5 ADD UNIQUE INDEX u (sku), ALGORITHM=NOCOPY, "
        "LOCK=NONE",
        "ALTER TABLE t ADD FULLTEXT (note)",
        "ALTER TABLE t COMMENT='x, drop column n'",
        "ALTER TABLE t COMMENT 'x' ROW_FORMAT=DYNAMIC ENGINE = InnoDB",
        "ALTER TABLE t ALTER n SET DEFAULT 7, ALTER COLUMN sku DROP DEFAULT",
        "ALTER TABLE t AUTO_INCREMENT = 100",
        "ALTER TABLE t FORCE",
        "ALTER TABLE t DEFAULT CHARACTER SET latin1",
        "ALTER TABLE t RENAME INDEX a TO b, ALTER INDEX b IGNORED",
        "SET STATEMENT max_statement_time=9 FOR ALTER TABLE t ADD INDEX (n)",
        "ALTER TABLE t DISABLE KEYS",
        "ALTER TABLE t ADD CONSTRAINT u UNIQUE (sku), DROP FOREIGN KEY f",
        "ALTER TABLE t ORDER BY n",
        "ALTER TABLE t ORDER BY n DESC, `sku`, id ASC, COMMENT='x'",
        "ALTER TABLE t ADD PARTITION (PARTITION p3 VALUES LESS THAN (300), PARTITION p4 VALUES "
        "LESS THAN MAXVALUE)",
        "ALTER TABLE t REORGANIZE PARTITION p1, p2 INTO (PARTITION p VALUES LESS THAN (9))",
        "ALTER TABLE t REBUILD PARTITION p1, p2",
    };
    all(texts, FX_ARRAY_LEN(texts), FX_MY_ALTER_NO_EFFECT);
    assert_int_equal(effect("ALTER TABLE t ADD INDEX i(n)", false, false), FX_MY_ALTER_NO_EFFECT);
}

static void test_alter__partitions_that_only_go_are_told_apart(void **state)
{
    (void)state;
    static const char *const drops[] = {
        "ALTER TABLE t DROP PARTITION p1",
        "alter table `shop`.t drop partition if exists p1, `p,2`",
        "ALTER TABLE t TRUNCATE PARTITION p1, p2",
        "ALTER TABLE t TRUNCATE PARTITION ALL",
    };
    static const char *const others[] = {
        "ALTER TABLE t EXCHANGE PARTITION p1 WITH TABLE x",
        "ALTER TABLE t DROP PARTITION p1, DROP COLUMN n",
        "ALTER TABLE t DROP PARTITION p1, p2 x",
        "ALTER TABLE t COMMENT 'x', DROP PARTITION p1",
        "ALTER TABLE t DROP `PARTITION`",
        "ALTER TABLE t ADD `PARTITION` int",
        "ALTER TABLE t CONVERT PARTITION p1 TO TABLE x",
        "ALTER TABLE t REPAIR PARTITION p1",
        "ALTER TABLE t REMOVE PARTITIONING",
        "ALTER IGNORE TABLE t ORDER BY n",
        "ALTER TABLE t ORDER BY n, DROP sku",
        "ALTER TABLE t ORDER BY n DESC, DROP COLUMN sku",
        "ALTER TABLE t n DESC",
    };
    all(drops, FX_ARRAY_LEN(drops), FX_MY_ALTER_DROPS_PARTITIONS);
    all(others, FX_ARRAY_LEN(others), FX_MY_ALTER_OTHER);
}

static void test_alter__columns_that_hold_more_pass(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "ALTER TABLE t MODIFY n decimal(30,8)",
        "ALTER TABLE t MODIFY COLUMN n decimal(20,4) DEFAULT 1.50 COMMENT 'money', ADD INDEX (n)",
        "ALTER TABLE shop.t MODIFY `sku` varchar(64) CHARACTER SET utf8mb4 COLLATE "
        "utf8mb4_nopad_bin",
        "ALTER TABLE t CHANGE sku sku varchar(100) DEFAULT ''",
        "ALTER TABLE t MODIFY note longtext",
        "ALTER TABLE t MODIFY id bigint NOT NULL AUTO_INCREMENT",
        "ALTER TABLE t MODIFY id bigint(20) NOT NULL, MODIFY u bigint unsigned",
        "ALTER TABLE t MODIFY doc json",
        "ALTER TABLE t MODIFY paid tinyint(1) DEFAULT false",
        "ALTER TABLE t MODIFY at datetime(6) DEFAULT current_timestamp(6)",
        "ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    };
    all(texts, FX_ARRAY_LEN(texts), FX_MY_ALTER_WIDENS);
}

static void test_alter__everything_else_does_not(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "ALTER TABLE t ADD COLUMN x int",
        "ALTER TABLE t ADD x int",
        "ALTER TABLE t ADD INDEX i(n), ADD x int",
        "ALTER TABLE t DROP COLUMN n",
        "ALTER TABLE t DROP n",
        "ALTER TABLE t DROP PRIMARY KEY",
        "ALTER TABLE t DROP INDEX `PRIMARY`",
        "ALTER TABLE t EXCHANGE PARTITION p0 WITH TABLE x",
        "ALTER TABLE t DISCARD TABLESPACE",
        "ALTER TABLE t IMPORT TABLESPACE",
        "ALTER IGNORE TABLE t ADD UNIQUE (sku)",
        "ALTER TABLE t RENAME TO x",
        "ALTER TABLE t RENAME COLUMN n TO m",
        "ALTER TABLE t ENGINE=MyISAM",
        "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (n) REFERENCES x (id) ON DELETE CASCADE",
        "ALTER TABLE t ADD CHECK (json_valid(note))",
        "ALTER TABLE t ADD CONSTRAINT c CHECK (n > 0)",
        "ALTER TABLE x ADD FOREIGN KEY (n) REFERENCES t (id)",
        "ALTER TABLE t ADD SYSTEM VERSIONING",
        "ALTER TABLE t MODIFY n decimal(20,2)",
        "ALTER TABLE t MODIFY n decimal(22,8)",
        "ALTER TABLE t MODIFY n decimal",
        "ALTER TABLE t MODIFY n double",
        "ALTER TABLE t MODIFY n decimal(30,8) FIRST",
        "ALTER TABLE t MODIFY n decimal(30,8) DEFAULT 1 FIRST",
        "ALTER TABLE t MODIFY sku varchar(64) DEFAULT 'x' FIRST",
        "ALTER TABLE t MODIFY sku varchar(64) DEFAULT 'x' AFTER id",
        "ALTER TABLE t MODIFY sku varchar(64) DEFAULT 'x' CHECK (sku > '')",
        "ALTER TABLE t MODIFY n decimal(30,8) NOT NULL",
        "ALTER TABLE t MODIFY n decimal(30,8) AS (1) STORED",
        "ALTER TABLE t MODIFY sku varchar(63)",
        "ALTER TABLE t MODIFY sku varchar(64) CHARACTER SET latin1",
        "ALTER TABLE t MODIFY sku enum('a')",
        "ALTER TABLE t MODIFY note tinytext",
        "ALTER TABLE t MODIFY doc longtext",
        "ALTER TABLE t MODIFY note json",
        "ALTER TABLE t MODIFY id smallint",
        "ALTER TABLE t MODIFY id bigint unsigned",
        "ALTER TABLE t MODIFY u int",
        "ALTER TABLE t MODIFY paid int",
        "ALTER TABLE t MODIFY id tinyint(1)",
        "ALTER TABLE t MODIFY at datetime",
        "ALTER TABLE t MODIFY g bigint",
        "ALTER TABLE t MODIFY nobody int",
        "ALTER TABLE t CHANGE n m decimal(30,8)",
        "ALTER TABLE t CONVERT TO CHARACTER SET latin1",
        "ALTER TABLE other.t ADD INDEX (n)",
        "ALTER TABLE t",
        "ALTER TABLE t ADD INDEX (n); DROP TABLE t",
        "RENAME TABLE t TO x",
        "CREATE OR REPLACE TABLE t (id int)",
        "",
    };
    all(texts, FX_ARRAY_LEN(texts), FX_MY_ALTER_OTHER);
    assert_int_equal(effect("ALTER TABLE t MODIFY n decimal(30,8)", false, true),
                     FX_MY_ALTER_OTHER);
    assert_int_equal(effect("ALTER TABLE t MODIFY sku varchar(70)", true, false),
                     FX_MY_ALTER_OTHER);
}

/* Narrow and wide again is not as before. */
static void test_alter__columns_follow_what_has_passed(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_column copy[FX_ARRAY_LEN(columns)];
    fx_arena_init(&arena, 0);
    memcpy(copy, columns, sizeof copy);
    struct fx_table table = {
        .schema = "shop", .name = "t", .columns = copy, .n_columns = FX_ARRAY_LEN(copy)};
    struct fx_my_alter_before before = {"shop", "t", &table, true, &arena};
    static const struct {
        const char *text;
        enum fx_my_alter want;
    } steps[] = {
        {"ALTER TABLE t MODIFY n decimal(30,8)", FX_MY_ALTER_WIDENS},
        {"ALTER TABLE t DEFAULT CHARSET=latin1", FX_MY_ALTER_NO_EFFECT},
        {"ALTER TABLE t MODIFY n decimal(25,6)", FX_MY_ALTER_OTHER},
        {"ALTER TABLE t MODIFY sku varchar(80)", FX_MY_ALTER_OTHER},
        {"ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4", FX_MY_ALTER_WIDENS},
        {"ALTER TABLE t MODIFY note longtext", FX_MY_ALTER_OTHER},
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(steps); i++) {
        struct fx_my_sql sql = {fx_str_from(steps[i].text), FX_STR("shop"), 0, FX_MY_CHARSET_UTF8};
        if (fx_my_alter_effect(&sql, &before) != steps[i].want)
            fail_msg("%s", steps[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alter__what_leaves_rows_and_columns_alone_passes),
        cmocka_unit_test(test_alter__partitions_that_only_go_are_told_apart),
        cmocka_unit_test(test_alter__columns_that_hold_more_pass),
        cmocka_unit_test(test_alter__everything_else_does_not),
        cmocka_unit_test(test_alter__columns_follow_what_has_passed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
