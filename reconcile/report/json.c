/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report for machines (docs: the format is versioned by its "format" member), and reading it
 * back. A report whose parts contradict each other is not believed: a gate must not pass because
 * someone edited a number.
 */
#include "lib/fmt/form.h"
#include "lib/fmt/json_doc.h"
#include "lib/fmt/json_write.h"
#include "lib/fmt/text.h"
#include "lib/io/file.h"
#include "reconcile/report/names.h"

enum { REPORT_MAX_BYTES = 32 << 20 };

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

void rec_report_json(const struct rec_report *report, struct fx_buf *out)
{
    struct fx_json_w w;
    fx_json_w_init(&w, out);
    fx_json_w_object(&w);
    char format[32];
    snprintf(format, sizeof format, REC_REPORT_FORMAT "%lld",
             (long long)fx_form_current(FX_FORM_REPORT));
    fx_json_w_kv_text(&w, "format", format);
    fx_json_w_kv_text(&w, "context", report->context);
    fx_json_w_kv_text(&w, "direction", rec_direction_name(report->direction));
    fx_json_w_kv_text(&w, "plan", report->plan);
    fx_json_w_kv_text(&w, "step", report->step);
    fx_json_w_kv_text(&w, "mapping_digest", report->mapping_digest);
    fx_json_w_kv_text(&w, "source_position", fx_pos_text(&report->source_pos));
    fx_json_w_kv_text(&w, "target_position", fx_pos_text(&report->target_pos));
    write_wall(&w, "started", report->started);
    write_wall(&w, "finished", report->finished);
    fx_json_w_kv_i64(&w, "applier_held_ms", report->applier_held_ms);
    fx_json_w_kv_text(&w, "verdict", rec_verdict_name(report->verdict));
    fx_json_w_kv_i64(&w, "rows_compared", report->rows_compared);
    fx_json_w_kv_i64(&w, "divergent", report->divergent);
    fx_json_w_kv_double(&w, "coverage_percent", report->coverage_percent);
    fx_json_w_key(&w, "tables");
    fx_json_w_array(&w);
    for (size_t i = 0; i < report->n_tables; i++)
        write_table(&w, &report->tables[i]);
    fx_json_w_end(&w);
    fx_json_w_end(&w);
    fx_buf_add_char(out, '\n');
}

bool rec_report_write(const struct rec_report *report, const char *dir, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf json = FX_BUF(REPORT_MAX_BYTES), text = FX_BUF(REPORT_MAX_BYTES);
    FX_AUTO(fx_buf) struct fx_buf json_path = FX_BUF(4096), text_path = FX_BUF(4096);
    rec_report_json(report, &json);
    rec_report_text(report, &text);
    fx_buf_printf(&json_path, "%s/report.json", dir);
    fx_buf_printf(&text_path, "%s/report.txt", dir);
    if (json.has_failed || text.has_failed || json_path.has_failed || text_path.has_failed)
        return fx_fail(err, FX_E_LIMIT, "the report for directory \"%s\" is larger than %d MiB",
                       dir, REPORT_MAX_BYTES >> 20) ||
               fx_hint(err,
                       "Lower reconcile.differences in ficus.yaml, then run the comparison again.");
    return fx_dir_make(dir, err) &&
           fx_file_write_atomic(fx_buf_cstr(&text_path), fx_buf_str(&text), 0666, err) &&
           fx_file_write_atomic(fx_buf_cstr(&json_path), fx_buf_str(&json), 0666, err);
}

/* --- reading ---------------------------------------------------------------------------------- */

static const char *copy_str(const struct fx_json *object, const char *key, struct fx_arena *arena)
{
    return fx_arena_strdup(arena, fx_json_get_str(object, key, NULL));
}

static bool read_word(const struct fx_json *object, const char *key, const char *const *names,
                      size_t n_names, int *ret, struct fx_err *err)
{
    const char *word;
    if (!fx_json_need_str(object, key, &word, err))
        return false;
    for (size_t i = 0; i < n_names; i++) {
        if (strcmp(names[i], word) == 0) {
            *ret = (int)i;
            return true;
        }
    }
    return fx_fail(err, FX_E_PROTOCOL, "the value \"%s\" of key \"%s\" is unknown", word, key);
}

