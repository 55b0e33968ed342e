/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upgrade: which versions the databases, the state directory and the running processes have, and,
 * with --execute, the databases brought to the version that this build writes. It may run in the
 * middle of a migration.
 */
#include <inttypes.h>
#include <stdio.h>

#include "cdc/cdc.h"
#include "cmd/ficus/json.h"
#include "cmd/ficus/project.h"
#include "lib/base/vec.h"
#include "lib/cli/print.h"
#include "lib/cli/table.h"
#include "lib/fmt/form.h"
#include "lib/ownership/controller.h"
#include "lib/ownership/schema.h"
#include "lib/ownership/sides.h"
#include "plans/plan.h"
#include "strangler/control.h"
#include "strangler/facade.h"

struct upgrade_options {
    bool execute, json;
};

static const struct fx_opt upgrade_options[] = {
    FX_OPT_FLAG(struct upgrade_options, execute, "execute", 0,
                "execute; without it only print what would be done"),
    CMD_OPT_JSON(struct upgrade_options), FX_OPT_END};

struct database {
    const struct fx_db_conf *conf;
    int64_t version;
    const char *change; /* NULL: none */
};

/* One line of the answer. */
struct part {
    const char *object, *form;
    int64_t version, writes; /* version 0: there is none yet; -1: the form has no versions */
    const char *change;      /* NULL: nothing to do */
};

struct survey {
    struct cmd_call *call;
    struct fx_project *project;
    FX_VEC(struct part) parts; /* texts in the call's arena, or constant */
    struct database *databases;
    size_t n_databases;
    size_t n_older; /* parts that an upgrade would change */
    size_t n_done;  /* of them, those that this one changed */
};

static void add_part(struct survey *s, const char *object, enum fx_form form, int64_t version,
                     const char *change)
{
    struct part part = {.object = fx_arena_strdup(s->call->arena, object),
                        .form = fx_form_name(form),
                        .version = version,
                        .writes = fx_form_current(form),
                        .change = change};
    FX_VEC_PUSH(&s->parts, part);
}

/*
 * --- what runs, what lies on disk
 * ----------------------------------------------------------------
 */

static bool on_form(void *arg, const char *object, enum fx_form form, int64_t version,
                    struct fx_err *err)
{
    (void)err;
    add_part(arg, object, form, version, NULL);
    return true;
}

/* A process that does not run has no version; one that runs and is newer is an error of its own. */
static bool survey_stream(struct survey *s, const struct fx_context *ctx,
                          enum fx_direction direction, struct fx_err *err)
{
    struct cdc_ref ref = {.project_path = s->project->path,
                          .state_dir = s->project->state_dir,
                          .context = ctx->name,
                          .direction = direction};
    FX_AUTO(cdc_status) struct cdc_status status = {0};
    char name[128];
    char object[160];
    if (!cdc_status(&ref, &status, err)) {
        if (err->code == FX_E_VERSION)
            return false;
        fx_err_clear(err);
        return true;
    }
    if (status.api == 0) /* it left its last error and runs no more */
        return true;
    cdc_stream_name(&ref, name, sizeof name);
    snprintf(object, sizeof object, "stream \"%s\"", name);
    add_part(s, object, FX_FORM_STREAM_API, status.api, NULL);
    return true;
}

static bool survey_facade(struct survey *s, struct fx_err *err)
{
    struct fcd_endpoint at;
    struct fcd_status *status = NULL;
    int64_t version;
    if (!fcd_facade_state_version(s->project->state_dir, &version, err))
        return false;
    if (version != 0)
        add_part(s, "facade.json", FX_FORM_FACADE, version, NULL);
    if (!pln_endpoint_read(s->project, s->call->arena, &at, err) ||
        !fcd_control_status(&at, s->call->arena, &status, err)) {
        if (err->code == FX_E_VERSION)
            return false;
        fx_err_clear(err);
        return true;
    }
    add_part(s, "facade", FX_FORM_ADMIN_API, status->api, NULL);
    return true;
}

static bool survey_processes(struct survey *s, struct fx_err *err)
{
    for (size_t i = 0; i < s->project->n_contexts; i++)
        for (int direction = FX_FORWARD; direction <= FX_REVERSE; direction++)
            if (!survey_stream(s, &s->project->contexts[i], (enum fx_direction)direction, err))
                return false;
    int64_t version = 0;
    if (!fx_controller_version(s->project->state_dir, &version, err))
        return false;
    if (version != 0)
        add_part(s, "controller", FX_FORM_CONTROLLER, version, NULL);
    return survey_facade(s, err) && pln_run_forms(s->project, on_form, s, err);
}

