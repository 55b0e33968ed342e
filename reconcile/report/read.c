/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a report back. It is believed only when it is byte for byte what Ficus writes of the
 * values in it (no member twice, none unknown, no other spelling), when its counts and dates are
 * possible, when its sums follow from its tables, and when its seal fits.
 */
#include "lib/fmt/form.h"
#include "lib/fmt/json_doc.h"
#include "lib/fmt/text.h"
#include "lib/io/file.h"
#include "reconcile/report/names.h"
#include "reconcile/report/seal.h"
#include "reconcile/table.h"

/*
 * No table has more rows. Sums of all tables that fit into a report then fit into 64 bits.
 * No report is older than Ficus.
 */
#define ROWS_MAX    INT64_C(10000000000000)
#define EARLIEST_US INT64_C(1767225600000000) /* 2026-01-01 */
#define LATEST_US   INT64_C(4102444800000000) /* 2100-01-01 */
enum { TABLES_MAX = 10000 };

static const char *copy_str(const struct fx_json *object, const char *key, struct fx_arena *arena)
{
    return fx_arena_strdup(arena, fx_json_get_str(object, key, NULL));
}

static bool read_int(const struct fx_json *object, const char *key, int64_t max, int64_t *ret,
                     struct fx_err *err)
{
    if (!fx_json_need_i64(object, key, ret, err))
        return false;
    return (*ret >= 0 && *ret <= max) ||
           fx_fail(err, FX_E_PROTOCOL, "\"%s\" is %lld; it must be between 0 and %lld", key,
                   (long long)*ret, (long long)max);
}

static bool read_size(const struct fx_json *object, const char *key, size_t *ret,
                      struct fx_err *err)
{
    int64_t value;
    if (!read_int(object, key, UINT32_MAX, &value, err))
        return false;
    *ret = (size_t)value;
    return true;
}

static bool read_wall(const struct fx_json *object, const char *key, struct fx_wall *ret,
                      struct fx_err *err)
{
    if (!fx_json_need_i64(fx_json_get(object, key), "unix_us", &ret->us, err))
        return fx_ctx(err, "reading \"%s\"", key);
    return (ret->us >= EARLIEST_US && ret->us <= LATEST_US) ||
           fx_fail(
               err, FX_E_PROTOCOL,
               "the time in \"%s\" is not between the years 2026 and 2100: the file was changed, "
               "or the clock of the machine that compared was wrong",
               key);
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
    return fx_fail(err, FX_E_PROTOCOL, "\"%s\" has the value \"%s\", which no Ficus writes there",
                   key, word);
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
                                   .target = copy_str(from, "target", arena)};
    return kind != REC_DIFFERENT ||
           read_size(from, "columns_different", &ret->n_columns_different, err);
}

