/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The facade daemon: options -> one call -> exit
 * status. Stays in the foreground; logs go to stderr.
 */
#include <signal.h>
#include <stdio.h>

#include "cmd/ficusd/options.h"
#include "cmd/version.h"
#include "cmd/whole.h"
#include "lib/err/err.h"
#include "lib/io/private.h"
#include "lib/io/signal.h"
#include "lib/log/log.h"
#include "strangler/facade.h"

static int usage(void)
{
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(8192);
    fx_buf_add_c(&out, "usage: ficusd [-f ficus.yaml] [--check]\n\n"
                       "HTTP facade in front of the monolith and the services that replace it.\n"
                       "SIGTERM drains: running requests are finished, then it exits.\n\n");
    fx_opt_help(ficusd_options, &out);
    fputs(fx_buf_cstr(&out), stdout);
    return 0;
}

static int version(void)
{
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(4096);
    cmd_version("ficusd", &out);
    return fputs(fx_buf_cstr(&out), stdout) < 0;
}

static int fail(struct fx_err *err)
{
    fx_err_need_hint(err, "ficusd --help");
    return fx_err_report(err, "ficusd");
}

int main(int argc, char **argv)
{
    /* First of all: none of these may end a facade that is still starting. */
    static const int ignored[] = {SIGHUP, SIGUSR1, SIGUSR2, 0};
    fx_signals_block(ignored);
    fx_private_umask();
    fx_private_memory();
    struct fx_err err = FX_ERR_INIT;
    struct ficusd_options options = {0};
    const struct fx_opt_set sets[] = {{ficusd_options, &options}};
    const char *words[1];
    size_t n_words = 0;
    if (!fx_opt_parse(sets, 1, argc - 1, argv + 1, words, 0, &n_words, &err))
        return fail(&err);
    if (options.help)
        return usage();
    if (options.version)
        return version();
    if (!fx_log_configure(options.log)) {
        fx_fail(&err, FX_E_USAGE, "--log: \"%s\" is not a list of log levels", options.log);
        fx_hint(&err, "Write for example --log all=info,strangler=debug.");
        return fail(&err);
    }
    bool ok = options.check
                  ? cmd_whole_check(options.config, &err) && fcd_facade_check(options.config, &err)
                  : fcd_facade_run(options.config, &err);
    return ok ? 0 : fail(&err);
}
