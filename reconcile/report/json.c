/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report for machines. The same values give the same bytes: a reader writes again what it read
 * and compares, so nothing that is not understood can hide in a report.
 */
#include "lib/base/visible.h"
#include "lib/fmt/form.h"
#include "lib/fmt/json_write.h"
#include "lib/io/file.h"
#include "lib/io/private.h"
#include "reconcile/report/names.h"
#include "reconcile/report/seal.h"
#include "reconcile/table.h"

static void write_wall(struct fx_json_w *w, const char *key, struct fx_wall t)
{
    char text[FX_WALL_TEXT];
    fx_wall_text(t, text);
    fx_json_w_key(w, key);
    fx_json_w_object(w);
    fx_json_w_kv_text(w, "text", text);
    fx_json_w_kv_i64(w, "unix_us", t.us);
    fx_json_w_end(w);
}

static void write_difference(struct fx_json_w *w, const struct rec_difference *difference)
{
    fx_json_w_object(w);
    fx_json_w_kv_text(w, "kind", rec_kind_name(difference->kind));
    fx_json_w_kv_text(w, "key", difference->key);
    if (difference->kind == REC_DIFFERENT) {
        fx_json_w_kv_text(w, "column", difference->column);
        fx_json_w_kv_text(w, "source", difference->source);
        fx_json_w_kv_text(w, "target", difference->target);
        fx_json_w_kv_u64(w, "columns_different", difference->n_columns_different);
    }
    fx_json_w_end(w);
}

static void write_table(struct fx_json_w *w, const struct rec_table_result *table)
{
    fx_json_w_object(w);
    fx_json_w_kv_text(w, "source", table->source_name);
    fx_json_w_kv_text(w, "target", table->target_name);
    fx_json_w_kv_i64(w, "rows_source", table->rows_source);
    fx_json_w_kv_i64(w, "rows_target", table->rows_target);
    fx_json_w_kv_i64(w, "rows_equal", table->rows_equal);
    fx_json_w_kv_i64(w, "missing", table->missing);
    fx_json_w_kv_i64(w, "extra", table->extra);
    fx_json_w_kv_i64(w, "different", table->different);
    fx_json_w_kv_u64(w, "columns_compared", table->columns_compared);
    fx_json_w_kv_text(w, "source_fingerprint", table->source_fingerprint);
    fx_json_w_kv_text(w, "target_fingerprint", table->target_fingerprint);
    fx_json_w_kv_text(w, "mapping_digest", table->mapping_digest);
    fx_json_w_kv_text(w, "not_compared", table->not_compared);
    fx_json_w_kv_text(w, "one_sided", table->one_sided);
    fx_json_w_key(w, "differences");
    fx_json_w_array(w);
    for (size_t i = 0; i < table->n_differences; i++)
        write_difference(w, &table->differences[i]);
    fx_json_w_end(w);
    fx_json_w_end(w);
}

static void write_identity(struct fx_json_w *w, const char *key, const struct fx_identity *side)
{
    fx_json_w_key(w, key);
    fx_json_w_object(w);
    fx_json_w_kv_text(w, "name", side->name);
    fx_json_w_kv_text(w, "address", side->address);
    fx_json_w_kv_text(w, "server", side->server);
    fx_json_w_kv_text(w, "controller", side->holder);
    fx_json_w_kv_i64(w, "held_since_us", side->held_since_us);
    fx_json_w_end(w);
}

/* The id follows from the rest: a reader computes it again. */
static void write_databases(struct fx_json_w *w, const struct rec_report *report)
{
    char id[REC_DATABASES_ID];
    rec_databases_id(&report->databases, id);
    fx_json_w_kv_text(w, "run", report->asker.run);
    fx_json_w_key(w, "databases");
    fx_json_w_object(w);
    fx_json_w_kv_text(w, "id", id);
    write_identity(w, "old", &report->databases.old_side);
    write_identity(w, "new", &report->databases.new_side);
    fx_json_w_end(w);
    fx_json_w_kv_i64(w, "stream_epoch", report->stream_epoch);
}

/* Members in a fixed order; those of a later version are left out of the earlier ones. */
void rec_report_body(const struct rec_report *report, int64_t version, struct fx_buf *out)
{
    struct fx_json_w w;
    char format[32];
    bool is_v2 = version >= 2;
    snprintf(format, sizeof format, REC_REPORT_FORMAT "%lld", (long long)version);
    fx_json_w_init(&w, out);
    fx_json_w_object(&w);
    fx_json_w_kv_text(&w, "format", format);
    if (is_v2)
        fx_json_w_kv_text(&w, "tool", report->tool);
    fx_json_w_kv_text(&w, "context", report->context);
    fx_json_w_kv_text(&w, "direction", rec_direction_name(report->direction));
    fx_json_w_kv_text(&w, "plan", report->asker.plan);
    fx_json_w_kv_text(&w, "step", report->asker.step);
    fx_json_w_kv_text(&w, "mapping_digest", report->mapping_digest);
    if (version >= 3)
        write_databases(&w, report);
    fx_json_w_kv_text(&w, "source_position", fx_pos_text(&report->source_pos));
    fx_json_w_kv_text(&w, "target_position", fx_pos_text(&report->target_pos));
    write_wall(&w, "started", report->started);
    if (is_v2)
        write_wall(&w, "cut", report->cut);
    write_wall(&w, "finished", report->finished);
    fx_json_w_kv_i64(&w, "applier_held_ms", report->applier_held_ms);
    fx_json_w_kv_text(&w, "verdict", rec_verdict_name(report->verdict));
    if (is_v2)
        fx_json_w_kv_text(&w, "inconclusive", report->inconclusive);
    fx_json_w_kv_i64(&w, "rows_compared", report->rows_compared);
    fx_json_w_kv_i64(&w, "divergent", report->divergent);
    fx_json_w_kv_double(&w, "coverage_percent", report->coverage_percent);
    if (is_v2)
        fx_json_w_kv_u64(&w, "tables_in_context", report->tables_in_context);
    fx_json_w_key(&w, "tables");
    fx_json_w_array(&w);
    for (size_t i = 0; i < report->n_tables; i++)
        write_table(&w, &report->tables[i]);
    fx_json_w_end(&w);
    fx_json_w_end(&w);
    if (out->len > 0)
        out->ptr[--out->len] = '\0'; /* the brace: the seal is a member, too */
}

