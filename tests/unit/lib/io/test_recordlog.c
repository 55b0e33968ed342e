/* SPDX-License-Identifier: Apache-2.0 */
/* The record log: replay, torn tails, damage, a full disk, locks; atomic files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/io/file.h"
#include "lib/io/flock.h"
#include "lib/io/recordlog.h"
#include "tests/unit/tmp.h"

struct seen {
    uint64_t n;
    struct fx_buf text;
};

static bool on_record(void *arg, uint64_t seq, struct fx_str payload, struct fx_err *err)
{
    struct seen *seen = arg;
    (void)err;
    assert_int_equal(seq, seen->n + 1);
    seen->n = seq;
    fx_buf_add(&seen->text, payload);
    fx_buf_add_char(&seen->text, '|');
    return true;
}

static char *make_path(void)
{
    static unsigned n;
    char *path = fx_asprintf("%s/fx-recordlog-%d-%u", test_tmp(), (int)getpid(), n++);
    unlink(path);
    return path;
}

static void drop(const char *path)
{
    FX_AUTO_STR char *lock = fx_asprintf("%s.lock", path);
    unlink(path);
    unlink(lock);
}

static void write_three(const char *path)
{
    struct fx_err err = FX_ERR_INIT;
    struct fx_recordlog *log = NULL;
    assert_true(fx_recordlog_open(path, NULL, NULL, &log, &err));
    assert_true(fx_recordlog_append(log, FX_STR("{\"one\":1}"), &err));
    assert_true(fx_recordlog_append(log, FX_STR("{\"two\":2}"), &err));
    assert_true(fx_recordlog_append(log, FX_STR("{\"three\":3}"), &err));
    fx_recordlog_close(log);
}

/* Number of records, -1: refused. */
static int64_t scan(struct fx_str bytes, size_t *ret_good)
{
    struct fx_err err = FX_ERR_INIT;
    struct seen seen = {.text = FX_BUF(1 << 16)};
    bool is_ok = fx_recordlog_scan(bytes, on_record, &seen, ret_good, &err);
    fx_buf_done(&seen.text);
    if (!is_ok)
        assert_int_equal(err.code, FX_E_JOURNAL);
    return is_ok ? (int64_t)seen.n : -1;
}

static void test_recordlog__replays_what_was_appended(void **state)
{
    (void)state;
    FX_AUTO_STR char *path = make_path();
    struct fx_err err = FX_ERR_INIT;
    struct seen seen = {.text = FX_BUF(1 << 16)};
    struct fx_recordlog *log = NULL;
    write_three(path);
    assert_true(fx_recordlog_open(path, on_record, &seen, &log, &err));
    assert_int_equal(seen.n, 3);
    assert_true(fx_recordlog_append(log, FX_STR("four"), &err));
    fx_recordlog_close(log);
    seen.n = 0;
    fx_buf_clear(&seen.text);
    assert_true(fx_recordlog_read(path, on_record, &seen, &err));
    assert_string_equal(fx_buf_cstr(&seen.text), "{\"one\":1}|{\"two\":2}|{\"three\":3}|four|");
    fx_buf_done(&seen.text);
    drop(path);
}

static void test_recordlog__every_cut_is_a_torn_tail(void **state)
{
    (void)state;
    FX_AUTO_STR char *path = make_path();
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_buf) struct fx_buf bytes = FX_BUF(1 << 16);
    write_three(path);
    assert_true(fx_file_read(path, 1 << 16, &bytes, &err));
    size_t good, ends[4] = {0, 41, 82, bytes.len};
    assert_int_equal(bytes.len, 3 * 32 + 9 + 9 + 11);
    for (size_t cut = 0; cut <= bytes.len; cut++) {
        int64_t n = scan(fx_str_sub(fx_buf_str(&bytes), 0, cut), &good);
        int64_t expected = cut >= ends[3] ? 3 : cut >= ends[2] ? 2 : cut >= ends[1] ? 1 : 0;
        assert_int_equal(n, expected);
        assert_int_equal(good, ends[expected]);
    }
    /* A torn tail is cut off at open, and appending goes on behind it. */
    assert_int_equal(truncate(path, 100), 0);
    struct fx_recordlog *log = NULL;
    assert_true(fx_recordlog_open(path, NULL, NULL, &log, &err));
    assert_true(fx_recordlog_append(log, FX_STR("again"), &err));
    fx_recordlog_close(log);
    fx_buf_clear(&bytes);
    assert_true(fx_file_read(path, 1 << 16, &bytes, &err));
    assert_int_equal(scan(fx_buf_str(&bytes), &good), 3);
    drop(path);
}

static void test_recordlog__zeros_behind_the_end_are_a_torn_tail(void **state)
{
    (void)state;
    FX_AUTO_STR char *path = make_path();
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_buf) struct fx_buf bytes = FX_BUF(1 << 16);
    size_t good;
    write_three(path);
    assert_true(fx_file_read(path, 1 << 16, &bytes, &err));
    for (int i = 0; i < 700; i++)
        fx_buf_add_char(&bytes, '\0');
    assert_int_equal(scan(fx_buf_str(&bytes), &good), 3);
    drop(path);
}

