/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life cycle around one worker. The lock on the state directory is taken before the state is read,
 * because two facades with one state file would overwrite each other's changes.
 */
#include "strangler/facade.h"

#include <signal.h>
#include <sys/resource.h>

#include "lib/base/alloc.h"
#include "lib/base/arena.h"
#include "lib/err/redact.h"
#include "lib/http/url.h"
#include "lib/io/file.h"
#include "lib/io/flock.h"
#include "lib/io/loop.h"
#include "lib/io/private.h"
#include "lib/io/privilege.h"
#include "lib/io/signal.h"
#include "lib/log/log.h"
#include "strangler/conf/config.h"
#include "strangler/group/state.h"
#include "strangler/route/owner.h"
#include "strangler/worker/worker.h"

struct facade {
    struct fx_arena arena;
    struct fcd_config *conf;
    struct fx_flock *lock;
    struct fx_loop *loop;
    struct fx_signals signals;
    struct fcd_worker *worker;
};

bool fcd_facade_check(const char *path, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fcd_config *conf = NULL;
    fx_arena_init(&arena, 0);
    return fcd_config_load(path, &arena, &conf, err);
}

/* What other daemons do with these ends or stops nobody's requests here. Standard error is the log,
 * so there is no file to open again. */
static void say_ignored(int number)
{
    if (number == SIGHUP)
        fx_log(FX_LOG_WARN, "strangler", NULL,
               "nothing is reloaded: ficusd reads ficus.yaml when it starts",
               "signal=SIGHUP next=\"check the file, then restart: ficusd -f ficus.yaml --check\"");
    else
        fx_log(FX_LOG_INFO, "strangler", NULL, "signal ignored", "signal=%d", number);
}

static void on_signal(struct fx_signals *signals, int number)
{
    struct facade *facade = FX_CONTAINER_OF(signals, struct facade, signals);
    if (number != SIGTERM && number != SIGINT) {
        say_ignored(number);
        return;
    }
    if (facade->worker->local.is_draining) {
        fx_loop_stop(facade->loop); /* the second signal does not wait */
        return;
    }
    fx_log(FX_LOG_INFO, "strangler", NULL, "draining", "signal=%d connections=%zu", number,
           facade->worker->net.conns.len);
    fcd_worker_drain(facade->worker);
}

/* A proxy needs two descriptors a request, so the default soft limit of 1024 is too low. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool start(struct facade *facade, const char *path, struct fx_err *err)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, 0};
    if (!fcd_config_load(path, &facade->arena, &facade->conf, err))
        return false;
    fx_values_show_set(facade->conf->mirror.shows_values);
    const char *dir = facade->conf->state_dir;
    char *lock_path = fx_arena_printf(&facade->arena, "%s/facade.lock", dir);
    raise_descriptor_limit();
    return fx_dir_secure(dir, err) && fx_flock_take(lock_path, "facade", &facade->lock, err) &&
           fx_loop_new(&facade->loop, err) &&
           fx_signals_init(&facade->signals, facade->loop, numbers, on_signal, err) &&
           fcd_worker_new(facade->conf, facade->loop, &facade->worker, err) &&
           fcd_worker_listen(facade->worker, err);
}

bool fcd_facade_run(const char *path, struct fx_err *err)
{
    struct facade facade = {.signals.watch.fd = -1};
    fx_arena_init(&facade.arena, 0);
    bool ok = start(&facade, path, err);
    if (ok)
        fx_privilege_warn("facade", NULL);
    if (ok) /* ports are bound, files are open */
        fx_privilege_drop(FX_KEEP_NONE);
    if (ok)
        fx_loop_run(facade.loop);
    fcd_worker_free(facade.worker);
    fx_signals_done(&facade.signals);
    fx_loop_free(facade.loop);
    fx_flock_release(facade.lock);
    fx_arena_done(&facade.arena);
    return ok;
}

bool fcd_facade_state_version(const char *state_dir, int64_t *ret, struct fx_err *err)
{
    char *path = fx_asprintf("%s/facade.json", state_dir);
    bool ok = fcd_state_version(path, ret, err);
    free(path);
    return ok;
}

static bool find_owner(const struct fcd_config *conf, const char *method, const char *target,
                       struct fx_arena *arena, struct fcd_explained *ret,
                       struct fcd_found *ret_found, struct fx_err *err)
{
    struct fx_str query, raw = fx_str_cut(fx_str_from(target), '?', &query);
    FX_AUTO(fx_buf) struct fx_buf path = FX_BUF(64 * 1024);
    const char *why = "a path begins with \"/\"";
    if (raw.len > 0 && raw.ptr[0] == '/' && fx_url_path_normal(raw, &path, &why)) {
        ret->path = fx_arena_strdup(arena, fx_buf_cstr(&path));
        *ret_found = fcd_route_owner(conf->rules, conf->n_routes, raw, fx_buf_str(&path),
                                     fcd_method_bit(fx_str_from(method)));
        why = ret_found->why;
        if (ret_found->verdict != FCD_AMBIGUOUS)
            return true;
    }
    return fx_fail(err, FX_E_USAGE, "the facade refuses request target \"%s\" with 400: %s", target,
                   why) ||
           fx_hint(err, "A client that sends this target gets the same answer. Give a path as a "
                        "client should send it, for example: ficus route explain GET /orders/17");
}

bool fcd_facade_explain(const char *config_path, const char *method, const char *target,
                        const char *key, struct fx_arena *arena, struct fcd_explained *ret,
                        struct fx_err *err)
{
    struct fcd_config *conf = NULL;
    struct fcd_found found;
    *ret = (struct fcd_explained){.key_percent = -1};
    if (!fcd_config_load(config_path, arena, &conf, err) ||
        !find_owner(conf, method, target, arena, ret, &found, err))
        return false;
    ret->old_side = conf->upstreams[conf->default_upstream].name;
    if (found.verdict == FCD_FOREIGN)
        return true;
    const struct fcd_conf_route *route = &conf->routes[found.route];
    const struct fcd_conf_context *ctx = &conf->contexts[route->context];
    ret->route = route->id;
    ret->pattern = route->path;
    ret->group = ctx->name;
    ret->is_write = route->is_write || !found.is_listed;
    ret->is_odd = !found.is_plain;
    ret->old_side = conf->upstreams[ctx->old_upstream].name;
    ret->new_side = conf->upstreams[ctx->new_upstream].name;
    if (key != NULL && !ret->is_odd)
        ret->key_percent =
            fcd_split_percent(fcd_split_point(fcd_split_salt(ctx->name), fx_str_from(key)));
    return true;
}

void fcd_facade_problems(const struct fx_root *root, struct fx_arena *arena,
                         struct fx_problems *problems)
{
    fcd_config_problems(root, arena, problems);
}

void fcd_config_markdown(struct fx_buf *out)
{
    fcd_config_table(out);
}

void fcd_metrics_markdown(struct fx_buf *out)
{
    fcd_metrics_table(out);
}
