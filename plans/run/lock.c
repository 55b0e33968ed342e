/* SPDX-License-Identifier: Apache-2.0 */
/* The lock is per context, not per run: two plans of one context must exclude each other too. */
#include "plans/run/lock.h"

#include "lib/io/file.h"
#include "lib/io/private.h"
#include "plans/run/paths.h"

static bool fail_held(const char *context, const char *path, const struct fx_flock_owner *owner,
                      struct fx_err *err)
{
    fx_err_clear(err);
    if (owner->pid == 0)
        return fx_fail(err, FX_E_LOCKED, "context \"%s\" is locked by another process", context) ||
               fx_hint(err,
                       "See which: fuser -v '%s'. When it has ended, run the same command again.",
                       path);
    fx_fail(err, FX_E_LOCKED, "context \"%s\" is locked by process %d (%s) on %s since %s", context,
            owner->pid, owner->what, owner->host, owner->since);
    fx_detail(err, "Lock file: %s", path);
    return fx_hint(
        err,
        "See what it does: ficus status -w. When process %d has ended, run the same command again.",
        owner->pid);
}

bool pln_lock_look(const char *state_dir, const char *context, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    const char *path = pln_path_context_lock(state_dir, context, &arena);
    struct fx_flock_owner owner;
    return !fx_flock_is_held(path, &owner) || fail_held(context, path, &owner, err);
}

bool pln_lock_context(const char *state_dir, const char *context, const char *what,
                      struct fx_flock **ret_lock, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    const char *path = pln_path_context_lock(state_dir, context, &arena);
    struct fx_flock_owner owner;
    if (!fx_dir_secure(state_dir, err) || !fx_dir_make(pln_path_contexts(state_dir, &arena), err))
        return fx_ctx(err, "creating the directory of the lock files");
    if (fx_flock_take(path, what, ret_lock, err))
        return true;
    if (err->code == FX_E_LOCKED && fx_flock_is_held(path, &owner))
        return fail_held(context, path, &owner, err);
    return fx_ctx(err, "locking context \"%s\"", context);
}
