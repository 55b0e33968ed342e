/* SPDX-License-Identifier: Apache-2.0 */
/* An edited journal: whoever can write the file, and recompute its checksums, but has no key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/crypt/chain.h"
#include "tests/unit/tmp.h"

enum { N = 5 };

struct log {
    char path[512];
    struct fx_buf record[N]; /* sealed */
};

static void fresh_path(char path[512])
{
    static int n;
    snprintf(path, 512, "%s/chain-%d-%d", test_tmp(), (int)getpid(), n++);
}

static void write_log(struct log *log)
{
    struct fx_chain chain;
    struct fx_err err = FX_ERR_INIT;
    fresh_path(log->path);
    assert_true(fx_chain_load(log->path, true, &chain, &err));
    for (int i = 0; i < N; i++) {
        char plain[64];
        snprintf(plain, sizeof plain, "{\"t\":\"STEP\",\"i\":%d}", i);
        log->record[i] = FX_BUF(4096);
        fx_chain_seal(&chain, fx_str_from(plain), &log->record[i]);
        assert_true(fx_chain_take(&chain, fx_buf_str(&log->record[i]), &err));
    }
}

static void done_log(struct log *log)
{
    FX_AUTO_STR char *key = fx_asprintf("%s.key", log->path);
    unlink(key);
    for (int i = 0; i < N; i++)
        fx_buf_done(&log->record[i]);
}

/* Which record is refused, counted from 1; 0: none. */
static int refused(const char *path, const struct fx_str *records, int n)
{
    struct fx_chain chain;
    struct fx_err err = FX_ERR_INIT;
    assert_true(fx_chain_load(path, false, &chain, &err));
    for (int i = 0; i < n; i++)
        if (!fx_chain_take(&chain, records[i], &err)) {
            assert_int_equal(err.code, FX_E_JOURNAL);
            assert_true(err.hint[0] != '\0');
            return i + 1;
        }
    return 0;
}

static void test_edits(void **state)
{
    (void)state;
    struct log log;
    struct fx_str all[N + 1];
    write_log(&log);
    for (int i = 0; i < N; i++)
        all[i] = fx_buf_str(&log.record[i]);
    assert_int_equal(refused(log.path, all, N), 0);

    /* every byte of a record, its mac included */
    for (size_t at = 0; at < log.record[2].len; at++) {
        log.record[2].ptr[at] ^= 1;
        int where = refused(log.path, all, N);
        log.record[2].ptr[at] ^= 1;
        assert_int_equal(where, 3);
    }
    struct fx_str removed[] = {all[0], all[1], all[3], all[4]};
    assert_int_equal(refused(log.path, removed, 4), 3);
    struct fx_str swapped[] = {all[0], all[2], all[1], all[3], all[4]};
    assert_int_equal(refused(log.path, swapped, 5), 2);
    struct fx_str doubled[] = {all[0], all[0], all[1]};
    assert_int_equal(refused(log.path, doubled, 3), 2);
    /* a record without a mac among those that have one */
    struct fx_str inserted[] = {all[0], FX_STR("{\"t\":\"STEP\",\"i\":9}"), all[1]};
    assert_int_equal(refused(log.path, inserted, 3), 2);
    /* an old record before the first one is noticed by it */
    struct fx_str before[] = {FX_STR("{\"t\":\"OLD\"}"), all[0]};
    assert_int_equal(refused(log.path, before, 2), 2);
    done_log(&log);
}

static void test_another_key(void **state)
{
    (void)state;
    struct log log, other;
    struct fx_str all[N];
    write_log(&log);
    write_log(&other);
    for (int i = 0; i < N; i++)
        all[i] = fx_buf_str(&other.record[i]);
    assert_int_equal(refused(log.path, all, N), 1);
    FX_AUTO_STR char *key = fx_asprintf("%s.key", other.path);
    struct stat info;
    assert_int_equal(stat(key, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(unlink(key), 0);
    assert_int_equal(refused(other.path, all, N), 1); /* the key is missing */
    done_log(&log);
    done_log(&other);
}

/* Records of a build without keys stay readable, and are fixed by the first one with a key. */
static void test_old_records(void **state)
{
    (void)state;
    char path[512], anchor[FX_CHAIN_ANCHOR];
    struct fx_chain chain;
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_buf) struct fx_buf sealed = FX_BUF(4096);
    struct fx_str old[] = {FX_STR("{\"t\":\"A\"}"), FX_STR("{\"t\":\"B\"}")};
    fresh_path(path);
    assert_int_equal(refused(path, old, 2), 0); /* by a reader, without any key */
    assert_true(fx_chain_load(path, true, &chain, &err));
    assert_true(fx_chain_take(&chain, old[0], &err) && fx_chain_take(&chain, old[1], &err));
    fx_chain_seal(&chain, FX_STR("{\"t\":\"C\"}"), &sealed);
    assert_true(fx_chain_take(&chain, fx_buf_str(&sealed), &err));
    assert_int_equal(chain.n_unkeyed, 2);
    assert_int_equal(chain.n_keyed, 1);
    fx_chain_anchor(&chain, anchor);
    assert_int_equal(strncmp(anchor, "3:", 2), 0);
    struct fx_str good[] = {old[0], old[1], fx_buf_str(&sealed)};
    struct fx_str edited[] = {FX_STR("{\"t\":\"X\"}"), old[1], fx_buf_str(&sealed)};
    struct fx_str cut[] = {old[1], fx_buf_str(&sealed)};
    assert_int_equal(refused(path, good, 3), 0);
    assert_int_equal(refused(path, edited, 3), 3);
    assert_int_equal(refused(path, cut, 2), 2);
    FX_AUTO_STR char *key = fx_asprintf("%s.key", path);
    unlink(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edits),
        cmocka_unit_test(test_another_key),
        cmocka_unit_test(test_old_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