static bool read_difference(const struct fx_json *from, struct fx_arena *arena,
                            struct rec_difference *ret, struct fx_err *err)
{
    static const char *const kinds[] = {"missing", "extra", "different"};
    int kind;
    if (!read_word(from, "kind", kinds, FX_ARRAY_LEN(kinds), &kind, err))
        return false;
    *ret = (struct rec_difference){.kind = (enum rec_kind)kind,
                                   .key = copy_str(from, "key", arena),
                                   .column = copy_str(from, "column", arena),
                                   .source = copy_str(from, "source", arena),
                                   .target = copy_str(from, "target", arena),
                                   .n_columns_different =
                                       (size_t)fx_json_get_i64(from, "columns_different", 0)};
    return true;
}

static bool read_table(const struct fx_json *from, struct fx_arena *arena,
                       struct rec_table_result *ret, struct fx_err *err)
{
    const char *source, *target;
    const struct fx_json *list = fx_json_get(from, "differences");
    if (!fx_json_need_str(from, "source", &source, err) ||
        !fx_json_need_str(from, "target", &target, err) ||
        !fx_json_need_i64(from, "rows_source", &ret->rows_source, err) ||
        !fx_json_need_i64(from, "rows_target", &ret->rows_target, err) ||
        !fx_json_need_i64(from, "rows_equal", &ret->rows_equal, err) ||
        !fx_json_need_i64(from, "missing", &ret->missing, err) ||
        !fx_json_need_i64(from, "extra", &ret->extra, err) ||
        !fx_json_need_i64(from, "different", &ret->different, err))
        return false;
    ret->source_name = fx_arena_strdup(arena, source);
    ret->target_name = fx_arena_strdup(arena, target);
    ret->columns_compared = (size_t)fx_json_get_i64(from, "columns_compared", 0);
    ret->source_fingerprint = copy_str(from, "source_fingerprint", arena);
    ret->target_fingerprint = copy_str(from, "target_fingerprint", arena);
    ret->mapping_digest = copy_str(from, "mapping_digest", arena);
    ret->not_compared = copy_str(from, "not_compared", arena);
    ret->one_sided = copy_str(from, "one_sided", arena);
    ret->n_differences = fx_json_len(list);
    ret->differences = fx_arena_array(arena, ret->n_differences + 1, sizeof *ret->differences);
    for (size_t i = 0; i < ret->n_differences; i++)
        if (!read_difference(fx_json_at(list, i), arena, &ret->differences[i], err))
            return false;
    return true;
}

static bool read_pos(const struct fx_json *root, const char *key, struct fx_arena *arena,
                     struct fx_pos *ret, struct fx_err *err)
{
    const char *text;
    if (!fx_json_need_str(root, key, &text, err))
        return false;
    if (strlen(text) > FX_POS_MAX)
        return fx_fail(err, FX_E_PROTOCOL, "the value of key \"%s\" has more than %d bytes", key,
                       FX_POS_MAX);
    *ret = fx_pos_in(arena, fx_str_from(text));
    return true;
}

/* Do the parts agree? What a merge of the tables would give is what the head must say. */
static bool check_sums(const struct rec_report *report, struct fx_err *err)
{
    int64_t divergent = 0;
    size_t n_whole = 0;
    for (size_t i = 0; i < report->n_tables; i++) {
        const struct rec_table_result *table = &report->tables[i];
        divergent += table->missing + table->extra + table->different;
        n_whole += table->not_compared == NULL;
        if (table->rows_equal + table->different + table->missing != table->rows_source ||
            table->rows_equal + table->different + table->extra != table->rows_target)
            return fx_fail(err, FX_E_PROTOCOL, "the row counts of table \"%s\" do not add up",
                           table->source_name);
    }
    bool is_equal = divergent == 0 && report->n_tables > 0 && n_whole == report->n_tables;
    if (divergent != report->divergent || (report->verdict == REC_EQUAL && !is_equal) ||
        (report->verdict == REC_DIVERGENT) != (divergent > 0))
        return fx_fail(err, FX_E_PROTOCOL,
                       "the verdict of the report contradicts the counts of its tables");
    return true;
}

