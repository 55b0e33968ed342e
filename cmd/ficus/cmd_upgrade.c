/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upgrade: which versions the databases, the state directory and the running processes have, and,
 * with --execute, the databases brought to the version that this build writes. It may run in the
 * middle of a migration.
 */
#include <inttypes.h>
#include <stdio.h>

#include "cdc/cdc.h"
#include "cmd/ficus/project.h"
#include "lib/cli/table.h"
#include "lib/fmt/form.h"
#include "lib/ownership/schema.h"
#include "plans/plan.h"
#include "strangler/control.h"
#include "strangler/facade.h"

struct upgrade_options {
    bool execute;
};

static const struct fx_opt upgrade_options[] = {
    FX_OPT_FLAG(struct upgrade_options, execute, "execute", 0,
                "execute; without it only print what would be done"),
    FX_OPT_END};

struct survey {
    struct cmd_call *call;
    struct fx_project *project;
    struct fx_grid grid;
    size_t n_older; /* databases that an upgrade would change */
    bool is_execute;
};

static void add_row(struct survey *s, const char *object, enum fx_form form, int64_t version,
                    const char *change)
{
    char has[24], writes[24];
    snprintf(has, sizeof has, "%" PRId64, version);
    snprintf(writes, sizeof writes, "%" PRId64, fx_form_current(form));
    fx_grid_row(&s->grid, object, fx_form_name(form), version == 0 ? "none" : has, writes, change);
}

/*
 * --- what runs, what lies on disk
 * ----------------------------------------------------------------
 */

static bool on_form(void *arg, const char *object, enum fx_form form, int64_t version,
                    struct fx_err *err)
{
    (void)err;
    add_row(arg, object, form, version, "nothing");
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
    cdc_stream_name(&ref, name, sizeof name);
    snprintf(object, sizeof object, "stream \"%s\"", name);
    add_row(s, object, FX_FORM_STREAM_API, status.api, "nothing");
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
        add_row(s, "facade.json", FX_FORM_FACADE, version, "nothing");
    if (!pln_endpoint_read(s->project, s->call->arena, &at, err) ||
        !fcd_control_status(&at, s->call->arena, &status, err)) {
        if (err->code == FX_E_VERSION)
            return false;
        fx_err_clear(err);
        return true;
    }
    add_row(s, "facade", FX_FORM_ADMIN_API, status->api, "nothing");
    return true;
}

static bool survey_processes(struct survey *s, struct fx_err *err)
{
    for (size_t i = 0; i < s->project->n_contexts; i++)
        for (int direction = FX_FORWARD; direction <= FX_REVERSE; direction++)
            if (!survey_stream(s, &s->project->contexts[i], (enum fx_direction)direction, err))
                return false;
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

static bool survey_database(struct survey *s, const struct fx_db_conf *conf, struct fx_err *err)
{
    struct fx_db *db = NULL;
    int64_t version;
    char object[160];
    snprintf(object, sizeof object, "database \"%s\"", conf->name);
    if (!fx_db_open(conf, &db, err))
        return fx_ctx(err, "opening database \"%s\"", conf->name);
    bool ok = fx_schema_check(db, conf, err) && fx_schema_version(db, &version, err);
    if (ok) {
        const char *changes = version == 0 ? NULL : changes_from(s, db, version);
        s->n_older += changes != NULL ? 1 : 0;
        if (changes != NULL && s->is_execute)
            ok = fx_schema_upgrade(db, conf, err);
        add_row(s, object, FX_FORM_SCHEMA, version,
                changes == NULL       ? "nothing"
                : s->is_execute && ok ? "upgraded"
                                      : changes);
    }
    fx_db_close(db);
    return ok || fx_ctx(err, "upgrading database \"%s\"", conf->name);
}

static bool has_been(const struct fx_project *project, size_t context, const struct fx_db_conf *db)
{
    for (size_t i = 0; i < context; i++)
        if (project->contexts[i].old_db == db || project->contexts[i].new_db == db)
            return true;
    return false;
}

static bool survey_databases(struct survey *s, struct fx_err *err)
{
    for (size_t i = 0; i < s->project->n_contexts; i++) {
        const struct fx_context *ctx = &s->project->contexts[i];
        if ((!has_been(s->project, i, ctx->old_db) && !survey_database(s, ctx->old_db, err)) ||
            (!has_been(s->project, i, ctx->new_db) && !survey_database(s, ctx->new_db, err)))
            return false;
    }
    return true;
}

static void print_survey(const struct survey *s)
{
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 20);
    fx_grid_render(&s->grid, &out);
    fputs(fx_buf_cstr(&out), stdout);
    if (s->n_older == 0)
        puts("Everything has the version that this build of Ficus writes.");
    else if (!s->is_execute)
        puts("Nothing was changed. To upgrade the databases: ficus upgrade --execute");
}

/*
 * Everything that runs or lies on disk is looked at before a database is changed: one part too new
 * stops it all.
 */
static bool run_upgrade(struct cmd_call *call, struct fx_err *err)
{
    const struct upgrade_options *opts = call->options;
    struct survey s = {.call = call, .is_execute = opts->execute};
    if (!cmd_project_load(call, &s.project, err))
        return false;
    fx_grid_init(&s.grid, "what", "form", "version", "current", "change", NULL);
    bool ok = survey_processes(&s, err) && survey_databases(&s, err);
    if (ok)
        print_survey(&s);
    fx_grid_done(&s.grid);
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