void rec_report_json(const struct rec_report *report, const struct fx_private_key *key,
                     struct fx_buf *out)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(REC_REPORT_MAX_BYTES);
    rec_report_body(report, fx_form_current(FX_FORM_REPORT), &text);
    rec_seal_add(key, &text);
    out->has_failed |= text.has_failed;
    fx_buf_add(out, fx_buf_str(&text));
}

bool rec_report_write(const struct rec_report *report, const struct fx_private_key *key,
                      const char *dir, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf json = FX_BUF(REC_REPORT_MAX_BYTES);
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(REC_REPORT_MAX_BYTES);
    FX_AUTO(fx_buf) struct fx_buf shown = FX_BUF(REC_REPORT_MAX_BYTES);
    FX_AUTO(fx_buf) struct fx_buf json_path = FX_BUF(4096), text_path = FX_BUF(4096);
    rec_report_json(report, key, &json);
    rec_report_text(report, &shown);
    fx_visible_add(&text, fx_buf_str(&shown), FX_VISIBLE_LINES);
    fx_buf_printf(&json_path, "%s/report.json", dir);
    fx_buf_printf(&text_path, "%s/report.txt", dir);
    if (json.has_failed || shown.has_failed || text.has_failed || json_path.has_failed ||
        text_path.has_failed)
        return fx_fail(err, FX_E_LIMIT, "the report for directory \"%s\" is larger than %d MiB",
                       dir, REC_REPORT_MAX_BYTES >> 20) ||
               fx_hint(
                   err,
                   "Lower reconcile.differences in ficus.yaml, then compare again: ficus reconcile "
                   "run --context NAME; in a run: ficus run resume");
    return fx_dir_make(dir, err) &&
           fx_file_write_atomic(fx_buf_cstr(&text_path), fx_buf_str(&text), FX_PRIVATE_FILE, err) &&
           fx_file_write_atomic(fx_buf_cstr(&json_path), fx_buf_str(&json), FX_PRIVATE_FILE, err);
}

/* --- a comparison that has not finished ------------------------------------------------------- */

static void fill_unfinished(const struct fx_context *ctx, const char *why, struct fx_arena *arena,
                            struct rec_report *ret)
{
    struct fx_wall now = fx_wall_now();
    *ret = (struct rec_report){.tool = REC_TOOL,
                               .context = ctx->name,
                               .asker = {"", "", ""},
                               .mapping_digest = ctx->digest,
                               .started = now,
                               .cut = now,
                               .finished = now,
                               .inconclusive = why};
    fx_identity_of_conf(ctx->old_db, arena, &ret->databases.old_side);
    fx_identity_of_conf(ctx->new_db, arena, &ret->databases.new_side);
    rec_report_finish(ret, ctx->n_tables);
}

static bool remove_both(const char *dir, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf json_path = FX_BUF(4096), text_path = FX_BUF(4096);
    fx_buf_printf(&json_path, "%s/report.json", dir);
    fx_buf_printf(&text_path, "%s/report.txt", dir);
    return fx_file_remove(fx_buf_cstr(&json_path), err) &&
           fx_file_remove(fx_buf_cstr(&text_path), err) &&
           fx_dir_sync_of(fx_buf_cstr(&json_path), err);
}

bool rec_report_begin(const struct fx_context *ctx, const struct fx_private_key *key,
                      const char *dir, struct fx_err *err)
{
    struct rec_report report;
    struct fx_err ignored = FX_ERR_INIT;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    fill_unfinished(ctx, "the comparison has not finished, or was killed", &arena, &report);
    if (rec_report_write(&report, key, dir, err))
        return true;
    /* A full disk refuses a new file, but not the end of an old one. */
    (void)remove_both(dir, &ignored);
    return false;
}

void rec_report_failed(const struct fx_context *ctx, const struct fx_private_key *key,
                       const char *dir, const struct fx_err *why)
{
    struct rec_report report;
    struct fx_err ignored = FX_ERR_INIT;
    char brief[512], text[640];
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    fx_err_brief(why, brief, sizeof brief);
    snprintf(text, sizeof text, "the comparison failed: %s", brief);
    fill_unfinished(ctx, text, &arena, &report);
    if (!rec_report_write(&report, key, dir, &ignored))
        fx_err_clear(&ignored); /* "not finished" stays, which no gate passes either */
}
