/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of a context as it was when a run or a stream began, which must not see it
 * change. Its text has one line for each scalar ("tables.1.columns.total.to: total_cents"), so that
 * an error can name what changed; comments, quotes and the style of the YAML are not a change.
 *
 * Errors of the check: DRIFT, with the first line that differs.
 */
#ifndef FX_MAP_CONFIG_SNAPSHOT_H
#define FX_MAP_CONFIG_SNAPSHOT_H

#include "lib/map/map.h"

/* `parts`: dotted paths of the context's node, NULL at the end. */
void fx_config_snapshot_text(const struct fx_context *ctx, const char *const *parts,
                             struct fx_buf *out);
/* Replaces the file. */
bool fx_config_snapshot_write(const char *path, const struct fx_context *ctx,
                              const char *const *parts, struct fx_err *err) FX_MUST_CHECK;
/* A file that is not there says nothing and passes. `since`
 * completes "has changed since …". The hint is the caller's. */
bool fx_config_snapshot_check(const char *path, const struct fx_context *ctx,
                              const char *const *parts, const char *since,
                              struct fx_err *err) FX_MUST_CHECK;

#endif
