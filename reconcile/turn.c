/* SPDX-License-Identifier: Apache-2.0 */
/* A lock that the kernel drops with its process; who waits asks again a few times a second. */
#include "reconcile/turn.h"

#include "lib/io/file.h"

enum { ASK_AGAIN_MS = 200 };

static void name_holder(const char *path, char *out, size_t size)
{
    struct fx_flock_owner owner = {0};
    bool is_held = fx_flock_is_held(path, &owner);
    if (is_held && owner.pid > 0)
        snprintf(out, size, "process %d on host %s, since %s", owner.pid, owner.host, owner.since);
    else
        snprintf(out, size, "another process");
}

static bool fail_locked(const struct cdc_ref *ref, const char *who, int64_t wait_ms,
                        struct fx_err *err)
{
    (void)fx_fail(err, FX_E_LOCKED, "context \"%s\" is being compared by %s; waited for %.4g s",
                  ref->context, who, (double)wait_ms / 1000);
    return fx_hint(err, "Run the same command again after that comparison, or raise "
                        "reconcile.lock_wait in the project file.");
}

static bool wait_on(const struct rec_progress *progress, const char *who, bool is_first)
{
    if (progress == NULL)
        return true;
    if (is_first && progress->on_wait != NULL)
        progress->on_wait(progress->arg, who);
    return progress->on_progress == NULL || progress->on_progress(progress->arg, "", 0);
}

static bool take(const char *path, const struct cdc_ref *ref, int64_t wait_ms,
                 const struct rec_progress *progress, struct fx_flock **ret_lock, bool *ret_waited,
                 struct fx_err *err)
{
    char who[192];
    struct fx_mono end = fx_mono_add_ms(fx_mono_now(), wait_ms);
    for (*ret_waited = false;; *ret_waited = true) {
        if (fx_flock_take(path, "comparison", ret_lock, err))
            return true;
        if (err->code != FX_E_LOCKED)
            return false;
        name_holder(path, who, sizeof who);
        if (fx_mono_reached(end, fx_mono_now()))
            return fail_locked(ref, who, wait_ms, err);
        fx_err_clear(err);
        if (!wait_on(progress, who, !*ret_waited))
            return fx_fail(err, FX_E_INTERRUPTED,
                           "stopped as requested, while %s compared context \"%s\"", who,
                           ref->context) ||
                   fx_hint(err, "Nothing was compared. Run: ficus reconcile run --context %s",
                           ref->context);
        fx_sleep_ms(ASK_AGAIN_MS);
    }
}

bool rec_turn_take(const struct cdc_ref *ref, int64_t wait_ms, const struct rec_progress *progress,
                   struct fx_flock **ret_lock, bool *ret_waited, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    const char *dir = fx_arena_printf(&arena, "%s/contexts", ref->state_dir);
    const char *path = fx_arena_printf(&arena, "%s/%s.compare.lock", dir, ref->context);
    return fx_dir_make(dir, err) && take(path, ref, wait_ms, progress, ret_lock, ret_waited, err);
}
