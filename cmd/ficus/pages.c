/* SPDX-License-Identifier: Apache-2.0 */
/* The pages of docs/reference, and the table of all pages. */
#include "cmd/ficus/explain.h"
#include "cmd/ficus/pages.h"

#include "cdc/cdc.h"
#include "lib/map/map.h"
#include "plans/plan.h"
#include "reconcile/reconcile.h"
#include "strangler/facade.h"

void cmd_full_name(const struct cmd *c, char *out, size_t size)
{
    snprintf(out, size, "%s%s%s%s%s", c->noun, c->verb != NULL ? " " : "",
             c->verb != NULL ? c->verb : "", c->words != NULL ? " " : "",
             c->words != NULL ? c->words : "");
}

void cmd_page_commands(struct fx_buf *out)
{
    fx_buf_add_c(out, "# Commands of `ficus`\n\nWritten by `make docs` from the command table.\n"
                      "Every command also takes `-f, --project FILE` (default `ficus.yaml`), "
                      "`--log LEVELS`, `--no-color` and `-h, --help`.\n\n");
    for (const struct cmd *const *t = cmd_tables; *t != NULL; t++) {
        for (const struct cmd *c = *t; c->noun != NULL; c++) {
            char name[96];
            if (c->is_hidden)
                continue;
            cmd_full_name(c, name, sizeof name);
            fx_buf_printf(out, "## `ficus %s`\n%s.\n\n", name, c->summary);
            if (c->more != NULL)
                fx_buf_printf(out, "%s\n\n", c->more);
            fx_opt_markdown(c->options, out);
        }
    }
}

/* A bar would end the cell. */
static void add_cell(const char *text, struct fx_buf *out)
{
    fx_buf_add_c(out, " | ");
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '|')
            fx_buf_add_char(out, '\\');
        fx_buf_add_char(out, *c);
    }
}

static void explanation_row(const struct cmd_explanation *row, struct fx_buf *out)
{
    enum fx_code code;
    fx_buf_printf(out, "| `%s` | ", row->name);
    if (fx_code_from_name(row->name, &code))
        fx_buf_printf(out, "%d", fx_code_exit(code));
    else
        fx_buf_add_c(out, row->origin);
    add_cell(row->what, out);
    add_cell(row->lost, out);
    add_cell(row->next, out);
    fx_buf_add_c(out, " |\n");
}

static void errors_page(struct fx_buf *out)
{
    fx_buf_add_c(out, "# Errors\n\nWritten by `make docs` from `cmd/ficus/explain.def` and "
                      "`lib/err/codes.def`. `ficus explain CODE` prints a row.\n\n"
                      "## Codes of Ficus\n\nThe code is in brackets after an error.\n\n"
                      "| code | exit status | what happened | is anything lost | what next |\n"
                      "|---|---|---|---|---|\n");
    bool is_ours = true;
    for (const struct cmd_explanation *row = cmd_explanations(); row->name != NULL; row++) {
        enum fx_code code;
        if (is_ours && !fx_code_from_name(row->name, &code)) {
            fx_buf_add_c(out, "\n## SQLSTATEs and MySQL error numbers\n\nWhat clients of a fenced "
                              "table see, and what is after the `/` in the brackets.\n\n"
                              "| code | from | what happened | is anything lost | what next |\n"
                              "|---|---|---|---|---|\n");
            is_ours = false;
        }
        explanation_row(row, out);
    }
}

struct exit_row {
    int status;
    const char *meaning;
};

static const struct exit_row exits[] = {
    {0, "done or passed"},
    {1, "negative finding: diverged, a gate closed, rolled back, aborted"},
    {2, "usage: the command line"},
    {3, "inconclusive or held; never a pass"},
    {4, "invalid plan, project file or mapping, or a missing secret"},
    {5, "the source database"},
    {6, "the target database"},
    {8, "the facade"},
    {9, "somebody else holds the lock or has a higher epoch"},
    {10, "interrupted at a safe point; `ficus run resume` goes on"},
    {11, "stuck: a person is needed; also a journal or file that cannot be written"},
    {12, "drift: what exists is not what the plan or the journal says"},
    {70, "a defect in Ficus"},
};

const char *cmd_exit_meaning(int status)
{
    for (size_t i = 0; i < FX_ARRAY_LEN(exits); i++) {
        if (exits[i].status == status)
            return exits[i].meaning;
    }
    return NULL;
}

void cmd_page_exits(struct fx_buf *out)
{
    fx_buf_add_c(out, "# Exit codes, of every command\n\nWritten by `make docs`.\n\n"
                      "| status | meaning | errors |\n|---|---|---|\n");
    for (size_t i = 0; i < FX_ARRAY_LEN(exits); i++) {
        fx_buf_printf(out, "| %d | %s |", exits[i].status, exits[i].meaning);
        const char *sep = " ";
        for (int c = FX_E_NONE + 1; c < FX_E_COUNT; c++) {
            if (fx_code_exit((enum fx_code)c) != exits[i].status)
                continue;
            fx_buf_printf(out, "%s`%s`", sep, fx_code_name((enum fx_code)c));
            sep = ", ";
        }
        fx_buf_add_c(out, " |\n");
    }
    fx_buf_add_c(out, "| 130, 143 | ended by SIGINT or SIGTERM before anything was started | |\n");
}

void cmd_page_config(struct fx_buf *out)
{
    fx_buf_add_c(
        out, "# Keys of `ficus.yaml` and of plans\n\nWritten by `make docs` from the rule tables "
             "that read the "
             "files. A key that is not here is an error with its place and the nearest name.\n\n");
    fx_project_markdown(out);
    fcd_config_markdown(out);
    fx_schema_markdown("cdc", cdc_option_rules, out);
    fx_schema_markdown("reconcile", rec_option_rules, out);
    pln_config_markdown(out);
}

static void metrics_page(struct fx_buf *out)
{
    fx_buf_add_c(out, "# Metrics of `ficusd`\n\nWritten by `make docs` from "
                      "`strangler/observe/metrics.c`; served at "
                      "`GET /metrics` of the admin address.\n\n");
    fcd_metrics_markdown(out);
}

const struct cmd_page cmd_pages[] = {
    {"reference/commands.md", cmd_page_commands}, {"reference/errors.md", errors_page},
    {"reference/exit-codes.md", cmd_page_exits},  {"reference/config.md", cmd_page_config},
    {"reference/metrics.md", metrics_page},       {"man/ficus.1", cmd_page_ficus_1},
    {"man/ficusd.8", cmd_page_ficusd_8},          {"man/ficus.yaml.5", cmd_page_ficus_yaml_5},
    {"completion/ficus.bash", cmd_page_bash},     {"completion/_ficus", cmd_page_zsh},
    {"completion/ficus.fish", cmd_page_fish},     {0},
};
