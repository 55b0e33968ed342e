/* SPDX-License-Identifier: Apache-2.0 */
/* Which databases a report is about: one id for people and command lines, and who they are now. */
#include "lib/fmt/text.h"
#include "reconcile/reconcile.h"

/* Far more than two addresses: what does not fit would not count. */
enum { IDENTITY_MAX_BYTES = 1 << 20 };

static void add_side(const struct fx_identity *side, struct fx_buf *out)
{
    fx_buf_printf(out, "%s\n%s\n", side->address != NULL ? side->address : "",
                  side->server != NULL ? side->server : "");
}

void rec_databases_id(const struct rec_databases *databases, char out[REC_DATABASES_ID])
{
    char digits[FX_SHA256_HEX];
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(IDENTITY_MAX_BYTES);
    add_side(&databases->old_side, &text);
    add_side(&databases->new_side, &text);
    fx_sha256_hex(fx_buf_str(&text), digits);
    snprintf(out, REC_DATABASES_ID, "%.32s", digits);
}

/* A stream that was never made, or whose table is gone, is none: -1. */
static bool read_stream(struct fx_db *db, enum fx_engine source, const char *stream,
                        struct fx_arena *arena, struct rec_stream_now *ret, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell param = fx_str_from(stream);
    *ret = (struct rec_stream_now){.source = source, .epoch = -1};
    if (!fx_db_select(db, "select epoch, position from ficus.progress where stream = ?", &param, 1,
                      0, 2, &rows, err)) {
        bool is_none = fx_db_is_no_table(err);
        if (is_none)
            fx_err_clear(err);
        return is_none;
    }
    if (rows.n_rows == 0 || !fx_parse_i64(fx_rows_at(&rows, 0, 0), 0, INT64_MAX, &ret->epoch))
        return true;
    ret->pos = fx_pos_in(arena, fx_rows_at(&rows, 0, 1));
    return true;
}

static bool ask(const struct fx_context *ctx, const struct cdc_ref *ref, struct fx_arena *arena,
                struct rec_databases *ret, struct fx_err *err)
{
    bool is_forward = ref->direction == FX_FORWARD;
    const struct fx_db_conf *source = is_forward ? ctx->old_db : ctx->new_db;
    char stream[128];
    struct fx_db *db = NULL;
    cdc_stream_name(ref, stream, sizeof stream);
    bool is_ok =
        fx_db_open(is_forward ? ctx->new_db : ctx->old_db, &db, err) &&
        fx_identity_read(db, ctx->name, arena, is_forward ? &ret->new_side : &ret->old_side, err) &&
        read_stream(db, source->engine, stream, arena, is_forward ? &ret->forward : &ret->reverse,
                    err);
    fx_db_close(db);
    return is_ok;
}

bool rec_databases_read(const struct fx_context *ctx, const char *state_dir, struct fx_arena *arena,
                        struct rec_databases *ret, struct fx_err *err)
{
    struct cdc_ref ref = {.state_dir = state_dir, .context = ctx->name, .direction = FX_FORWARD};
    *ret = (struct rec_databases){0};
    if (!ask(ctx, &ref, arena, ret, err)) {
        fx_err_as_target(err);
        return false;
    }
    ref.direction = FX_REVERSE;
    if (!ask(ctx, &ref, arena, ret, err)) {
        fx_err_as_source(err);
        return false;
    }
    return true;
}
