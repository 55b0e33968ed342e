/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol's single statements as commands, for the scripts that force an order between them
 * and customers' sessions. It calls the same functions as the cut-over, so what is tested is what
 * runs.
 *
 *   fence_tool ficus.yaml CONTEXT[.canary] install | drop
 *   fence_tool ficus.yaml CONTEXT[.canary] old|new own | arm EPOCH | refuse EPOCH | remove
 *            | fence E TTL_MS LOCK_MS | commit E | abort E | invalidate E | open EPOCH | disarm
 *            | armed EPOCH | renew | ids | raise EPOCH ID | check OLD_TXN_MS | mark EPOCH
 * Prints one line, and the findings of armed and check; exit 0, or 1 with the error's code and
 * message.
 */
#include <inttypes.h>
#include <stdio.h>

#include "lib/fmt/text.h"
#include "lib/ownership/controller.h"
#include "lib/ownership/sides.h"

struct call {
    struct fx_side *side;
    const struct fx_fence_ops *ops;
    int64_t number[3];
};

static bool say(const char *fmt, ...) FX_PRINTF(1, 2);
static bool say(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vprintf(fmt, ap);
    va_end(ap);
    (void)fflush(stdout);
    return true;
}

static bool do_own(struct call *c, struct fx_err *err)
{
    struct fx_own own;
    return fx_own_row(c->side, false, &own, err) &&
           say("%s %" PRId64 "%s\n", fx_own_state_name(own.state), own.epoch,
               own.is_expired ? " expired" : "");
}
static bool do_arm(struct call *c, struct fx_err *err)
{
    return c->ops->arm(c->side, c->number[0], 800, err) && say("armed\n");
}
static bool do_refuse(struct call *c, struct fx_err *err)
{
    return c->ops->refuse(c->side, c->number[0], 800, err) && say("refuses\n");
}
static bool do_fence(struct call *c, struct fx_err *err)
{
    bool is_taken = false;
    struct fx_fence_request req = {.e = c->number[0],
                                   .ttl_ms = c->number[1],
                                   .lock_ms = c->number[2],
                                   .operator_name = "fence_tool"};
    return fx_side_open(c->side, req.lock_ms, err) &&
           c->ops->fence(c->side, &req, &is_taken, err) && say(is_taken ? "taken\n" : "refused\n");
}
static bool do_commit(struct call *c, struct fx_err *err)
{
    bool won = false;
    return fx_own_commit(c->side, c->number[0], &won, err) && say("%d\n", won);
}
static bool do_abort(struct call *c, struct fx_err *err)
{
    bool won = false;
    return fx_own_abort(c->side, c->number[0], &won, err) && say("%d\n", won);
}
static bool do_invalidate(struct call *c, struct fx_err *err)
{
    bool won = false;
    return fx_own_invalidate(c->side, c->number[0], &won, err) && say("%d\n", won);
}
static bool do_open(struct call *c, struct fx_err *err)
{
    bool won = false;
    return fx_own_open(c->side, c->number[0], &won, err) && say("%d\n", won);
}
static bool do_disarm(struct call *c, struct fx_err *err)
{
    bool is_done = false;
    return c->ops->disarm(c->side, 800, &is_done, err) && say(is_done ? "disarmed\n" : "guarded\n");
}
static bool do_remove(struct call *c, struct fx_err *err)
{
    return c->ops->remove(c->side, err) && say("removed\n");
}
static bool do_mark(struct call *c, struct fx_err *err)
{
    return c->ops->write_marker(c->side, c->number[0], err) && say("marked\n");
}
static bool say_findings(const struct fx_findings *f, bool is_foreign)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(65536);
    fx_findings_text(f, &text);
    return say("%zu%s\n%s%s", f->n, is_foreign ? " foreign" : "", fx_buf_cstr(&text),
               f->n > 0 ? "\n" : "");
}
static bool do_renew(struct call *c, struct fx_err *err)
{
    size_t n = 0;
    if (!c->ops->renew(c->side, false, &n, err))
        return false;
    return printf("%zu\n", n) > 0;
}

