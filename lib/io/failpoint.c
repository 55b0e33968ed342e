/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One process-wide switch, read from the environment once. Global state is intended here:
 * failpoints are in every module and must cost nothing outside of tests.
 */
#include "lib/io/failpoint.h"

#ifdef FX_FAILPOINTS
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/fmt/text.h"

enum action { ACTION_NONE, ACTION_KILL, ACTION_STOP, ACTION_SLEEP, ACTION_ERROR };

struct failpoint_config {
    bool is_active;
    enum action action;
    int64_t sleep_ms;
    uint64_t passage; /* acts at this one, counted from 1 */
    char name[128];
    int log_fd;
};

static struct failpoint_config config = {.log_fd = -1};
static atomic_uint_fast64_t n_passed;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static enum action read_action(struct fx_str text)
{
    if (fx_str_eq(text, FX_STR("kill")))
        return ACTION_KILL;
    if (fx_str_eq(text, FX_STR("stop")))
        return ACTION_STOP;
    if (fx_str_eq(text, FX_STR("error")))
        return ACTION_ERROR;
    if (fx_str_starts(text, FX_STR("sleep=")) &&
        fx_parse_i64(fx_str_sub(text, 6, text.len), 0, 3600000, &config.sleep_ms))
        return ACTION_SLEEP;
    return ACTION_NONE;
}

static void read_environment(void)
{
    const char *text = getenv("FICUS_FAILPOINT");
    const char *log_path = getenv("FICUS_FAILPOINT_LOG");
    if (log_path != NULL && log_path[0] != '\0')
        config.log_fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    config.is_active = config.log_fd >= 0;
    if (text == NULL || text[0] == '\0')
        return;
    struct fx_str rest, action_text, passage;
    struct fx_str name = fx_str_cut(fx_str_from(text), ':', &rest);
    action_text = fx_str_cut(rest, ':', &passage);
    config.passage = 1;
    config.action = read_action(action_text);
    bool is_good = config.action != ACTION_NONE && name.len > 0 && name.len < sizeof config.name;
    if (passage.len > 0 && !fx_parse_u64(passage, UINT32_MAX, &config.passage))
        is_good = false;
    if (!is_good) { /* a drill that silently does nothing would be taken for a success */
        fprintf(stderr, "FICUS_FAILPOINT: cannot understand \"%s\"\n", text);
        _exit(2);
    }
    memcpy(config.name, name.ptr, name.len);
    config.is_active = true;
}

/* Only the process that creates the file acts: its
 * children, started again, inherit the environment. */
static bool is_first(void)
{
    const char *path = getenv("FICUS_FAILPOINT_ONCE");
    if (path == NULL || path[0] == '\0')
        return true;
    FX_AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return fd >= 0;
}

/* Counts a passage; true at the one that must act. */
static bool is_due(const char *name)
{
    pthread_once(&once, read_environment);
    if (!config.is_active)
        return false;
    if (config.log_fd >= 0) {
        char line[160];
        int len = snprintf(line, sizeof line, "%s\n", name);
        if (len > 0 && write(config.log_fd, line, FX_MIN((size_t)len, sizeof line - 1)) < 0)
            return false; /* the log is a help for tests; without it the drill goes on */
    }
    if (config.action == ACTION_NONE || strcmp(name, config.name) != 0)
        return false;
    return atomic_fetch_add(&n_passed, 1) + 1 == config.passage && is_first();
}

void fx_failpoint(const char *format, ...)
{
    char name[128];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(name, sizeof name, format, args);
    va_end(args);
    if (!is_due(name))
        return;
    switch (config.action) {
    case ACTION_KILL: raise(SIGKILL); break;
    case ACTION_STOP: raise(SIGSTOP); break;
    case ACTION_SLEEP: fx_sleep_ms(config.sleep_ms); break;
    case ACTION_ERROR: /* only fx_failpoint_error can answer */
    case ACTION_NONE: break;
    }
}

bool fx_failpoint_hit_error(const char *name)
{
    if (!is_due(name))
        return false;
    if (config.action == ACTION_ERROR)
        return true;
    if (config.action == ACTION_KILL)
        raise(SIGKILL);
    else if (config.action == ACTION_STOP)
        raise(SIGSTOP);
    else
        fx_sleep_ms(config.sleep_ms);
    return false;
}
#endif

bool fx_is_test_build(void)
{
#ifdef FX_FAILPOINTS
    return true;
#else
    return false;
#endif
}
