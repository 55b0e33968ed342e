/* SPDX-License-Identifier: Apache-2.0 */
/* What starting a stream does while the process before it is still on its way out. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cdc/cdc.h"
#include "lib/base/clock.h"
#include "lib/io/file.h"
#include "lib/io/flock.h"
#include "tests/unit/tmp.h"

static const char error_text[] = "{\"code\":\"SOURCE_DATA\",\"message\":\"value does not fit\"}";

/* A stream's process that does not answer any more,
 * holds its lock a little longer, and leaves its error. */
static pid_t leaving(const char *lock_path, const char *error_path)
{
    struct fx_err err = FX_ERR_INIT;
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct fx_flock *lock = NULL;
        if (!fx_flock_take(lock_path, "stream", &lock, &err) || write(ready[1], "r", 1) != 1)
            _exit(1);
        fx_sleep_ms(200);
        _exit(fx_file_write_atomic(error_path, fx_str_from(error_text), 0644, &err) ? 0 : 1);
    }
    char byte;
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

/* It used to wait for the whole start_timeout and then to fail without any error. */
static void test_start__says_why_the_process_that_held_the_lock_has_ended(void **state)
{
    (void)state;
    char dir[256], streams[300], lock[400], error[400];
    struct fx_err err = FX_ERR_INIT;
    snprintf(dir, sizeof dir, "%s/ficus-test-start.%d", test_tmp(), (int)getpid());
    snprintf(streams, sizeof streams, "%s/streams", dir);
    snprintf(lock, sizeof lock, "%s/orders-reverse.lock", streams);
    snprintf(error, sizeof error, "%s/orders-reverse.error", streams);
    assert_true(fx_dir_make(streams, &err));
    struct cdc_ref ref = {.project_path = "ficus.yaml",
                          .state_dir = dir,
                          .context = "orders",
                          .direction = FX_REVERSE};
    struct cdc_options options = {.start_timeout_ms = 5000};
    pid_t pid = leaving(lock, error);
    struct fx_mono began = fx_mono_now();
    assert_false(cdc_start(&ref, "/bin/false", &options, &err));
    assert_true(fx_mono_since_us(began, fx_mono_now()) < 3000000);
    assert_int_equal(err.code, FX_E_SOURCE_DATA);
    assert_non_null(strstr(err.message, "value does not fit"));
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    unlink(error);
    unlink(lock);
    rmdir(streams);
    rmdir(dir);
}

/*
 * The process that was started: it ends at once, while another one holds the lock a little longer
 * and leaves its error (two starts at the same time, and the stream of the other one fails).
 */
static int be_the_stream(const char *dir)
{
    char lock_path[400], error[400];
    struct fx_err err = FX_ERR_INIT;
    struct fx_flock *lock = NULL;
    snprintf(lock_path, sizeof lock_path, "%s/streams/orders-reverse.lock", dir);
    snprintf(error, sizeof error, "%s/streams/orders-reverse.error", dir);
    if (!fx_flock_take(lock_path, "stream", &lock, &err))
        return 1;
    if (fork() != 0)
        _exit(0);
    fx_sleep_ms(400);
    _exit(fx_file_write_atomic(error, fx_str_from(error_text), 0644, &err) ? 0 : 1);
}

/* It used to forget that its own process had ended, waited for the whole start_timeout and then
 * failed without any error. */
static void test_start__says_why_the_stream_of_another_start_has_ended(void **state)
{
    (void)state;
    char dir[256], streams[300], path[400];
    struct fx_err err = FX_ERR_INIT;
    snprintf(dir, sizeof dir, "%s/ficus-test-start2.%d", test_tmp(), (int)getpid());
    snprintf(streams, sizeof streams, "%s/streams", dir);
    assert_true(fx_dir_make(streams, &err));
    struct cdc_ref ref = {
        .project_path = dir, .state_dir = dir, .context = "orders", .direction = FX_REVERSE};
    struct cdc_options options = {.start_timeout_ms = 5000};
    struct fx_mono began = fx_mono_now();
    assert_false(cdc_start(&ref, "/proc/self/exe", &options, &err));
    assert_int_equal(err.code, FX_E_SOURCE_DATA);
    assert_non_null(strstr(err.message, "value does not fit"));
    assert_true(fx_mono_since_us(began, fx_mono_now()) < 4000000);
    static const char *const left[] = {"error", "lock", "log"};
    for (size_t i = 0; i < FX_ARRAY_LEN(left); i++) {
        snprintf(path, sizeof path, "%s/orders-reverse.%s", streams, left[i]);
        unlink(path);
    }
    rmdir(streams);
    rmdir(dir);
}

int main(int argc, char **argv)
{
    if (argc > 4 && strcmp(argv[1], "cdc") == 0)
        return be_the_stream(argv[4]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start__says_why_the_process_that_held_the_lock_has_ended),
        cmocka_unit_test(test_start__says_why_the_stream_of_another_start_has_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
