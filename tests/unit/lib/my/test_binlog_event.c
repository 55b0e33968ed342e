/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log files written by real servers decode to the rows that were in them: our own recordings (the
 * fuzzer's seeds) and the outside corpus, when it is there.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "lib/base/alloc.h"
#include "lib/my/rowevent.h"

enum { VALUES_MAX = 64 };

/* The whole file, unpacked if it is packed; an empty buffer when it cannot be read. */
static void load(const char *path, struct fx_buf *out)
{
    FX_AUTO_STR char *command = fx_asprintf("gzip -dcf '%s' 2>/dev/null", path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    char chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, pipe)) > 0;)
        fx_buf_add_bytes(out, chunk, n);
    pclose(pipe);
}

struct counts {
    int inserts, updates, deletes;
    int commits;
    struct fx_buf shown; /* the rows as text, if it has a maximum */
};

static void show(struct counts *counts, const char *what, const struct fx_value *row, size_t n)
{
    fx_buf_add_c(&counts->shown, what);
    for (size_t i = 0; i < n; i++) {
        fx_buf_add_char(&counts->shown, ' ');
        if (row[i].kind == FX_V_UNCHANGED)
            fx_buf_add_char(&counts->shown, '~');
        else
            fx_value_show_whole(&row[i], &counts->shown);
    }
    fx_buf_add_char(&counts->shown, '\n');
}

static bool count_rows(const struct fx_bl_event *ev, struct counts *counts, struct fx_err *err)
{
    struct fx_value before[VALUES_MAX], after[VALUES_MAX];
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_bl_rows rows;
    assert_true(ev->rows.n_columns <= VALUES_MAX);
    if (!fx_bl_rows_open(ev, NULL, &rows, err))
        return false;
    for (;;) {
        bool has_row;
        if (!fx_bl_rows_next(&rows, &arena, before, after, &has_row, err))
            return false;
        if (!has_row)
            return true;
        counts->inserts += ev->rows.op == FX_BL_INSERT;
        counts->updates += ev->rows.op == FX_BL_UPDATE;
        counts->deletes += ev->rows.op == FX_BL_DELETE;
        if (ev->rows.op != FX_BL_INSERT)
            show(counts, "-", before, ev->rows.n_columns);
        if (ev->rows.op != FX_BL_DELETE)
            show(counts, "+", after, ev->rows.n_columns);
    }
}

static bool read_log(const char *path, struct counts *counts, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf bytes = FX_BUF(64 << 20);
    load(path, &bytes);
    if (bytes.len < 4)
        fail_msg("cannot read %s", path);
    FX_AUTO(fx_bl_decoder) struct fx_bl_decoder dec;
    fx_bl_decoder_init(&dec);
    struct fx_str rest = fx_str_sub(fx_buf_str(&bytes), 4, bytes.len);
    struct fx_bl_header head;
    while (fx_bl_header_read(rest, &head)) {
        struct fx_bl_event ev;
        if (!fx_bl_decode(&dec, fx_str_sub(rest, 0, head.len), &ev, err))
            return false;
        if (ev.kind == FX_BL_ROWS && !count_rows(&ev, counts, err))
            return false;
        counts->commits += ev.kind == FX_BL_XID;
        rest = fx_str_sub(rest, head.len, rest.len);
    }
    return true;
}

static void check_log(const char *path, const char *expected)
{
    struct counts counts = {.shown = FX_BUF(1 << 20)};
    struct fx_err err = FX_ERR_INIT;
    if (!read_log(path, &counts, &err))
        fail_msg("%s: %s\n%s", path, err.message, err.context);
    if (strcmp(fx_buf_cstr(&counts.shown), expected) != 0)
        fail_msg("%s:\nexpected %s\ngot      %s", path, expected, fx_buf_cstr(&counts.shown));
    fx_buf_done(&counts.shown);
}

