/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events for the operator: one line on stderr each, text on a terminal, JSON otherwise.
 *
 *     fx_log(FX_LOG_INFO, "cdc", stream_name, "copy finished", "rows=%" PRIu64, rows);
 *
 * `component` is a folder's name; `object` says which stream, connection or run (NULL: none). The
 * key=value part is a printf format or NULL. Secrets never come here: a password in a URL is
 * refused when ficus.yaml is read (lib/db/conf.c). Errors are printed with fx_err_render at
 * the top: by cmd/, by the executor and by the facade.
 * Thread: any; a line is written with one write(2).
 */
#ifndef FX_LOG_LOG_H
#define FX_LOG_LOG_H

#include "lib/base/buf.h"
#include "lib/base/fx.h"
#include "lib/err/err.h"

enum fx_log_level { FX_LOG_DEBUG, FX_LOG_INFO, FX_LOG_WARN, FX_LOG_ERROR, FX_LOG_OFF };

/* "info" or "all=info,cdc=debug"; false leaves the levels as they were. */
bool fx_log_configure(const char *levels);
bool fx_log_enabled(enum fx_log_level level, const char *component);
void fx_log(enum fx_log_level level, const char *component, const char *object, const char *event,
            const char *fmt, ...) FX_PRINTF(5, 6);
/* One line for a failure that the process survives (a reconnect, a refused admin call). */
void fx_log_err(enum fx_log_level level, const char *component, const char *object,
                const char *event, const struct fx_err *err);

#endif
