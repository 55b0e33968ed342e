/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standard output of a command. What is printed may hold texts of servers and databases, so control
 * characters and the like are shown, not sent (lib/base/visible.h); line breaks and tabs stay.
 * Colours are drawn by lib/cli/term.h. Errors show at the flush in main. Thread: main.
 */
#ifndef FX_CLI_PRINT_H
#define FX_CLI_PRINT_H

#include "lib/base/buf.h"

void fx_print(const char *fmt, ...) FX_PRINTF(1, 2);
void fx_print_text(struct fx_str text);

#endif