static void test_binlog__rows_of_every_type_are_decoded(void **state)
{
    (void)state;
    check_log("tests/fuzz/corpus/binlog/types.bin",
              "+ -1 4294967295 -8388608 -12.5 12345678901234567890.0123456789 1.5 "
              "-0.10000000000000001 'ab' 'it's' 'text' \\x61 \\x00ff 2024-02-29 13:37:00.123000 "
              "2038-01-19 03:14:07.999999+00 '-01:02:03.45' 0001-01-01 "
              "\\xf81d4fae7dec11d0a76500a0c91e6b '{\"a\": 1}' 'b' 'x,y' 257 2024 1\n"
              "+ 2 NULL NULL NULL NULL NULL NULL NULL NULL NULL NULL NULL NULL NULL NULL NULL NULL "
              "NULL NULL NULL NULL NULL NULL\n"
              "- 2 NULL NULL NULL NULL NULL NULL NULL NULL NULL NULL NULL NULL NULL NULL NULL NULL "
              "NULL NULL NULL NULL NULL NULL\n"
              "+ 2 7 NULL NULL NULL NULL NULL NULL NULL NULL NULL NULL NULL NULL NULL NULL NULL "
              "NULL NULL NULL NULL NULL 0\n"
              "- -1 4294967295 -8388608 -12.5 12345678901234567890.0123456789 1.5 "
              "-0.10000000000000001 'ab' 'it's' 'text' \\x61 \\x00ff 2024-02-29 13:37:00.123000 "
              "2038-01-19 03:14:07.999999+00 '-01:02:03.45' 0001-01-01 "
              "\\xf81d4fae7dec11d0a76500a0c91e6b '{\"a\": 1}' 'b' 'x,y' 257 2024 1\n");
}

static void test_binlog__compressed_events_and_columns_are_inflated(void **state)
{
    (void)state;
    check_log(
        "tests/fuzz/corpus/binlog/compressed.bin",
        "+ 1 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'... (300 bytes) "
        "'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb'... (90 bytes)\n"
        "- 1 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'... (300 bytes) "
        "'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb'... (90 bytes)\n"
        "+ 1 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'... (300 bytes) ''\n"
        "- 1 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'... (300 bytes) ''\n"
        "+ 2 '' ''\n");
}

static void test_binlog__rows_without_metadata_follow_the_wire(void **state)
{
    (void)state;
    check_log("tests/fuzz/corpus/binlog/no-metadata.bin",
              "+ 9 NULL NULL NULL NULL NULL NULL \\x71 NULL NULL NULL NULL NULL NULL NULL NULL "
              "NULL NULL 1 2 NULL NULL NULL\n");
}

static void test_binlog__columns_that_were_not_logged_are_unchanged(void **state)
{
    (void)state;
    check_log("tests/fuzz/corpus/binlog/partial.bin",
              "- 9 ~ ~ ~ ~ ~ ~ ~ ~ ~ ~ ~ ~ ~ ~ ~ ~ ~ ~ ~ ~ ~ ~\n"
              "+ ~ ~ ~ ~ ~ ~ ~ \\x7a7a ~ ~ ~ ~ ~ ~ ~ ~ ~ ~ ~ ~ ~ ~ ~\n");
}