/* "ficus-reconcile/1" */
static bool check_format(const char *format, struct fx_err *err)
{
    struct fx_str text = fx_str_from(format);
    int64_t version = 0;
    if (!fx_str_starts(text, FX_STR(REC_REPORT_FORMAT)) ||
        !fx_parse_i64(fx_str_from(format + strlen(REC_REPORT_FORMAT)), 1, INT64_MAX, &version))
        return fx_fail(
            err, FX_E_PROTOCOL,
            "the file is not a report of Ficus: its format is \"%s\", expected \"%s%lld\"", format,
            REC_REPORT_FORMAT, (long long)fx_form_current(FX_FORM_REPORT));
    return fx_form_check(FX_FORM_REPORT, version, "the report", err);
}

static bool read_report(const struct fx_json *root, struct fx_arena *arena, struct rec_report *ret,
                        struct fx_err *err)
{
    static const char *const directions[] = {"forward", "reverse"};
    static const char *const verdicts[] = {"equal", "divergent", "inconclusive"};
    const struct fx_json *tables = fx_json_get(root, "tables");
    const char *format, *context;
    int direction, verdict;
    if (!fx_json_need_str(root, "format", &format, err))
        return false;
    if (!check_format(format, err))
        return false;
    if (!fx_json_need_str(root, "context", &context, err) ||
        !read_word(root, "direction", directions, 2, &direction, err) ||
        !read_word(root, "verdict", verdicts, 3, &verdict, err) ||
        !read_pos(root, "source_position", arena, &ret->source_pos, err) ||
        !read_pos(root, "target_position", arena, &ret->target_pos, err) ||
        !fx_json_need_i64(fx_json_get(root, "started"), "unix_us", &ret->started.us, err) ||
        !fx_json_need_i64(fx_json_get(root, "finished"), "unix_us", &ret->finished.us, err) ||
        !fx_json_need_i64(root, "rows_compared", &ret->rows_compared, err) ||
        !fx_json_need_i64(root, "divergent", &ret->divergent, err))
        return false;
    ret->context = fx_arena_strdup(arena, context);
    ret->direction = (enum fx_direction)direction;
    ret->verdict = (enum rec_verdict)verdict;
    ret->plan = fx_arena_strdup(arena, fx_json_get_str(root, "plan", ""));
    ret->step = fx_arena_strdup(arena, fx_json_get_str(root, "step", ""));
    ret->mapping_digest = copy_str(root, "mapping_digest", arena);
    ret->applier_held_ms = fx_json_get_i64(root, "applier_held_ms", 0);
    ret->coverage_percent = fx_json_get_double(root, "coverage_percent", 0);
    ret->n_tables = fx_json_len(tables);
    ret->tables = fx_arena_array(arena, ret->n_tables + 1, sizeof *ret->tables);
    for (size_t i = 0; i < ret->n_tables; i++)
        if (!read_table(fx_json_at(tables, i), arena, &ret->tables[i], err))
            return false;
    return check_sums(ret, err);
}

bool rec_report_load(const char *path, struct fx_arena *arena, struct rec_report **ret_report,
                     struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(REPORT_MAX_BYTES);
    struct fx_json_doc *doc = NULL;
    struct rec_report *report = FX_ARENA_NEW(arena, struct rec_report);
    /* Whatever keeps it from being read: nothing is known then,
     * which is neither a pass nor a fault of the machine. */
    bool is_ok = fx_file_read(path, REPORT_MAX_BYTES, &text, err) &&
                 fx_json_parse(fx_buf_str(&text), &doc, err) &&
                 read_report(fx_json_root(doc), arena, report, err);
    fx_json_doc_free(doc);
    if (!is_ok) {
        fx_err_recode(err, FX_E_INCONCLUSIVE);
        if (err->hint[0] == '\0')
            (void)fx_hint(err,
                          "Run the comparison again; it writes a new report: ficus reconcile run");
        return fx_ctx(err, "reading report \"%s\"", path);
    }
    *ret_report = report;
    return true;
}
