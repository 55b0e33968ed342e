/* SPDX-License-Identifier: Apache-2.0 */
/* See cdc_log_ask (cdc.h): for a stream whose process is not there to be asked. */
#include <sys/stat.h>

#include "cdc/engine.h"
#include "cdc/names.h"
#include "cdc/process/paths.h"
#include "lib/base/clock.h"

/* The process logs its end, so its log is about as old as its last position; -1: there is none. */
static int64_t age_of(const struct cdc_ref *ref)
{
    struct cdc_paths paths;
    struct fx_err ignored = FX_ERR_INIT;
    struct stat st;
    if (!cdc_paths_make(ref, &paths, &ignored) || stat(paths.log, &st) != 0)
        return -1;
    return FX_MAX(fx_wall_now().us / 1000000 - (int64_t)st.st_mtime, (int64_t)0);
}

/* *ret empty: the stream has not come to an end of its copy, or was never started. */
static bool read_position(struct fx_db *db, const char *stream, struct fx_pos *ret,
                          struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell name = fx_str_from(stream);
    if (fx_db_query(db, "select position from ficus.progress where stream = ? and phase = 'stream'",
                    &name, 1, &rows, err))
        return rows.n_rows == 0 || fx_db_take_pos(db, fx_rows_at(&rows, 0, 0), ret, err);
    if (!fx_db_is_no_table(err))
        return false;
    fx_err_clear(err);
    return true;
}

static bool ask(const struct cdc_ref *ref, const struct cdc_side *source, const struct fx_pos *at,
                struct cdc_status *status, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct cdc_log_look look = {0};
    int64_t age_s = age_of(ref);
    fx_arena_init(&arena, 0);
    const char *slot = cdc_name_slot(ref->context, ref->direction, &arena);
    if (!source->engine->source.look_log(source->db, slot, at, &look, err))
        return cdc_side_err(source, err);
    /* All that was written since then: the rate over the time in which nobody read. */
    double rate = age_s >= 0 && look.kept_bytes >= 0
                      ? (double)look.kept_bytes / (double)FX_MAX(age_s, (int64_t)1)
                      : -1;
    cdc_log_show(&look, cdc_log_forecast(&look, rate, age_s), status);
    return true;
}

bool cdc_log_ask(const struct cdc_ref *ref, const struct fx_context *ctx, struct cdc_status *status,
                 struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    FX_AUTO(fx_pos) struct fx_pos at = {0};
    struct cdc_sides sides;
    fx_arena_init(&arena, 0);
    if (!cdc_sides_open(ctx, &sides, err))
        return false;
    bool is_forward = ref->direction == FX_FORWARD;
    const struct cdc_side *source = is_forward ? &sides.old_side : &sides.new_side;
    const struct cdc_side *target = is_forward ? &sides.new_side : &sides.old_side;
    const char *stream = cdc_name_stream(ref->context, ref->direction, &arena);
    bool is_ok = read_position(target->db, stream, &at, err) || cdc_side_err(target, err);
    if (is_ok && fx_pos_text(&at)[0] != '\0')
        is_ok = ask(ref, source, &at, status, err);
    cdc_sides_close(&sides);
    return is_ok || fx_ctx(err, "asking how long the log of stream \"%s\" is kept", stream);
}