static bool do_armed(struct call *c, struct fx_err *err)
{
    FX_AUTO(fx_findings) struct fx_findings f;
    fx_findings_init(&f);
    return c->ops->armed(c->side, c->number[0], &f, err) && say_findings(&f, false);
}
/* Milliseconds for which the oldest transaction that a fence would wait for is open. */
static bool do_age(struct call *c, struct fx_err *err)
{
    int64_t ms = 0;
    return c->ops->writer_age(c->side, &ms, err) && say("%" PRId64 "\n", ms);
}
static bool do_check(struct call *c, struct fx_err *err)
{
    FX_AUTO(fx_findings) struct fx_findings f;
    bool is_foreign = false;
    fx_findings_init(&f);
    return c->ops->check(c->side, c->number[0], &f, &is_foreign, err) &&
           say_findings(&f, is_foreign);
}
static bool do_ids(struct call *c, struct fx_err *err)
{
    int64_t ids[16] = {0};
    if (c->side->n_tables > FX_ARRAY_LEN(ids))
        return fx_fail(err, FX_E_LIMIT, "at most %zu tables", FX_ARRAY_LEN(ids));
    if (!c->ops->ids_read(c->side, ids, err))
        return false;
    for (size_t t = 0; t < c->side->n_tables; t++)
        (void)!say("%s %" PRId64 "\n", c->side->tables[t].name, ids[t]);
    return true;
}
static bool do_raise(struct call *c, struct fx_err *err)
{
    int64_t ids[16];
    bool is_guarded = false;
    if (c->side->n_tables > FX_ARRAY_LEN(ids))
        return fx_fail(err, FX_E_LIMIT, "at most %zu tables", FX_ARRAY_LEN(ids));
    for (size_t t = 0; t < FX_ARRAY_LEN(ids); t++)
        ids[t] = c->number[1];
    return c->ops->ids_raise(c->side, ids, c->number[0], &is_guarded, err) &&
           say(is_guarded ? "raised\n" : "guarded\n");
}

static const struct {
    const char *name;
    bool (*run)(struct call *c, struct fx_err *err);
} verbs[] = {
    {"own", do_own},
    {"arm", do_arm},
    {"refuse", do_refuse},
    {"fence", do_fence},
    {"commit", do_commit},
    {"abort", do_abort},
    {"invalidate", do_invalidate},
    {"open", do_open},
    {"disarm", do_disarm},
    {"armed", do_armed},
    {"renew", do_renew},
    {"ids", do_ids},
    {"raise", do_raise},
    {"check", do_check},
    {"age", do_age},
    {"mark", do_mark},
    {"remove", do_remove},
};

static bool run_verb(struct fx_context *ctx, bool is_canary, int argc, char **argv,
                     struct fx_arena *arena, struct fx_err *err)
{
    struct fx_sides sides;
    if (argc < 2)
        return fx_fail(err, FX_E_USAGE, "which verb?");
    if (!fx_sides_open(ctx, is_canary, 10000, arena, &sides, err))
        return false;
    bool ok = fx_fail(err, FX_E_USAGE, "no verb \"%s\"", argv[1]);
    struct fx_side *side = strcmp(argv[0], "new") == 0 ? &sides.new_side : &sides.old_side;
    struct call call = {.side = side, .ops = fx_fence_of(side)};
    for (int i = 0; i < 3 && i + 2 < argc; i++)
        if (!fx_parse_i64(fx_str_from(argv[i + 2]), INT64_MIN, INT64_MAX, &call.number[i]))
            return fx_fail(err, FX_E_USAGE, "\"%s\" is not a number", argv[i + 2]);
    for (size_t i = 0; i < FX_ARRAY_LEN(verbs); i++)
        if (strcmp(argv[1], verbs[i].name) == 0)
            ok = verbs[i].run(&call, err);
    fx_sides_done(&sides);
    return ok;
}

int main(int argc, char **argv)
{
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_project *project = NULL;
    if (argc < 4 || !fx_project_load(argv[1], &arena, &project, &err))
        return fx_err_report(&err, "fence_tool");
    char name[128];
    (void)snprintf(name, sizeof name, "%s", argv[2]);
    char *dot = strstr(name, ".canary");
    if (dot != NULL)
        *dot = '\0';
    struct fx_context *ctx = fx_project_context(project, name);
    bool ok = (ctx != NULL || fx_fail(&err, FX_E_USAGE, "no context \"%s\"", name)) &&
              fx_controller_take(project, "fence_tool", "", &arena, &err);
    if (ok && strcmp(argv[3], "install") == 0)
        ok = fx_own_install(ctx, 1, &err) && say("installed\n");
    else if (ok && strcmp(argv[3], "drop") == 0)
        ok = fx_own_drop(ctx, &err) && say("dropped\n");
    else if (ok)
        ok = run_verb(ctx, dot != NULL, argc - 3, argv + 3, &arena, &err);
    if (ok)
        return 0;
    (void)!say("%s: %s\n", fx_code_name(err.code), err.message);
    (void)fx_err_report(&err, "fence_tool");
    return 1;
}
