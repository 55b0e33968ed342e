/* SPDX-License-Identifier: Apache-2.0 */
/* help, version: what is printed from the tables of the program. */
#include "cmd/ficus/cmd.h"
#include "cmd/ficus/pages.h"
#include "cmd/ficus/json.h"
#include "cmd/version.h"
#include "lib/cli/print.h"

struct help_options {
    const char *page;
};

static const struct fx_opt help_options[] = {
    FX_OPT_TEXT(struct help_options, page, "page", 0, "PATH",
                "print a page of docs/ that is generated from the program's tables: man/ficus.1"),
    FX_OPT_END,
};

/* false: there is no such noun. */
static bool list_commands(const char *noun, struct fx_buf *out)
{
    bool has_any = false;
    for (const struct cmd *const *t = cmd_tables; *t != NULL; t++) {
        for (const struct cmd *c = *t; c->noun != NULL; c++) {
            char name[96];
            if (c->is_hidden || (noun != NULL && strcmp(c->noun, noun) != 0))
                continue;
            cmd_full_name(c, name, sizeof name);
            fx_buf_printf(out, "  %-26s  %s\n", name, c->summary);
            has_any = true;
        }
    }
    return has_any;
}

static bool write_page(const char *path, struct fx_buf *out, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf paths = FX_BUF(4096);
    for (const struct cmd_page *p = cmd_pages; p->path != NULL; p++) {
        if (strcmp(p->path, path) == 0) {
            p->write(out);
            return true;
        }
        fx_buf_printf(&paths, "%s%s", paths.len > 0 ? ", " : "", p->path);
    }
    fx_fail(err, FX_E_USAGE, "there is no page \"%s\"", path);
    return fx_hint(err, "Pages: %s.", fx_buf_cstr(&paths));
}

static bool run_help(struct cmd_call *call, struct fx_err *err)
{
    const struct help_options *opt = call->options;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 20);
    if (opt->page != NULL) {
        if (!write_page(opt->page, &out, err))
            return false;
    } else {
        fx_buf_add_c(
            &out,
            "ficus migrates one part of a running monolith into a service of its own, and back.\n\n"
            "usage: ficus COMMAND [options]      (ficus COMMAND --help explains one)\n\n");
        const char *noun = call->n_words > 0 ? call->words[0] : NULL;
        if (!list_commands(noun, &out)) {
            fx_fail(err, FX_E_USAGE, "there is no command \"%s\"", noun);
            return fx_hint(err, "Run: ficus help");
        }
        fx_buf_add_c(
            &out,
            "\nCommands that change something act only with --execute. `ficus run resume` needs\n"
            "none: the run was started with it.\n");
    }
    fx_print_text(fx_buf_str(&out));
    return true;
}

struct version_options {
    bool json;
};

static const struct fx_opt version_options[] = {CMD_OPT_JSON(struct version_options), FX_OPT_END};

static bool run_version(struct cmd_call *call, struct fx_err *err)
{
    const struct version_options *opts = call->options;
    (void)err;
    if (opts->json) {
        struct cmd_json json;
        cmd_json_begin(&json);
        cmd_version_json(&json.w);
        cmd_json_print(&json);
        return true;
    }
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(4096);
    cmd_version("ficus", &out);
    fx_print_text(fx_buf_str(&out));
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
    {.noun = "version",
     .summary = "print version, commit and compiler",
     .options = version_options,
     .options_size = sizeof(struct version_options),
     .run = run_version},
    CMD_END,
};
