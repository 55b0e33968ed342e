/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/ficusd/options.h"

const struct fx_opt ficusd_options[] = {
    FX_OPT_TEXT(struct ficusd_options, config, "config", 'f', "FILE", "project file",
                .def = "ficus.yaml"),
    FX_OPT_FLAG(struct ficusd_options, check, "check", 0,
                "check the configuration, report its problems and exit"),
    FX_OPT_TEXT(struct ficusd_options, log, "log", 0, "LEVELS",
                "for example all=info,strangler=debug", .def = "info"),
    FX_OPT_FLAG(struct ficusd_options, version, "version", 0, "print version, commit and compiler"),
    FX_OPT_FLAG(struct ficusd_options, help, "help", 'h', "show this help"),
    FX_OPT_END};