/*
 * --- databases
 * -------------------------------------------------------------------------------------
 */

static const char *changes_from(struct survey *s, const struct fx_db *db, int64_t version)
{
    const char *all = NULL;
    for (int64_t to = version + 1; to <= fx_form_current(FX_FORM_SCHEMA); to++)
        all = all == NULL
                  ? fx_schema_change(db, to)
                  : fx_arena_printf(s->call->arena, "%s; %s", all, fx_schema_change(db, to));
    return all;
}

static bool look_at(struct survey *s, struct database *base, struct fx_err *err)
{
    struct fx_db *db = NULL;
    if (!fx_db_open(base->conf, &db, err))
        return fx_ctx(err, "opening database \"%s\"", base->conf->name);
    bool ok = fx_schema_check(db, base->conf, err) && fx_schema_version(db, &base->version, err);
    if (ok && base->version != 0)
        base->change = changes_from(s, db, base->version);
    s->n_older += base->change != NULL ? 1 : 0;
    fx_db_close(db);
    return ok || fx_ctx(err, "looking at database \"%s\"", base->conf->name);
}

static bool has_been(const struct survey *s, const struct fx_db_conf *conf)
{
    for (size_t i = 0; i < s->n_databases; i++)
        if (s->databases[i].conf == conf)
            return true;
    return false;
}

static bool survey_database(struct survey *s, const struct fx_db_conf *conf, struct fx_err *err)
{
    if (has_been(s, conf))
        return true;
    struct database *base = &s->databases[s->n_databases++];
    *base = (struct database){.conf = conf};
    return look_at(s, base, err);
}

static bool survey_databases(struct survey *s, struct fx_err *err)
{
    const struct fx_project *project = s->project;
    s->databases = fx_arena_array(s->call->arena, 2 * project->n_contexts, sizeof *s->databases);
    for (size_t i = 0; i < project->n_contexts; i++)
        if (!survey_database(s, project->contexts[i].old_db, err) ||
            !survey_database(s, project->contexts[i].new_db, err))
            return false;
    return true;
}

static bool upgrade_one(struct survey *s, struct database *base, struct fx_err *err)
{
    struct fx_db *db = NULL;
    if (base->change == NULL)
        return true;
    if (!fx_db_open(base->conf, &db, err))
        return fx_ctx(err, "opening database \"%s\"", base->conf->name);
    bool ok = fx_schema_upgrade(db, base->conf, err);
    fx_db_close(db);
    if (!ok)
        return fx_ctx(err, "upgrading database \"%s\"", base->conf->name);
    base->change = "upgraded";
    s->n_done++;
    return true;
}

/* What a new table needs; a context whose databases have nothing of ours has no applier yet. */
static bool grant_all(struct survey *s, struct fx_err *err)
{
    for (size_t i = 0; i < s->project->n_contexts; i++) {
        const struct fx_context *ctx = &s->project->contexts[i];
        struct cdc_ref ref = {s->project->path, s->project->state_dir, ctx->name, FX_FORWARD};
        if (cdc_has_copied(&ref) && !cdc_grant(ctx, err))
            return false;
    }
    return true;
}

static bool upgrade_all(struct survey *s, struct fx_err *err)
{
    for (size_t i = 0; i < s->n_databases; i++)
        if (!upgrade_one(s, &s->databases[i], err))
            return false;
    return s->n_done == 0 || grant_all(s, err);
}

/* --- fences --------------------------------------------------------------------------------- */

/* Triggers have no version: they are as this build makes them, or they are not. */
static bool renew_fences(struct survey *s, bool is_execute, struct fx_err *err)
{
    for (size_t i = 0; i < s->project->n_contexts; i++) {
        const struct fx_context *ctx = &s->project->contexts[i];
        size_t n_older = 0, n_missing = 0;
        char object[160];
        if (!fx_own_renew(ctx, is_execute, &n_older, err) ||
            !fx_own_complete(ctx, is_execute, &n_missing, err))
            return fx_ctx(err, "looking at the fences of context \"%s\"", ctx->name);
        if (n_older + n_missing == 0)
            continue;
        snprintf(object, sizeof object, "fence of \"%s\"", ctx->name);
        struct part part = {.object = fx_arena_strdup(s->call->arena, object),
                            .form = "triggers",
                            .version = -1,
                            .change = is_execute ? "made again"
                                                 : "make the triggers again that refuse writes"};
        FX_VEC_PUSH(&s->parts, part);
        s->n_older++;
        s->n_done += is_execute ? 1 : 0;
    }
    return true;
}