static bool read_table(const struct fx_json *from, struct fx_arena *arena,
                       struct rec_table_result *ret, struct fx_err *err)
{
    const char *source, *target;
    const struct fx_json *list = fx_json_get(from, "differences");
    if (!fx_json_need_str(from, "source", &source, err) ||
        !fx_json_need_str(from, "target", &target, err) ||
        !read_int(from, "rows_source", ROWS_MAX, &ret->rows_source, err) ||
        !read_int(from, "rows_target", ROWS_MAX, &ret->rows_target, err) ||
        !read_int(from, "rows_equal", ROWS_MAX, &ret->rows_equal, err) ||
        !read_int(from, "missing", ROWS_MAX, &ret->missing, err) ||
        !read_int(from, "extra", ROWS_MAX, &ret->extra, err) ||
        !read_int(from, "different", ROWS_MAX, &ret->different, err) ||
        !read_size(from, "columns_compared", &ret->columns_compared, err))
        return false;
    ret->source_name = fx_arena_strdup(arena, source);
    ret->target_name = fx_arena_strdup(arena, target);
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

/* What is listed is a part of what was counted. */
static bool check_differences(const struct rec_table_result *table, struct fx_err *err)
{
    int64_t listed[3] = {0};
    for (size_t i = 0; i < table->n_differences; i++) {
        const struct rec_difference *difference = &table->differences[i];
        listed[difference->kind]++;
        if (difference->kind == REC_DIFFERENT &&
            (difference->n_columns_different == 0 ||
             difference->n_columns_different > table->columns_compared))
            return fx_fail(err, FX_E_PROTOCOL,
                           "table \"%s\" lists a row that differs in %zu columns, but %zu columns "
                           "were compared",
                           table->source_name, difference->n_columns_different,
                           table->columns_compared);
    }
    return (listed[REC_MISSING] <= table->missing && listed[REC_EXTRA] <= table->extra &&
            listed[REC_DIFFERENT] <= table->different) ||
           fx_fail(err, FX_E_PROTOCOL, "table \"%s\" lists more differences than it counts",
                   table->source_name);
}

static bool check_table(const struct rec_report *report, size_t at, struct fx_err *err)
{
    const struct rec_table_result *table = &report->tables[at];
    for (size_t i = 0; i < at; i++) {
        if (strcmp(report->tables[i].source_name, table->source_name) == 0 ||
            strcmp(report->tables[i].target_name, table->target_name) == 0)
            return fx_fail(err, FX_E_PROTOCOL, "table \"%s\" is listed twice", table->source_name);
    }
    if (table->rows_equal + table->different + table->missing != table->rows_source ||
        table->rows_equal + table->different + table->extra != table->rows_target)
        return fx_fail(err, FX_E_PROTOCOL, "the row counts of table \"%s\" do not add up",
                       table->source_name);
    if (table->not_compared == NULL && table->columns_compared == 0)
        return fx_fail(err, FX_E_PROTOCOL, "no column of table \"%s\" was compared",
                       table->source_name);
    return check_differences(table, err);
}

/* Do the parts agree? What the tables give is what the head must say. */
static bool check_sums(const struct rec_report *report, struct fx_err *err)
{
    struct rec_report again = *report;
    for (size_t i = 0; i < report->n_tables; i++)
        if (!check_table(report, i, err))
            return false;
    if (report->n_tables > report->tables_in_context)
        return fx_fail(err, FX_E_PROTOCOL,
                       "the report lists %zu tables, but says that the context has %zu",
                       report->n_tables, report->tables_in_context);
    rec_report_finish(&again, report->tables_in_context);
    if (again.divergent != report->divergent || again.rows_compared != report->rows_compared ||
        again.verdict != report->verdict || again.coverage_percent != report->coverage_percent)
        return fx_fail(err, FX_E_PROTOCOL,
                       "the verdict of the report contradicts the counts of its tables");
    return true;
}

static bool check_dates(const struct rec_report *report, struct fx_err *err)
{
    return (report->started.us <= report->cut.us && report->cut.us <= report->finished.us) ||
           fx_fail(err, FX_E_PROTOCOL,
                   "the times of the report (started, cut, finished) are not in this order");
}

/* "ficus-reconcile/2" */
static bool read_format(const char *format, int64_t *ret, struct fx_err *err)
{
    struct fx_str text = fx_str_from(format);
    if (!fx_str_starts(text, FX_STR(REC_REPORT_FORMAT)) ||
        !fx_parse_i64(fx_str_from(format + strlen(REC_REPORT_FORMAT)), 1, INT64_MAX, ret))
        return fx_fail(
            err, FX_E_PROTOCOL,
            "the file is not a report of Ficus: its format is \"%s\", expected \"%s%lld\"", format,
            REC_REPORT_FORMAT, (long long)fx_form_current(FX_FORM_REPORT));
    return fx_form_check(FX_FORM_REPORT, *ret, "the report", err);
}

static bool read_head(const struct fx_json *root, struct fx_arena *arena, struct rec_report *ret,
                      struct fx_err *err)
{
    static const char *const directions[] = {"forward", "reverse"};
    static const char *const verdicts[] = {"equal", "divergent", "inconclusive"};
    const char *context, *plan, *step, *digest;
    int direction, verdict;
    if (!fx_json_need_str(root, "context", &context, err) ||
        !fx_json_need_str(root, "plan", &plan, err) ||
        !fx_json_need_str(root, "step", &step, err) ||
        !fx_json_need_str(root, "mapping_digest", &digest, err) ||
        !read_word(root, "direction", directions, 2, &direction, err) ||
        !read_word(root, "verdict", verdicts, 3, &verdict, err) ||
        !read_pos(root, "source_position", arena, &ret->source_pos, err) ||
        !read_pos(root, "target_position", arena, &ret->target_pos, err) ||
        !read_wall(root, "started", &ret->started, err) ||
        !read_wall(root, "finished", &ret->finished, err) ||
        !read_int(root, "applier_held_ms", INT32_MAX, &ret->applier_held_ms, err) ||
        !read_int(root, "rows_compared", INT64_MAX, &ret->rows_compared, err) ||
        !read_int(root, "divergent", INT64_MAX, &ret->divergent, err))
        return false;
    ret->context = fx_arena_strdup(arena, context);
    ret->asker.plan = fx_arena_strdup(arena, plan);
    ret->asker.step = fx_arena_strdup(arena, step);
    ret->mapping_digest = fx_arena_strdup(arena, digest);
    ret->direction = (enum fx_direction)direction;
    ret->verdict = (enum rec_verdict)verdict;
    ret->coverage_percent = fx_json_get_double(root, "coverage_percent", -1);
    return true;
}

/* What version 1 lacks: the comparison's beginning stands for its cut, which came later. */
static bool read_since_v2(const struct fx_json *root, struct fx_arena *arena,
                          struct rec_report *ret, struct fx_err *err)
{
    const char *tool;
    if (ret->version < 2) {
        ret->cut = ret->started;
        ret->tables_in_context = fx_json_len(fx_json_get(root, "tables"));
        return true;
    }
    if (!fx_json_need_str(root, "tool", &tool, err) || !read_wall(root, "cut", &ret->cut, err) ||
        !read_size(root, "tables_in_context", &ret->tables_in_context, err))
        return false;
    ret->tool = fx_arena_strdup(arena, tool);
    ret->inconclusive = copy_str(root, "inconclusive", arena);
    return fx_str_starts(fx_str_from(tool), FX_STR("ficus ")) ||
           fx_fail(err, FX_E_PROTOCOL, "the report was made by \"%s\", not by Ficus", tool);
}

static bool read_identity(const struct fx_json *side, struct fx_arena *arena,
                          struct fx_identity *ret, struct fx_err *err)
{
    const char *name, *address, *server, *holder;
    if (!fx_json_need_str(side, "name", &name, err) ||
        !fx_json_need_str(side, "address", &address, err) ||
        !fx_json_need_str(side, "server", &server, err) ||
        !fx_json_need_str(side, "controller", &holder, err) ||
        !read_int(side, "held_since_us", LATEST_US, &ret->held_since_us, err))
        return fx_ctx(err, "reading \"databases\"");
    ret->name = fx_arena_strdup(arena, name);
    ret->address = fx_arena_strdup(arena, address);
    ret->server = fx_arena_strdup(arena, server);
    ret->holder = fx_arena_strdup(arena, holder);
    return true;
}

/* The databases; what version 2 lacks stays NULL, and no gate that wants to know them passes. */
static bool read_since_v3(const struct fx_json *root, struct fx_arena *arena,
                          struct rec_report *ret, struct fx_err *err)
{
    const char *run;
    const struct fx_json *databases = fx_json_get(root, "databases");
    if (ret->version < 3)
        return true;
    if (!fx_json_need_str(root, "run", &run, err) ||
        !read_identity(fx_json_get(databases, "old"), arena, &ret->databases.old_side, err) ||
        !read_identity(fx_json_get(databases, "new"), arena, &ret->databases.new_side, err))
        return false;
    ret->asker.run = fx_arena_strdup(arena, run);
    return read_int(root, "stream_epoch", INT64_MAX, &ret->stream_epoch, err);
}

static bool read_tables(const struct fx_json *root, struct fx_arena *arena, struct rec_report *ret,
                        struct fx_err *err)
{
    const struct fx_json *tables = fx_json_get(root, "tables");
    ret->n_tables = fx_json_len(tables);
    if (fx_json_kind(tables) != FX_JSON_ARRAY || ret->n_tables > TABLES_MAX)
        return fx_fail(err, FX_E_PROTOCOL, "\"tables\" must be a list of at most %d tables",
                       TABLES_MAX);
    ret->tables = fx_arena_array(arena, ret->n_tables + 1, sizeof *ret->tables);
    for (size_t i = 0; i < ret->n_tables; i++)
        if (!read_table(fx_json_at(tables, i), arena, &ret->tables[i], err))
            return false;
    return true;
}

static bool read_report(const struct fx_json *root, struct fx_arena *arena, struct rec_report *ret,
                        struct fx_err *err)
{
    const char *format;
    return fx_json_need_str(root, "format", &format, err) &&
           read_format(format, &ret->version, err) && read_head(root, arena, ret, err) &&
           read_since_v2(root, arena, ret, err) && read_since_v3(root, arena, ret, err) &&
           read_tables(root, arena, ret, err);
}

/* Version 1 ends without a seal. */
static bool check_seal(struct fx_str bytes, const struct rec_trust *trust, struct fx_str *ret_body,
                       struct rec_report *report, struct fx_err *err)
{
    if (report->version >= 2)
        return rec_seal_check(bytes, trust, ret_body, report, err);
    *ret_body = fx_str_ends(bytes, FX_STR("}\n")) ? fx_str_sub(bytes, 0, bytes.len - 2) : bytes;
    return trust->allows_unsigned || trust->is_for_show ||
           fx_fail(err, FX_E_PROTOCOL, "the report is not signed: it has version 1") ||
           fx_hint(
               err,
               "Compare again with this build: ficus reconcile run --context NAME --report DIR");
}

/* Whatever was not read (a member twice, an unknown one, "\u0041", 1e2) is missing here. */
static bool check_bytes(struct fx_str body, const struct rec_report *report, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf again = FX_BUF(REC_REPORT_MAX_BYTES);
    rec_report_body(report, report->version, &again);
    if (!again.has_failed && fx_str_eq(fx_buf_str(&again), body))
        return true;
    (void)fx_fail(err, FX_E_PROTOCOL, "the bytes of the report are not those that Ficus writes");
    return fx_hint(
        err, "Take report.json as ficus reconcile run wrote it; jq, formatters and editors change "
             "its bytes. Or compare again: ficus reconcile run --context NAME --report DIR");
}

bool rec_report_parse(struct fx_str bytes, const struct rec_trust *trust, struct fx_arena *arena,
                      struct rec_report **ret_report, struct fx_err *err)
{
    struct rec_report *report = FX_ARENA_NEW(arena, struct rec_report);
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    struct fx_str body;
    if (!fx_json_parse(bytes, &doc, err) || !read_report(fx_json_root(doc), arena, report, err) ||
        !check_seal(bytes, trust, &body, report, err) || !check_bytes(body, report, err) ||
        !check_dates(report, err) || !check_sums(report, err))
        return false;
    *ret_report = report;
    return true;
}

bool rec_report_load(const char *path, const struct rec_trust *trust, struct fx_arena *arena,
                     struct rec_report **ret_report, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(REC_REPORT_MAX_BYTES);
    if (fx_file_read(path, REC_REPORT_MAX_BYTES, &text, err) &&
        rec_report_parse(fx_buf_str(&text), trust, arena, ret_report, err))
        return true;
    /* Whatever keeps it from being read: nothing is known then,
     * which is neither a pass nor a fault of the machine. */
    (void)fx_err_wrap(err, FX_E_INCONCLUSIVE, "report \"%s\" cannot be read", path);
    if (err->hint[0] == '\0')
        (void)fx_hint(err,
                      "Take report.json as ficus reconcile run wrote it, or compare again, which "
                      "writes a new one to DIR: ficus reconcile run --context NAME --report DIR");
    return false;
}
