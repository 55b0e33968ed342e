/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pgoutput decoder over hand-made bytes: every
 * message, every length one short, no byte too many.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "lib/pg/pgoutput.h"

#define BYTES(literal)               \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static struct fx_pgo_msg decode(struct fx_str bytes, struct fx_arena *arena)
{
    struct fx_err err = FX_ERR_INIT;
    struct fx_pgo_msg msg;
    if (!fx_pgo_decode(bytes, arena, &msg, &err))
        fail_msg("%s", err.message);
    return msg;
}

/* One example of each message, as PostgreSQL's documentation lays them out. */
static const struct fx_str samples[] = {
    BYTES("B\0\0\0\1\0\0\0\2\0\0\0\0\0\0\0\0\0\0\2\305"),
    BYTES("C\0\0\0\0\1\0\0\0\2\0\0\0\1\0\0\0\3\0\0\0\0\0\17\102\100"),
    BYTES("O\0\0\0\0\0\0\0\7ficus_orders_reverse\0"),
    BYTES("R\0\0\100\1public\0orders\0d\0\2\1id\0\0\0\0\24\377\377\377\377\0total\0\0\0\6\244\0\14"
          "\0\6"),
    BYTES("Y\0\0\100\2public\0mood\0"),
    BYTES("I\0\0\100\1N\0\3t\0\0\0\0021\062nu"),
    BYTES("U\0\0\100\1N\0\1t\0\0\0\0015"),
    BYTES("U\0\0\100\1K\0\1t\0\0\0\0014N\0\1t\0\0\0\0015"),
    BYTES("U\0\0\100\1O\0\1nN\0\1b\0\0\0\0015"),
    BYTES("D\0\0\100\1K\0\1t\0\0\0\0014"),
    BYTES("T\0\0\0\2\1\0\0\100\1\0\0\100\2"),
    BYTES("M\1\0\0\0\0\0\0\0\11ficus\0\0\0\0\2{}"),
};

static void test_pgoutput__begin_and_commit_carry_position_and_wall_time(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_pgo_msg begin = decode(samples[0], &arena);
    assert_int_equal(begin.kind, FX_PGO_BEGIN);
    assert_true(begin.begin.final_lsn == UINT64_C(0x100000002));
    assert_true(begin.begin.commit_us == INT64_C(946684800000000)); /* 2000-01-01 */
    assert_int_equal(begin.begin.xid, 709);
    struct fx_pgo_msg commit = decode(samples[1], &arena);
    assert_true(commit.commit.commit_lsn == UINT64_C(0x100000002));
    assert_true(commit.commit.end_lsn == UINT64_C(0x100000003));
    assert_true(commit.commit.commit_us == INT64_C(946684801000000));
}

static void test_pgoutput__relations_name_columns_types_and_identity(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_pgo_msg msg = decode(samples[3], &arena);
    assert_int_equal(msg.relation.id, 0x4001);
    assert_string_equal(msg.relation.schema, "public");
    assert_string_equal(msg.relation.name, "orders");
    assert_int_equal(msg.relation.replica_identity, 'd');
    assert_int_equal(msg.relation.n_columns, 2);
    assert_true(msg.relation.columns[0].is_key);
    assert_string_equal(msg.relation.columns[0].name, "id");
    assert_int_equal(msg.relation.columns[0].type_oid, 20);
    assert_int_equal(msg.relation.columns[0].typmod, -1);
    assert_false(msg.relation.columns[1].is_key);
    assert_int_equal(msg.relation.columns[1].type_oid, 1700);
}

