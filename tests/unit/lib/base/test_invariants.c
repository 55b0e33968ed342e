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
        cmocka_unit_test(test_buf__misuse_prints_the_buffer),
        cmocka_unit_test(test_arena__misuse_prints_the_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
