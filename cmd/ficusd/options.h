/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of `ficusd`, apart from its main: `ficus`
 * prints the manual page and the completion from this table.
 */
#ifndef FICUSD_OPTIONS_H
#define FICUSD_OPTIONS_H

#include "lib/cli/opt.h"

struct ficusd_options {
    const char *config;
    const char *log;
    bool check, help, version;
};

extern const struct fx_opt ficusd_options[];

#endif