static void test_pgoutput__rows_tell_null_from_unchanged_from_text(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_pgo_msg insert = decode(samples[5], &arena);
    assert_int_equal(insert.kind, FX_PGO_INSERT);
    assert_null(insert.row.old.cells);
    assert_int_equal(insert.row.new.n_cells, 3);
    assert_int_equal(insert.row.new.cells[0].kind, FX_PGO_TEXT);
    assert_true(fx_str_eq_c(insert.row.new.cells[0].bytes, "12"));
    assert_int_equal(insert.row.new.cells[1].kind, FX_PGO_NULL);
    assert_int_equal(insert.row.new.cells[2].kind, FX_PGO_UNCHANGED);
    struct fx_pgo_msg update = decode(samples[7], &arena);
    assert_true(update.row.is_old_key);
    assert_true(fx_str_eq_c(update.row.old.cells[0].bytes, "4"));
    assert_true(fx_str_eq_c(update.row.new.cells[0].bytes, "5"));
    struct fx_pgo_msg full = decode(samples[8], &arena);
    assert_false(full.row.is_old_key);
    assert_int_equal(full.row.new.cells[0].kind, FX_PGO_BINARY);
    struct fx_pgo_msg delete = decode(samples[9], &arena);
    assert_null(delete.row.new.cells);
    assert_true(delete.row.is_old_key);
}

static void test_pgoutput__origins_truncates_and_messages_are_read(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    assert_string_equal(decode(samples[2], &arena).origin.name, "ficus_orders_reverse");
    assert_int_equal(decode(samples[4], &arena).kind, FX_PGO_TYPE);
    struct fx_pgo_msg truncate = decode(samples[10], &arena);
    assert_int_equal(truncate.truncate.n_relations, 2);
    assert_int_equal(truncate.truncate.relations[1], 0x4002);
    struct fx_pgo_msg message = decode(samples[11], &arena);
    assert_true(message.message.is_transactional);
    assert_string_equal(message.message.prefix, "ficus");
    assert_true(fx_str_eq_c(message.message.content, "{}"));
}

static void check_refused(struct fx_str bytes, struct fx_arena *arena)
{
    struct fx_err err = FX_ERR_INIT;
    struct fx_pgo_msg msg;
    assert_false(fx_pgo_decode(bytes, arena, &msg, &err));
    assert_int_equal(err.code, FX_E_PROTOCOL);
}

static void test_pgoutput__every_prefix_and_every_extra_byte_is_refused(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    for (size_t i = 0; i < FX_ARRAY_LEN(samples); i++) {
        for (size_t len = 1; len < samples[i].len; len++) {
            /* A copy of exactly that size, so that a sanitizer sees a read beyond it. */
            char *copy = malloc(len);
            assert_non_null(copy);
            memcpy(copy, samples[i].ptr, len);
            check_refused((struct fx_str){copy, len}, &arena);
            free(copy);
        }
        char longer[256];
        memcpy(longer, samples[i].ptr, samples[i].len);
        longer[samples[i].len] = '\0';
        check_refused((struct fx_str){longer, samples[i].len + 1}, &arena);
    }
}

static void test_pgoutput__lengths_that_lie_are_refused_before_memory_is_taken(void **state)
{
    (void)state;
    static const struct fx_str bad[] = {
        BYTES(""),
        BYTES("I\0\0\100\1N\0\1t\377\377\377\377x"),
        BYTES("I\0\0\100\1N\377\377n"),
        BYTES("T\377\377\377\377\0\0\0\100\1"),
        BYTES("M\1\0\0\0\0\0\0\0\11ficus\0\177\377\377\377{}"),
        BYTES("S\0\0\0\1\1"), /* streaming was not asked for */
        BYTES("Z"),
    };
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < FX_ARRAY_LEN(bad); i++)
        check_refused(bad[i], &arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pgoutput__begin_and_commit_carry_position_and_wall_time),
        cmocka_unit_test(test_pgoutput__relations_name_columns_types_and_identity),
        cmocka_unit_test(test_pgoutput__rows_tell_null_from_unchanged_from_text),
        cmocka_unit_test(test_pgoutput__origins_truncates_and_messages_are_read),
        cmocka_unit_test(test_pgoutput__every_prefix_and_every_extra_byte_is_refused),
        cmocka_unit_test(test_pgoutput__lengths_that_lie_are_refused_before_memory_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
