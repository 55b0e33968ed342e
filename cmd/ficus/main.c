/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entry point: finds the command in the table, reads its options, calls it, prints what went wrong.
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "cmd/ficus/audit.h"
#include "cmd/ficus/cmd.h"
#include "lib/base/alloc.h"
#include "lib/cli/print.h"
#include "lib/err/redact.h"
#include "lib/fmt/suggest.h"
#include "lib/io/private.h"
#include "lib/io/privilege.h"
#include "lib/log/log.h"

const struct cmd *const cmd_tables[] = {
#define X(noun) cmd_##noun,
#include "cmd/ficus/commands.def"
#undef X
    NULL,
};

struct common {
    const char *project;
    const char *log;
    bool no_color;
    bool show_values;
    bool help;
};

const struct fx_opt cmd_common_options[] = {
    FX_OPT_TEXT(struct common, project, "project", 'f', "FILE", "the project file",
                .def = "ficus.yaml"),
    FX_OPT_TEXT(struct common, log, "log", 0, "LEVELS",
                "log levels, for example warn or all=info,cdc=debug"),
    FX_OPT_FLAG(struct common, no_color, "no-color", 0, "print without colours (also: NO_COLOR)"),
    FX_OPT_FLAG(struct common, show_values, "show-values", 0,
                "show values of rows in messages and reports; without it they are hidden"),
    FX_OPT_FLAG(struct common, help, "help", 'h', "explain the command"),
    FX_OPT_END,
};

#define EACH_COMMAND(c)                                               \
    for (const struct cmd *const *t_ = cmd_tables; *t_ != NULL; t_++) \
        for (const struct cmd *c = *t_; c->noun != NULL; c++)

enum { NAMES_MAX = 64 };

/* Nouns (noun NULL) or the verbs of one. */
static size_t collect(const char *noun, const char *names[NAMES_MAX + 1])
{
    size_t n = 0;
    EACH_COMMAND (c) {
        const char *name = noun == NULL ? c->noun : c->verb;
        if (c->is_hidden || name == NULL || n == NAMES_MAX ||
            (noun != NULL && strcmp(c->noun, noun) != 0) ||
            (n > 0 && strcmp(names[n - 1], name) == 0))
            continue;
        names[n++] = name;
    }
    names[n] = NULL;
    return n;
}

static bool unknown(const char *kind, const char *word, const char *noun, struct fx_err *err)
{
    const char *names[NAMES_MAX + 1];
    (void)collect(noun, names);
    fx_fail(err, FX_E_USAGE, "unknown %s \"%s\"", kind, word);
    const char *near = fx_suggest(word, names);
    const char *space = noun != NULL ? " " : "";
    noun = noun != NULL ? noun : "";
    if (near != NULL)
        return fx_hint(err, "Did you mean: ficus %s%s%s", noun, space, near);
    return fx_hint(err, "Run: ficus help%s%s", space, noun);
}

/* *ret_used: how many words of the command line name the command. */
static bool find(int argc, char *const *argv, const struct cmd **ret, int *ret_used,
                 struct fx_err *err)
{
    const char *noun = argv[0];
    const char *verb = argc > 1 && argv[1][0] != '-' ? argv[1] : NULL;
    bool has_noun = false, has_verbs = false;
    EACH_COMMAND (c) {
        if (strcmp(c->noun, noun) != 0)
            continue;
        has_noun = true;
        has_verbs |= c->verb != NULL;
        bool is_it = c->verb == NULL || (verb != NULL && strcmp(c->verb, verb) == 0);
        /* "journal show": a verb of two words. */
        const char *space = c->verb != NULL ? strchr(c->verb, ' ') : NULL;
        bool is_two = space != NULL && verb != NULL && argc > 2 &&
                      strlen(verb) == (size_t)(space - c->verb) &&
                      strncmp(c->verb, verb, strlen(verb)) == 0 && strcmp(space + 1, argv[2]) == 0;
        if (is_it || is_two) {
            *ret = c;
            *ret_used = c->verb == NULL ? 1 : is_two ? 3 : 2;
            return true;
        }
    }
    if (!has_noun && noun[0] == '-') {
        fx_fail(err, FX_E_USAGE, "options come after the command, not before it: \"%s\"", noun);
        return fx_hint(err, "Example: ficus status -f ficus.yaml. The commands: ficus help");
    }
    if (!has_noun)
        return unknown("command", noun, NULL, err);
    if (verb == NULL && has_verbs) {
        fx_fail(err, FX_E_USAGE, "command \"%s\" needs a verb", noun);
        return fx_hint(err, "Run: ficus help %s", noun);
    }
    return unknown("verb", verb, noun, err);
}

static bool has_verbs(const char *noun)
{
    const char *names[NAMES_MAX + 1];
    return collect(noun, names) > 0;
}

