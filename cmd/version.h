/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `ficus --version`, `ficus version` and `ficusd --version` print: one form for both programs.
 */
#ifndef FICUS_CMD_VERSION_H
#define FICUS_CMD_VERSION_H

#include "lib/base/buf.h"
#include "lib/fmt/json_write.h"

/* The day of FICUS_VERSION; manual pages carry it,
 * so that they are the same whenever they are made. */
#define FICUS_VERSION_DATE "2026-11-29"

/*
 * Appends "PROGRAM 0.1.0" and one line for each row of the table in version.c. The first line has
 * always this form: scripts read it.
 */
void cmd_version(const char *program, struct fx_buf *out);
/* Members of one object: version, commit, compiler, is_for_tests, forms. */
void cmd_version_json(struct fx_json_w *w);

#endif
