/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a stream as a process of its own, which outlives the command that starts it. */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cdc/names.h"
#include "cdc/process/client.h"
#include "cdc/process/error_file.h"
#include "cdc/process/paths.h"
#include "lib/base/clock.h"
#include "lib/err/redact.h"
#include "lib/io/file.h"
#include "lib/io/flock.h"
#include "lib/io/private.h"

enum { POLL_MS = 20 };

/* posix_spawn keeps this callable from a process with threads. */
static bool spawn(const struct cdc_ref *ref, const char *argv0, const struct cdc_options *options,
                  const struct cdc_paths *paths, int error_fd, pid_t *ret_pid, struct fx_err *err)
{
    FX_AUTO_FD int log_fd = fx_private_open(paths->log, O_WRONLY | O_CREAT | O_APPEND, err);
    if (log_fd < 0)
        return fx_ctx(err, "opening the log of a stream");
    extern char **environ;
    const char *argv[16] = {argv0,
                            "cdc",
                            "run",
                            "-f",
                            ref->project_path,
                            "--context",
                            ref->context,
                            "--direction",
                            cdc_name_direction(ref->direction)};
    size_t n = 9;
    if (options->empties_target)
        argv[n++] = "--empty-target";
    if (options->accept_ddl != NULL) {
        argv[n++] = "--accept-ddl";
        argv[n++] = options->accept_ddl;
    }
    if (fx_values_are_shown())
        argv[n++] = "--show-values";
    sigset_t none;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attr);
    (void)sigemptyset(&none);
    (void)posix_spawnattr_setsigmask(&attr, &none);
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    if (error_fd >= 0)
        (void)posix_spawn_file_actions_adddup2(&actions, error_fd, 0);
    else
        (void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, log_fd, 1);
    (void)posix_spawn_file_actions_adddup2(&actions, 1, 2);
    int rc = posix_spawn(ret_pid, argv0, &actions, &attr, (char *const *)(uintptr_t)argv, environ);
    (void)posix_spawnattr_destroy(&attr);
    (void)posix_spawn_file_actions_destroy(&actions);
    return rc == 0 ||
           fx_fail_errno(err, FX_E_IO, rc, "could not start \"%s cdc run\" with its log \"%s\"",
                         argv0, paths->log) ||
           fx_hint(err,
                   "This user must be able to execute that program (ls -l) and to start another "
                   "process (ulimit -u). Then run the same command again; in a run: ficus run "
                   "resume");
}

static bool fail_died(const struct cdc_ref *ref, const struct cdc_paths *paths, int error_fd,
                      struct fx_err *err)
{
    FX_AUTO(cdc_status) struct cdc_status status = {0};
    cdc_error_memory_read(error_fd, &status);
    if (status.error[0] == '\0')
        cdc_error_read(paths->error, &status);
    if (status.error[0] != '\0' && !cdc_fail_answer(fx_str_from(status.error), err) &&
        fx_err_is(err))
        return fx_ctx(err, "starting stream \"%s-%s\"", ref->context,
                      cdc_name_direction(ref->direction));
    (void)fx_fail(err, FX_E_STREAM, "the process of stream \"%s-%s\" exited before it answered",
                  ref->context, cdc_name_direction(ref->direction));
    return fx_hint(
        err,
        "The end of its log says why: tail -n 20 '%s'. Remove that cause, then run: ficus "
        "cdc start --context %s --execute",
        paths->log, ref->context);
}

bool cdc_start(const struct cdc_ref *ref, const char *argv0, const struct cdc_options *options,
               struct fx_err *err)
{
    struct cdc_paths paths;
    FX_AUTO(cdc_status) struct cdc_status status = {0};
    pid_t pid = -1;
    FX_AUTO_FD int error_fd = cdc_error_memory_make();
    struct fx_mono until = fx_mono_add_ms(fx_mono_now(), options->start_timeout_ms);
    if (!cdc_paths_make(ref, &paths, err) || !fx_dir_secure(ref->state_dir, err) ||
        !fx_dir_make(paths.dir, err))
        return false;
    if (!fx_flock_is_held(paths.lock, NULL) &&
        (!fx_file_remove(paths.error, err) ||
         !spawn(ref, argv0, options, &paths, error_fd, &pid, err)))
        return false;
    for (;;) {
        struct fx_err why = FX_ERR_INIT;
        if (cdc_status(ref, &status, &why) && status.pid != 0)
            return true;
        /* Nothing was spawned: then a process held the lock when this began, and has ended when it
         * is free. Ours may end while another start's holds the lock: it is ended for ever after,
         * when waitpid knows it no longer. */
        bool has_ended = pid <= 0 || waitpid(pid, NULL, WNOHANG) != 0;
        if (has_ended && !fx_flock_is_held(paths.lock, NULL))
            return fail_died(ref, &paths, error_fd, err);
        if (fx_mono_reached(until, fx_mono_now())) {
            *err = why;
            return fx_ctx(err, "waiting %" PRId64 " ms for stream \"%s-%s\" to answer",
                          options->start_timeout_ms, ref->context,
                          cdc_name_direction(ref->direction));
        }
        fx_sleep_ms(POLL_MS);
    }
}
