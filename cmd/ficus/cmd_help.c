/* SPDX-License-Identifier: Apache-2.0 */
/* help, explain, version: what is printed from the tables of the program, and docs/reference with it. */
#include "cdc/cdc.h"
#include "cmd/ficus/cmd.h"
#include "cmd/version.h"
#include "lib/fmt/suggest.h"
#include "lib/map/map.h"
#include "plans/plan.h"
#include "reconcile/reconcile.h"
#include "strangler/facade.h"

struct help_options {
    const char *markdown;
};

static const struct fx_opt help_options[] = {
    FX_OPT_TEXT(struct help_options, markdown, "markdown", 0, "PAGE",
                "write a page of docs/reference: commands, errors, exit-codes, config, metrics"),
    FX_OPT_END,
};

static void full_name(const struct cmd *c, char *out, size_t size)
{
    snprintf(out, size, "%s%s%s%s%s", c->noun, c->verb != NULL ? " " : "",
             c->verb != NULL ? c->verb : "", c->words != NULL ? " " : "",
             c->words != NULL ? c->words : "");
}

/* false: there is no such noun. */
static bool list_commands(const char *noun, struct fx_buf *out)
{
    bool has_any = false;
    for (const struct cmd *const *t = cmd_tables; *t != NULL; t++) {
        for (const struct cmd *c = *t; c->noun != NULL; c++) {
            char name[96];
            if (c->is_hidden || (noun != NULL && strcmp(c->noun, noun) != 0))
                continue;
            full_name(c, name, sizeof name);
            fx_buf_printf(out, "  %-26s  %s\n", name, c->summary);
            has_any = true;
        }
    }
    return has_any;
}

static void commands_page(struct fx_buf *out)
{
    fx_buf_add_c(out, "# Commands of `ficus`\n\nWritten by `make docs` from the command table.\n"
                      "Every command also takes `-f, --project FILE` (default `ficus.yaml`), "
                      "`--log LEVELS`, `--no-color` and `-h, --help`.\n\n");
    for (const struct cmd *const *t = cmd_tables; *t != NULL; t++) {
        for (const struct cmd *c = *t; c->noun != NULL; c++) {
            char name[96];
            if (c->is_hidden)
                continue;
            full_name(c, name, sizeof name);
            fx_buf_printf(out, "## `ficus %s`\n%s.\n\n", name, c->summary);
            if (c->more != NULL)
                fx_buf_printf(out, "%s\n\n", c->more);
            fx_opt_markdown(c->options, out);
        }
    }
}

static void errors_page(struct fx_buf *out)
{
    fx_buf_add_c(out,
                 "# Errors\n\nWritten by `make docs` from `lib/err/codes.def`. The code stands in "
                 "brackets after an error; `ficus explain CODE` prints its line.\n\n"
                 "| code | exit status | meaning |\n|---|---|---|\n");
    for (int i = FX_E_NONE + 1; i < FX_E_COUNT; i++)
        fx_buf_printf(out, "| `%s` | %d | %s |\n", fx_code_name((enum fx_code)i),
                      fx_code_exit((enum fx_code)i), fx_code_meaning((enum fx_code)i));
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

static void exits_page(struct fx_buf *out)
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
    fx_buf_add_c(out, "| 130, 143 | ended by SIGINT or SIGTERM before anything had begun | |\n");
}

static void config_page(struct fx_buf *out)
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

struct page {
    const char *name;
    void (*write)(struct fx_buf *out);
};

static const struct page pages[] = {{"commands", commands_page},
                                    {"errors", errors_page},
                                    {"exit-codes", exits_page},
                                    {"config", config_page},
                                    {"metrics", metrics_page}};

static bool write_page(const char *name, struct fx_buf *out, struct fx_err *err)
{
    for (size_t i = 0; i < FX_ARRAY_LEN(pages); i++) {
        if (strcmp(pages[i].name, name) == 0) {
            pages[i].write(out);
            return true;
        }
    }
    fx_fail(err, FX_E_USAGE, "there is no page \"%s\"", name);
    return fx_hint(err, "Pages: commands, errors, exit-codes, config, metrics.");
}

static bool run_help(struct cmd_call *call, struct fx_err *err)
{
    const struct help_options *opt = call->options;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 20);
    if (opt->markdown != NULL) {
        if (!write_page(opt->markdown, &out, err))
            return false;
    } else {
        fx_buf_add_c(&out,
                     "ficus moves one part of a monolith into a service of its own, and back.\n\n"
                     "usage: ficus COMMAND [options]      (ficus COMMAND --help explains one)\n\n");
        const char *noun = call->n_words > 0 ? call->words[0] : NULL;
        if (!list_commands(noun, &out)) {
            fx_fail(err, FX_E_USAGE, "there is no command \"%s\"", noun);
            return fx_hint(err, "Run: ficus help");
        }
        fx_buf_add_c(&out, "\nWhat changes something acts only with --execute; `ficus run resume`\n"
                           "goes on with what was begun with it.\n");
    }
    fputs(fx_buf_cstr(&out), stdout);
    return true;
}

static bool run_explain(struct cmd_call *call, struct fx_err *err)
{
    enum fx_code code = FX_E_NONE;
    FX_AUTO(fx_buf) struct fx_buf name = FX_BUF(256);
    for (const char *p = call->words[0]; *p != '\0' && *p != '/'; p++)
        fx_buf_add_char(&name, *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p);
    if (!fx_code_from_name(fx_buf_cstr(&name), &code)) {
        const char *names[FX_E_COUNT] = {0};
        for (int i = FX_E_NONE + 1; i < FX_E_COUNT; i++)
            names[i - 1] = fx_code_name((enum fx_code)i);
        const char *near = fx_suggest(fx_buf_cstr(&name), names);
        fx_fail(err, FX_E_USAGE, "there is no error code \"%s\"", call->words[0]);
        return near != NULL ? fx_hint(err, "Did you mean %s?", near)
                            : fx_hint(err, "The codes stand in docs/reference/errors.md.");
    }
    printf("%s: %s\nexit status %d", fx_code_name(code), fx_code_meaning(code), fx_code_exit(code));
    for (size_t i = 0; i < FX_ARRAY_LEN(exits); i++) {
        if (exits[i].status == fx_code_exit(code))
            printf(" (%s)", exits[i].meaning);
    }
    printf("\n");
    return true;
}

static bool run_version(struct cmd_call *call, struct fx_err *err)
{
    (void)call;
    (void)err;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(4096);
    cmd_version("ficus", &out);
    fputs(fx_buf_cstr(&out), stdout);
    return true;
}

const struct cmd cmd_help[] = {
    {.noun = "help",
     .words = "[NOUN]",
     .words_max = 1,
     .summary = "list the commands",
     .options = help_options,
     .options_size = sizeof(struct help_options),
     .run = run_help},
    {.noun = "explain",
     .words = "CODE",
     .words_min = 1,
     .words_max = 1,
     .summary = "say what an error code means",
     .run = run_explain},
    {.noun = "version", .summary = "print version, commit and compiler", .run = run_version},
    CMD_END,
};
