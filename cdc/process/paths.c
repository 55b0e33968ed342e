/* SPDX-License-Identifier: Apache-2.0 */
/* See paths.h. */
#include "cdc/process/paths.h"

#include <stdio.h>

#include "cdc/change.h"
#include "lib/io/file.h"

enum { SOCKET_PATH_MAX = 107 };

bool cdc_paths_make(const struct cdc_ref *ref, struct cdc_paths *ret, struct fx_err *err)
{
    char name[128];
    cdc_stream_name(ref, name, sizeof name);
    int n = snprintf(ret->dir, sizeof ret->dir, "%s/streams", ref->state_dir);
    if (n < 0 || (size_t)n >= sizeof ret->dir)
        return fx_fail(err, FX_E_CONFIG, "the path of the state directory is too long: \"%s\"",
                       ref->state_dir) ||
               fx_hint(err, "Set state.dir in ficus.yaml to a shorter path.");
    (void)snprintf(ret->lock, sizeof ret->lock, "%.380s/%.100s.lock", ret->dir, name);
    (void)snprintf(ret->log, sizeof ret->log, "%.380s/%.100s.log", ret->dir, name);
    (void)snprintf(ret->error, sizeof ret->error, "%.380s/%.100s.error", ret->dir, name);
    (void)snprintf(ret->context, sizeof ret->context, "%.380s/%.100s.context", ret->dir,
                   ref->context);
    n = snprintf(ret->sock, sizeof ret->sock, "%.380s/%.100s.sock", ret->dir, name);
    if (n > SOCKET_PATH_MAX) {
        (void)fx_fail(err, FX_E_CONFIG,
                      "the path of a stream's socket has %d bytes, the limit is %d: %s", n,
                      SOCKET_PATH_MAX, ret->sock);
        return fx_hint(err, "Set state.dir in ficus.yaml to a shorter path.");
    }
    return true;
}

bool cdc_same_context(const struct cdc_ref *ref, const struct fx_context *ctx, struct fx_err *err)
{
    struct cdc_paths paths;
    return cdc_paths_make(ref, &paths, err) && cdc_context_check(paths.context, ctx, err);
}

bool cdc_has_copied(const struct cdc_ref *ref)
{
    struct fx_err ignored = FX_ERR_INIT;
    struct cdc_paths paths;
    return cdc_paths_make(ref, &paths, &ignored) && fx_file_exists(paths.context);
}

static bool has_copy(const struct cdc_ref *ref, const struct fx_context *ctx, bool *ret,
                     struct fx_err *err)
{
    char name[128];
    struct fx_db *db = NULL;
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    cdc_stream_name(ref, name, sizeof name);
    fx_cell stream = fx_str_from(name);
    bool is_ok =
        fx_db_open(ctx->new_db, &db, err) &&
        fx_db_query(db, "select 1 from ficus.progress where stream = ? and phase = 'stream'",
                    &stream, 1, &rows, err);
    *ret = is_ok && rows.n_rows > 0;
    fx_db_close(db);
    if (!is_ok && fx_db_is_no_table(err)) {
        fx_err_clear(err);
        return true;
    }
    if (!is_ok)
        fx_err_as_target(err);
    return is_ok;
}

bool cdc_adopt(const struct cdc_ref *ref, const struct fx_context *ctx, struct fx_err *err)
{
    struct cdc_paths paths;
    struct cdc_ref forward = *ref;
    bool is_copied = false;
    forward.direction = FX_FORWARD;
    if (!cdc_paths_make(&forward, &paths, err) || !has_copy(&forward, ctx, &is_copied, err))
        return false;
    if (!is_copied || fx_file_exists(paths.context))
        return true;
    return fx_dir_make(paths.dir, err) && cdc_context_keep(paths.context, ctx, err);
}

bool cdc_context_forget(const struct cdc_ref *ref, struct fx_err *err)
{
    struct cdc_paths paths;
    return cdc_paths_make(ref, &paths, err) && fx_file_remove(paths.context, err);
}
