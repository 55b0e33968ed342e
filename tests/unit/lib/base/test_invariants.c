/* SPDX-License-Identifier: Apache-2.0 */
/* Misuse of lib/base ends the process where it happens, and the panic prints the object. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/arena.h"
#include "lib/base/buf.h"
#include "lib/base/list.h"

struct item {
    FX_LINK(item) link;
};
typedef FX_LIST(item) item_list;

static void push_twice(void)
{
    item_list list = FX_LIST_EMPTY;
    struct item a = {0};
    FX_LIST_PUSH(&list, &a, link);
    FX_LIST_PUSH(&list, &a, link);
}

static void push_into_a_second_list(void)
{
    item_list one = FX_LIST_EMPTY, two = FX_LIST_EMPTY;
    struct item a = {0}, b = {0};
    FX_LIST_PUSH(&one, &a, link);
    FX_LIST_PUSH(&one, &b, link);
    FX_LIST_PUSH(&two, &a, link);
}

static void remove_from_another_list(void)
{
    item_list one = FX_LIST_EMPTY, two = FX_LIST_EMPTY;
    struct item a = {0}, b = {0};
    FX_LIST_PUSH(&one, &a, link);
    FX_LIST_PUSH(&two, &b, link);
    FX_LIST_REMOVE(&two, &a, link);
}

static void remove_twice(void)
{
    item_list list = FX_LIST_EMPTY;
    struct item a = {0};
    FX_LIST_PUSH(&list, &a, link);
    FX_LIST_REMOVE(&list, &a, link);
    FX_LIST_REMOVE(&list, &a, link);
}

static void write_too_far(void)
{
    struct fx_buf buf = FX_BUF(100);
    if (fx_buf_reserve(&buf, 10))
        buf.len += 70; /* more than was reserved */
    fx_buf_add_char(&buf, 'x');
}

static void consume_too_much(void)
{
    struct fx_buf buf = FX_BUF(100);
    fx_buf_add_c(&buf, "abc");
    fx_buf_consume(&buf, 4);
}

static void ask_an_arena_for_too_much(void)
{
    struct fx_arena arena;
    fx_arena_init(&arena, 100);
    (void)fx_arena_alloc(&arena, 1000);
}

/* What `misuse` prints on its way out; it must end by SIGABRT. */
static void dies(void (*misuse)(void), const char *said)
{
    int ends[2], status = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)signal(SIGABRT, SIG_DFL); /* cmocka catches it */
        (void)dup2(ends[1], STDERR_FILENO);
        misuse();
        _exit(0);
    }
    close(ends[1]);
    char text[4096] = "";
    ssize_t n = read(ends[0], text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || strstr(text, said) == NULL)
        fail_msg("status %x, not \"%s\" but \"%s\"", (unsigned)status, said, text);
}

static void test_list__misuse_ends_the_process(void **state)
{
    (void)state;
    dies(push_twice, "assertion failed");
    dies(push_into_a_second_list, "assertion failed");
    dies(remove_from_another_list, "assertion failed");
    dies(remove_twice, "assertion failed");
}

/* printf is the reference. */
static void test_buf__numbers_are_written_as_printf_writes_them(void **state)
{
    (void)state;
    static const int64_t numbers[] = {0, 1, -1, 9, 10, -10, 4294967296, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < FX_ARRAY_LEN(numbers); i++) {
        FX_AUTO(fx_buf) struct fx_buf ours = FX_BUF(100), theirs = FX_BUF(100);
        fx_buf_add_i64(&ours, numbers[i]);
        fx_buf_add_u64(&ours, (uint64_t)numbers[i]);
        fx_buf_printf(&theirs, "%lld%llu", (long long)numbers[i], (unsigned long long)numbers[i]);
        assert_string_equal(fx_buf_cstr(&ours), fx_buf_cstr(&theirs));
    }
}

/* Whether there is room for a text, the buffer must grow, or it fits exactly or not at all. */
static void test_buf__printf_fills_grows_and_refuses(void **state)
{
    (void)state;
    for (int len = 0; len < 200; len++) {
        FX_AUTO(fx_buf) struct fx_buf buf = FX_BUF(150);
        fx_buf_add_c(&buf, "ab");
        fx_buf_printf(&buf, "%0*d", len, 7);
        size_t want = len == 0 ? 1 : (size_t)len;
        assert_int_equal(buf.has_failed, want + 2 > 150);
        assert_int_equal(buf.len, buf.has_failed ? 2 : want + 2);
        assert_int_equal(strlen(fx_buf_cstr(&buf)), buf.len);
    }
}

/* A maximum is a promise of the caller, not memory: the sums with it must not overflow. */
static void test_buf__maxima_of_any_size(void **state)
{
    (void)state;
    static const size_t maxima[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2 + 1, SIZE_MAX / 2,
                                    (size_t)PTRDIFF_MAX - 1};
    for (size_t i = 0; i < FX_ARRAY_LEN(maxima); i++) {
        FX_AUTO(fx_buf) struct fx_buf buf = FX_BUF(maxima[i]);
        for (int k = 0; k < 1000; k++)
            fx_buf_add_c(&buf, "0123456789");
        assert_false(buf.has_failed);
        assert_int_equal(strlen(fx_buf_cstr(&buf)), 10000);
        assert_true(buf.cap > buf.len);
        assert_false(fx_buf_reserve(&buf, SIZE_MAX)); /* and neither must those with a length */
        assert_true(buf.has_failed);
        fx_buf_clear(&buf);
        assert_false(fx_buf_reserve(&buf, SIZE_MAX - 1));
        fx_buf_clear(&buf);
        fx_buf_add_c(&buf, "x");
        assert_string_equal(fx_buf_cstr(&buf), "x");
    }
}

static void test_buf__misuse_prints_the_buffer(void **state)
{
    (void)state;
    dies(write_too_far, "70 of 64 bytes, maximum 100");
    dies(consume_too_much, "4 bytes consumed of 3");
}

static void test_arena__misuse_prints_the_sizes(void **state)
{
    (void)state;
    dies(ask_an_arena_for_too_much, "1000 bytes asked, 0 used, cap 100");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list__misuse_ends_the_process),
        cmocka_unit_test(test_buf__numbers_are_written_as_printf_writes_them),
        cmocka_unit_test(test_buf__printf_fills_grows_and_refuses),
        cmocka_unit_test(test_buf__maxima_of_any_size),
        cmocka_unit_test(test_buf__misuse_prints_the_buffer),
        cmocka_unit_test(test_arena__misuse_prints_the_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