static void test_binlog__every_truncation_and_every_flipped_byte_is_an_error(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf bytes = FX_BUF(1 << 20);
    load("tests/fuzz/corpus/binlog/types.bin", &bytes);
    struct fx_str rest = fx_str_sub(fx_buf_str(&bytes), 4, bytes.len);
    FX_AUTO(fx_bl_decoder) struct fx_bl_decoder dec;
    fx_bl_decoder_init(&dec);
    struct fx_bl_header head;
    struct fx_bl_event ev;
    struct fx_err err = FX_ERR_INIT;
    int n_events = 0;
    for (; fx_bl_header_read(rest, &head); n_events++) {
        char *copy = fx_alloc(head.len);
        memcpy(copy, rest.ptr, head.len);
        for (size_t len = 0; len < head.len; len++)
            assert_false(fx_bl_decode(&dec, (struct fx_str){copy, len}, &ev, &err));
        bool is_format = head.type == 15; /* says itself whether there are checksums */
        for (size_t i = 0; i < head.len && !is_format; i += 3) {
            copy[i] = (char)(copy[i] ^ 0x10);
            assert_false(fx_bl_decode(&dec, (struct fx_str){copy, head.len}, &ev, &err));
            copy[i] = (char)(copy[i] ^ 0x10);
        }
        assert_true(fx_bl_decode(&dec, (struct fx_str){copy, head.len}, &ev, &err));
        free(copy);
        rest = fx_str_sub(rest, head.len, rest.len);
    }
    assert_true(n_events > 10);
}

/* --- the outside corpus; its counts are those that mariadb-binlog -v prints ------------------- */

static void corpus_path(const char *name, char *out, size_t size)
{
    const char *root = getenv("FICUS_CORPORA");
    snprintf(out, size, "%s/mysql-binlogs/%s", root != NULL ? root : "../shared/corpora", name);
    FILE *file = fopen(out, "rb");
    if (file == NULL) {
        print_message("SKIP: no corpus file %s\n", name);
        skip();
    }
    fclose(file);
}

static void check_corpus(const char *name, int inserts, int updates, int deletes)
{
    char path[1024];
    corpus_path(name, path, sizeof path);
    struct counts counts = {0};
    struct fx_err err = FX_ERR_INIT;
    if (!read_log(path, &counts, &err))
        fail_msg("%s: %s\n%s", name, err.message, err.context);
    if (counts.inserts != inserts || counts.updates != updates || counts.deletes != deletes)
        fail_msg("%s: %d inserts, %d updates, %d deletes, %d commits", name, counts.inserts,
                 counts.updates, counts.deletes, counts.commits);
}

static void test_corpus__a_log_without_checksums_decodes(void **state)
{
    (void)state;
    check_corpus("mysql-bin.checksum-none", 34, 2, 0);
}

static void test_corpus__a_log_with_checksums_decodes(void **state)
{
    (void)state;
    check_corpus("mysql-bin.checksum-crc32", 34, 23, 6);
}

static void test_corpus__sakila_decodes_to_the_last_row(void **state)
{
    (void)state;
    check_corpus("mysql-bin.sakila.gz", 47273, 0, 0);
}

static void test_corpus__padding_of_aurora_is_passed_over(void **state)
{
    (void)state;
    check_corpus("mysql-bin.aurora-padding", 0, 0, 0);
}

static void test_corpus__a_zstd_transaction_is_refused_loudly(void **state)
{
    (void)state;
    char path[1024];
    corpus_path("mysql-bin.compressed", path, sizeof path);
    struct counts counts = {0};
    struct fx_err err = FX_ERR_INIT;
    assert_false(read_log(path, &counts, &err));
    assert_int_equal(err.code, FX_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "TRANSACTION_PAYLOAD"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_binlog__rows_of_every_type_are_decoded),
        cmocka_unit_test(test_binlog__compressed_events_and_columns_are_inflated),
        cmocka_unit_test(test_binlog__rows_without_metadata_follow_the_wire),
        cmocka_unit_test(test_binlog__columns_that_were_not_logged_are_unchanged),
        cmocka_unit_test(test_binlog__every_truncation_and_every_flipped_byte_is_an_error),
        cmocka_unit_test(test_corpus__a_log_without_checksums_decodes),
        cmocka_unit_test(test_corpus__a_log_with_checksums_decodes),
        cmocka_unit_test(test_corpus__sakila_decodes_to_the_last_row),
        cmocka_unit_test(test_corpus__padding_of_aurora_is_passed_over),
        cmocka_unit_test(test_corpus__a_zstd_transaction_is_refused_loudly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