static void test_recordlog__any_flipped_bit_is_damage(void **state)
{
    (void)state;
    FX_AUTO_STR char *path = make_path();
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_buf) struct fx_buf bytes = FX_BUF(1 << 16);
    size_t good;
    write_three(path);
    assert_true(fx_file_read(path, 1 << 16, &bytes, &err));
    for (size_t i = 0; i < bytes.len * 8; i++) {
        bytes.ptr[i / 8] = (char)(bytes.ptr[i / 8] ^ 1 << i % 8);
        if (scan(fx_buf_str(&bytes), &good) != -1)
            fail_msg("bit %zu of byte %zu was not noticed", i % 8, i / 8);
        bytes.ptr[i / 8] = (char)(bytes.ptr[i / 8] ^ 1 << i % 8);
    }
    drop(path);
}

static void test_recordlog__a_removed_record_is_damage(void **state)
{
    (void)state;
    FX_AUTO_STR char *path = make_path();
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_buf) struct fx_buf bytes = FX_BUF(1 << 16), without = FX_BUF(1 << 16);
    size_t good;
    write_three(path);
    assert_true(fx_file_read(path, 1 << 16, &bytes, &err));
    fx_buf_add(&without, fx_str_sub(fx_buf_str(&bytes), 0, 41));
    fx_buf_add(&without, fx_str_sub(fx_buf_str(&bytes), 82, bytes.len));
    assert_int_equal(scan(fx_buf_str(&without), &good), -1);
    drop(path);
}

static void test_recordlog__a_full_disk_leaves_the_file_as_it_was(void **state)
{
    (void)state;
    FX_AUTO_STR char *path = make_path();
    struct fx_err err = FX_ERR_INIT;
    struct fx_recordlog *log = NULL;
    struct rlimit before, small = {.rlim_cur = 150, .rlim_max = RLIM_INFINITY};
    write_three(path);
    assert_true(fx_recordlog_open(path, NULL, NULL, &log, &err));
    getrlimit(RLIMIT_FSIZE, &before);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small); /* write(2) writes a part, then fails: as on a full disk */
    bool is_appended = fx_recordlog_append(log, FX_STR("does not fit any more"), &err);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_false(is_appended);
    assert_int_equal(err.code, FX_E_IO);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 3 * 32 + 9 + 9 + 11);
    assert_true(fx_recordlog_append(log, FX_STR("fits again"), &err));
    fx_recordlog_close(log);
    struct seen seen = {.text = FX_BUF(1 << 16)};
    assert_true(fx_recordlog_read(path, on_record, &seen, &err));
    assert_int_equal(seen.n, 4);
    fx_buf_done(&seen.text);
    drop(path);
}

static void test_recordlog__a_second_writer_is_told_who_holds_it(void **state)
{
    (void)state;
    FX_AUTO_STR char *path = make_path();
    FX_AUTO_STR char *lock_path = fx_asprintf("%s.lock", path);
    struct fx_err err = FX_ERR_INIT;
    struct fx_recordlog *log = NULL, *second = NULL;
    struct fx_flock_owner owner;
    assert_false(fx_flock_is_held(lock_path, &owner));
    assert_true(fx_recordlog_open(path, NULL, NULL, &log, &err));
    assert_true(fx_flock_is_held(lock_path, &owner));
    assert_int_equal(owner.pid, getpid());
    assert_false(fx_recordlog_open(path, NULL, NULL, &second, &err));
    assert_int_equal(err.code, FX_E_LOCKED);
    FX_AUTO_STR char *pid = fx_asprintf("process %d ", (int)getpid());
    assert_non_null(strstr(err.message, pid));
    fx_recordlog_close(log);
    assert_false(fx_flock_is_held(lock_path, NULL));
    assert_true(fx_recordlog_open(path, NULL, NULL, &log, &err));
    fx_recordlog_close(log);
    drop(path);
}

static void test_file__atomic_write_replaces_or_leaves(void **state)
{
    (void)state;
    FX_AUTO_STR char *path = make_path();
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 16);
    assert_true(fx_file_write_atomic(path, FX_STR("old"), 0600, &err));
    struct rlimit before, small;
    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){.rlim_cur = 2, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    bool is_written = fx_file_write_atomic(path, FX_STR("new content"), 0600, &err);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_false(is_written);
    assert_true(fx_file_read(path, 100, &text, &err));
    assert_string_equal(fx_buf_cstr(&text), "old");
    assert_true(fx_file_write_atomic(path, FX_STR("new"), 0600, &err));
    fx_buf_clear(&text);
    assert_true(fx_file_read(path, 100, &text, &err));
    assert_string_equal(fx_buf_cstr(&text), "new");
    assert_false(fx_file_read(path, 2, &text, &err));
    assert_int_equal(err.code, FX_E_LIMIT);
    drop(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recordlog__replays_what_was_appended),
        cmocka_unit_test(test_recordlog__every_cut_is_a_torn_tail),
        cmocka_unit_test(test_recordlog__zeros_behind_the_end_are_a_torn_tail),
        cmocka_unit_test(test_recordlog__any_flipped_bit_is_damage),
        cmocka_unit_test(test_recordlog__a_removed_record_is_damage),
        cmocka_unit_test(test_recordlog__a_full_disk_leaves_the_file_as_it_was),
        cmocka_unit_test(test_recordlog__a_second_writer_is_told_who_holds_it),
        cmocka_unit_test(test_file__atomic_write_replaces_or_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