static int print_help(const struct cmd *c)
{
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 16);
    fx_buf_printf(&out, "%s\n\nusage: ficus %s%s%s%s%s [options]\n\n", c->summary, c->noun,
                  c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "",
                  c->words != NULL ? " " : "", c->words != NULL ? c->words : "");
    if (c->more != NULL)
        fx_buf_printf(&out, "%s\n\n", c->more);
    fx_buf_add_c(&out, "options:\n");
    fx_opt_help(c->options, &out);
    fx_opt_help(cmd_common_options, &out);
    fx_print_text(fx_buf_str(&out));
    return 0;
}

/* Fills the call's options and words; *ret_common too. */
static bool read_line(struct cmd_call *call, int argc, char *const *argv, struct common *ret_common,
                      struct fx_err *err)
{
    const struct cmd *c = call->cmd;
    call->options = fx_arena_alloc(call->arena, c->options_size + 1);
    const struct fx_opt_set sets[] = {{c->options, call->options},
                                      {cmd_common_options, ret_common}};
    if (!fx_opt_parse(sets, FX_ARRAY_LEN(sets), argc, argv, call->words, CMD_WORDS_MAX,
                      &call->n_words, err))
        return false;
    if (ret_common->help)
        return true;
    if (call->n_words > c->words_max)
        return fx_fail(err, FX_E_USAGE, "unexpected argument \"%s\"", call->words[c->words_max]);
    if (call->n_words < c->words_min)
        return fx_fail(err, FX_E_USAGE, "an argument is missing: ficus %s%s%s %s", c->noun,
                       c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "", c->words);
    if (ret_common->log != NULL && !fx_log_configure(ret_common->log))
        return fx_fail(err, FX_E_USAGE, "--log: \"%s\" is not a list of log levels",
                       ret_common->log) ||
               fx_hint(err, "Write for example --log warn or --log all=info,cdc=debug.");
    return true;
}

/* The context's name in the hint, or at least the page about the code: no error is a dead end. */
static int fail(const struct cmd_call *call, struct fx_err *err)
{
    const struct cmd *c = call->cmd;
    char help[128];
    (void)fx_err_tell_hidden(err, "run the same command with --show-values");
    if (call->context != NULL)
        (void)fx_err_name_context(err, call->context);
    if (c != NULL)
        (void)snprintf(help, sizeof help, "ficus %s%s%s --help", c->noun,
                       c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "");
    fx_err_need_hint(err, c != NULL ? help : "ficus help");
    return fx_err_report(err, "ficus");
}

/* Where this executable is, so that streams run the same build even when PATH or argv[0] lie. */
static const char *own_path(struct fx_arena *arena, const char *argv0)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0)
        return argv0;
    path[n] = '\0';
    return fx_arena_strdup(arena, path);
}

int main(int argc, char **argv)
{
    /* A peer that goes away is an error of a write, never the end of the process. */
    signal(SIGPIPE, SIG_IGN);
    /* A file-size limit is a full disk: an error of a write too. */
    signal(SIGXFSZ, SIG_IGN);
    fx_private_umask();
    fx_private_memory();
    fx_privilege_drop(FX_KEEP_READ);
    static char help[] = "help";
    char *only_help[] = {help, NULL};
    bool is_bare = argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0;
    char *const *line = is_bare ? only_help : argv + 1;
    int n = is_bare ? 1 : argc - 1;
    static char version[] = "version";
    char *only_version[] = {version, NULL};
    if (n == 1 && strcmp(line[0], "--version") == 0)
        line = only_version;
    /* `ficus plan --help` is `ficus help plan`. */
    char *noun_help[] = {help, line[0], NULL};
    if (n == 2 && has_verbs(line[0]) &&
        (strcmp(line[1], "--help") == 0 || strcmp(line[1], "-h") == 0))
        line = noun_help;

    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_err err = FX_ERR_INIT;
    struct common common = {0};
    struct cmd_call call = {.argv0 = own_path(&arena, argv[0]), .arena = &arena};
    int used = 0;
    if (!find(n, line, &call.cmd, &used, &err) ||
        !read_line(&call, n - used, line + used, &common, &err))
        return fail(&call, &err);
    if (common.help)
        return print_help(call.cmd);
    call.project_path = common.project;
    call.no_color = common.no_color;
    fx_values_show_set(common.show_values);
    cmd_audit_line(n, line);
    if (!call.cmd->run(&call, &err)) {
        fflush(stdout);
        cmd_audit_end(fx_code_exit(err.code), &err);
        return fail(&call, &err);
    }
    cmd_audit_end(call.exit_status, NULL);
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout) != 0) && call.exit_status == 0) {
        fx_fail_errno(&err, FX_E_IO, errno != 0 ? errno : EIO,
                      "the command succeeded, but its output could not be written");
        fx_hint(&err, "Do not repeat it only for its output. The state of a run: ficus status");
        return fx_err_report(&err, "ficus");
    }
    return call.exit_status;
}
