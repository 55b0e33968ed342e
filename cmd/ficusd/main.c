/* SPDX-License-Identifier: Apache-2.0 */
/* The facade daemon: options -> one call -> exit status. Stays in the foreground; logs go to stderr. */
#include <stdio.h>

#include "cmd/version.h"
#include "lib/cli/opt.h"
#include "lib/err/err.h"
#include "lib/log/log.h"
#include "strangler/facade.h"

struct options {
    const char *config;
    const char *log;
    bool check, help, version;
};
static const struct fx_opt options_table[] = {
    FX_OPT_TEXT(struct options, config, "config", 'f', "FILE", "the project's file",
                .def = "ficus.yaml"),
    FX_OPT_FLAG(struct options, check, "check", 0,
                "read the configuration, report its problems, exit"),
    FX_OPT_TEXT(struct options, log, "log", 0, "LEVELS", "for example all=info,strangler=debug",
                .def = "info"),
    FX_OPT_FLAG(struct options, version, "version", 0, "print version, commit and compiler"),
    FX_OPT_FLAG(struct options, help, "help", 'h', "show this"),
    FX_OPT_END};

static int usage(void)
{
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(8192);
    fx_buf_add_c(&out, "usage: ficusd [-f ficus.yaml] [--check]\n\n"
                       "Stands in front of the monolith and its successors. SIGTERM drains.\n\n");
    fx_opt_help(options_table, &out);
    fputs(fx_buf_cstr(&out), stdout);
    return 0;
}

static int version(void)
{
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(4096);
    cmd_version("ficusd", &out);
    return fputs(fx_buf_cstr(&out), stdout) < 0;
}

int main(int argc, char **argv)
{
    struct fx_err err = FX_ERR_INIT;
    struct options options = {0};
    const struct fx_opt_set sets[] = {{options_table, &options}};
    const char *words[1];
    size_t n_words = 0;
    if (!fx_opt_parse(sets, 1, argc - 1, argv + 1, words, 0, &n_words, &err))
        return fx_err_report(&err, "ficusd");
    if (options.help)
        return usage();
    if (options.version)
        return version();
    if (!fx_log_configure(options.log)) {
        fx_fail(&err, FX_E_USAGE, "\"%s\" does not name log levels", options.log);
        return fx_err_report(&err, "ficusd");
    }
    bool ok = options.check ? fcd_facade_check(options.config, &err)
                            : fcd_facade_run(options.config, &err);
    return ok ? 0 : fx_err_report(&err, "ficusd");
}