static void add_databases(struct survey *s)
{
    for (size_t i = 0; i < s->n_databases; i++) {
        const struct database *base = &s->databases[i];
        char object[160];
        snprintf(object, sizeof object, "database \"%s\"", base->conf->name);
        add_part(s, object, FX_FORM_SCHEMA, base->version, base->change);
    }
}

static void print_text(const struct survey *s, bool is_execute, bool ok)
{
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 20);
    FX_AUTO(fx_grid) struct fx_grid grid;
    fx_grid_init(&grid, "what", "form", "version", "current", "change", NULL);
    for (size_t i = 0; i < s->parts.len; i++) {
        const struct part *part = &s->parts.items[i];
        char has[24], writes[24];
        snprintf(has, sizeof has, "%" PRId64, part->version);
        snprintf(writes, sizeof writes, "%" PRId64, part->writes);
        fx_grid_row(&grid, part->object, part->form,
                    part->version > 0    ? has
                    : part->version == 0 ? "none"
                                         : "older",
                    part->version >= 0 ? writes : "",
                    part->change != NULL ? part->change : "nothing");
    }
    fx_grid_render(&grid, &out);
    fx_print_text(fx_buf_str(&out));
    if (!ok) /* the error says what is left */
        return;
    if (s->n_older == 0)
        fx_print("Everything has the version that this build of Ficus writes.\n");
    else if (!is_execute)
        fx_print("Nothing was changed. To upgrade the databases: ficus upgrade --execute\n");
}

/* After an error nobody knows whether more than the rest was left. */
static int64_t to_do(const struct survey *s, bool ok)
{
    size_t left = s->n_older - s->n_done;
    return ok || left > 0 ? (int64_t)left : -1;
}

static void print_json(const struct survey *s, bool is_execute, bool ok)
{
    struct cmd_json json;
    cmd_json_begin(&json);
    fx_json_w_kv_bool(&json.w, "executed", is_execute);
    cmd_json_known(&json, "to_do", to_do(s, ok));
    fx_json_w_key(&json.w, "parts");
    fx_json_w_array(&json.w);
    for (size_t i = 0; i < s->parts.len; i++) {
        const struct part *part = &s->parts.items[i];
        fx_json_w_object(&json.w);
        fx_json_w_kv_text(&json.w, "what", part->object);
        fx_json_w_kv_text(&json.w, "form", part->form);
        cmd_json_known(&json, "version", part->version > 0 ? part->version : -1);
        cmd_json_known(&json, "current", part->version >= 0 ? part->writes : -1);
        fx_json_w_kv_text(&json.w, "change", part->change);
        fx_json_w_end(&json.w);
    }
    fx_json_w_end(&json.w);
    cmd_json_print(&json);
}

/*
 * Everything, all databases too, is looked at before a database is changed: one part too new, or
 * one server that does not answer, stops it all.
 */
static bool run_upgrade(struct cmd_call *call, struct fx_err *err)
{
    const struct upgrade_options *opts = call->options;
    struct survey s = {.call = call};
    if (!cmd_project_load(call, &s.project, err))
        return false;
    bool ok = survey_processes(&s, err) && survey_databases(&s, err);
    if (ok) {
        ok = (!opts->execute || upgrade_all(&s, err)) && renew_fences(&s, opts->execute, err);
        add_databases(&s);
        (opts->json ? print_json : print_text)(&s, opts->execute, ok);
    }
    FX_VEC_DONE(&s.parts);
    return ok;
}

const struct cmd cmd_upgrade[] = {
    {.noun = "upgrade",
     .summary = "show the versions of everything stored, and upgrade the schema in the databases",
     .more = "Without --execute it only shows what it would change. It may run in the middle of a "
             "migration, beside running streams. A newer Ficus also works with the older versions "
             "that it lists.",
     .options = upgrade_options,
     .options_size = sizeof(struct upgrade_options),
     .run = run_upgrade},
    CMD_END,
};
