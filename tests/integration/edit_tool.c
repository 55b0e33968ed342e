/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edits of a real report that passes its gate, for 3101:
 *
 *   edit_tool PROJECT REPORT PUBLIC_KEY|- STRANGERS_KEY SEED N [OWN_KEY|- [OTHER_REPORT…]]
 *
 * Makes N edits, decided by SEED, and asks the gate about each. With a public key the report is
 * signed, and no edit may pass, whether the signature is left, replaced by a checksum, made by a
 * stranger, or the report called an older form. With "-" the report is unsigned: an edit with the
 * old checksum may not pass; with a new one (which anybody can write) only an edit of what the gate
 * does not decide by may: a text for people, a position, a fingerprint.
 *
 * With OWN_KEY, the private half of PUBLIC_KEY, N/5 reports are made that Ficus could have signed:
 * of other databases, another mapping or context, older ones. None may pass. OTHER_REPORTs are such
 * reports of real comparisons: neither they nor a part of them beside a part of REPORT may pass.
 * Exit status 1: one passed.
 */
#include <inttypes.h>

#include "lib/base/rand.h"
#include "lib/fmt/text.h"
#include "lib/io/file.h"
#include "lib/map/map.h"
#include "reconcile/report/names.h"
#include "reconcile/report/seal.h"

enum { VALUES_MAX = 4096, MAX_AGE_MS = 3600000 };

/* One member with a scalar value: "key":value. */
struct member {
    size_t start, value, end; /* of the quote of its key, of its value, after it */
    struct fx_str key;
};

struct editor {
    struct fx_rand rnd;
    struct fx_str body; /* of the report, without its seal */
    struct fx_str seal;
    struct member members[VALUES_MAX];
    size_t n_members;
    size_t tables; /* where the list of tables begins */
    const struct fx_private_key *stranger;
    struct rec_trust trust;
    struct rec_limits limits;
    bool is_signed;
    bool may_stay_true; /* of the present edit: what it changed decides nothing */
    const char *what;   /* of the present edit */
};

/* --- the report's members --------------------------------------------------------------------- */

static size_t end_of_string(struct fx_str text, size_t at)
{
    for (at++; at < text.len && text.ptr[at] != '"'; at++)
        at += text.ptr[at] == '\\';
    return at + 1;
}

static void add_member(struct editor *ed, size_t start, size_t key_end)
{
    size_t end = key_end + 1;
    char first = ed->body.ptr[end];
    if (first == '{' || first == '[' || ed->n_members == VALUES_MAX)
        return;
    if (first == '"')
        end = end_of_string(ed->body, end);
    else
        while (end < ed->body.len && strchr(",}]", ed->body.ptr[end]) == NULL)
            end++;
    ed->members[ed->n_members++] = (struct member){
        start, key_end + 1, end, fx_str_sub(ed->body, start + 1, key_end - start - 2)};
}

static void find_members(struct editor *ed)
{
    for (size_t i = 0; i < ed->body.len; i++) {
        if (ed->body.ptr[i] != '"')
            continue;
        size_t end = end_of_string(ed->body, i);
        if (end < ed->body.len && ed->body.ptr[end] == ':')
            add_member(ed, i, end);
        i = end - 1;
    }
}

/* What the gate does not decide by, so that an unsigned report may say anything there. */
static bool decides_nothing(struct fx_str key)
{
    static const char *const names[] = {"plan",
                                        "step",
                                        "source_position",
                                        "target_position",
                                        "applier_held_ms",
                                        "source_fingerprint",
                                        "target_fingerprint",
                                        "one_sided",
                                        "columns_compared",
                                        "key",
                                        "column",
                                        "columns_different",
                                        "run",
                                        "name",
                                        "controller",
                                        "held_since_us",
                                        "stream_epoch",
                                        "tool"};
    for (size_t i = 0; i < FX_ARRAY_LEN(names); i++)
        if (fx_str_eq_c(key, names[i]))
            return true;
    return false;
}

static struct fx_str text_of(const struct editor *ed, size_t from, size_t to)
{
    return fx_str_sub(ed->body, from, to - from);
}

static const struct member *pick(struct editor *ed)
{
    return &ed->members[fx_rand_below(&ed->rnd, ed->n_members)];
}

static const struct member *pick_number(struct editor *ed)
{
    const struct member *m = pick(ed);
    while (strchr("0123456789", ed->body.ptr[m->value]) == NULL)
        m = pick(ed);
    return m;
}

static const struct member *pick_text(struct editor *ed)
{
    const struct member *m = pick(ed);
    while (ed->body.ptr[m->value] != '"' || m->end - m->value < 3)
        m = pick(ed);
    return m;
}

/* The body with the bytes from..to replaced. */
static void splice(const struct editor *ed, size_t from, size_t to, const char *text,
                   struct fx_buf *out)
{
    fx_buf_add(out, text_of(ed, 0, from));
    fx_buf_add_c(out, text);
    fx_buf_add(out, text_of(ed, to, ed->body.len));
}

/* --- edits of the body ------------------------------------------------------------------------ */

static void edit_number(struct editor *ed, struct fx_buf *out)
{
    const struct member *m = pick_number(ed);
    char text[64];
    int64_t value = 0;
    if (!fx_parse_i64(text_of(ed, m->value, m->end), 0, INT64_MAX, &value))
        value = 0;
    int64_t by = 1 + (int64_t)fx_rand_below(&ed->rnd, 1000);
    snprintf(text, sizeof text, "%" PRId64, value >= by && by % 2 ? value - by : value + by);
    ed->what = "another number";
    ed->may_stay_true = decides_nothing(m->key);
    splice(ed, m->value, m->end, text, out);
}

static void edit_impossible_number(struct editor *ed, struct fx_buf *out)
{
    static const char *const numbers[] = {"-1",
                                          "9223372036854775807",
                                          "9223372036854775808",
                                          "1e99",
                                          "18446744073709551615",
                                          "-9223372036854775808",
                                          "NaN",
                                          "99999999999999999999",
                                          "1e400",
                                          "-0",
                                          "0x10",
                                          "Infinity"};
    const struct member *m = pick_number(ed);
    ed->what = "a number that cannot be";
    splice(ed, m->value, m->end, numbers[fx_rand_below(&ed->rnd, FX_ARRAY_LEN(numbers))], out);
}

static void edit_spelling(struct editor *ed, struct fx_buf *out)
{
    static const char *const forms[] = {"\"%.*s\"", "%.*s.0", "%.*se0", "0%.*s",
                                        " %.*s",    "+%.*s",  "%.*s "};
    const struct member *m = pick_number(ed);
    char text[96];
    const char *form = forms[fx_rand_below(&ed->rnd, FX_ARRAY_LEN(forms))];
    size_t at = (size_t)(strchr(form, '%') - form);
    snprintf(text, sizeof text, "%.*s%.*s%s", (int)at, form,
             FX_STR_FMT(text_of(ed, m->value, m->end)), form + at + 4);
    ed->what = "a number in another spelling";
    splice(ed, m->value, m->end, text, out);
}

static void edit_text(struct editor *ed, struct fx_buf *out)
{
    const struct member *m = pick_text(ed);
    size_t at = m->value + 1 + fx_rand_below(&ed->rnd, m->end - m->value - 2);
    char letter[2] = {ed->body.ptr[at] == 'a' ? 'b' : 'a', '\0'};
    ed->what = "another letter";
    ed->may_stay_true = decides_nothing(m->key) ||
                        /* of a table, where nothing is bound in CI */
                        (fx_str_eq_c(m->key, "mapping_digest") && m->start > ed->tables);
    splice(ed, at, at + 1, letter, out);
}

static void edit_escape(struct editor *ed, struct fx_buf *out)
{
    const struct member *m = pick_text(ed);
    char text[16];
    snprintf(text, sizeof text, "\\u%04x", (unsigned)(unsigned char)ed->body.ptr[m->value + 1]);
    ed->what = "a letter as an escape";
    splice(ed, m->value + 1, m->value + 2, text, out);
}

static void edit_kind(struct editor *ed, struct fx_buf *out)
{
    static const char *const values[] = {"true", "[]", "{}", "\"\"", "[1]"};
    const struct member *m = pick(ed);
    ed->what = "a value of another kind";
    ed->may_stay_true = decides_nothing(m->key) || fx_str_eq_c(m->key, "one_sided") ||
                        fx_str_eq_c(m->key, "mapping_digest");
    splice(ed, m->value, m->end, values[fx_rand_below(&ed->rnd, FX_ARRAY_LEN(values))], out);
}

/* The member with the comma after it. */
static void edit_remove(struct editor *ed, struct fx_buf *out)
{
    const struct member *m = pick(ed);
    size_t end = m->end + (ed->body.ptr[m->end] == ',');
    ed->what = "a member less";
    splice(ed, m->start, end, "", out);
}

static void edit_twice(struct editor *ed, struct fx_buf *out)
{
    const struct member *m = pick(ed);
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 16);
    fx_buf_add(&text, text_of(ed, m->start, m->end));
    fx_buf_add_char(&text, ',');
    ed->what = "a member twice";
    splice(ed, m->start, m->start, fx_buf_cstr(&text), out);
}

static void edit_unknown(struct editor *ed, struct fx_buf *out)
{
    ed->what = "a member that nobody knows";
    size_t at = pick(ed)->start;
    splice(ed, at, at, "\"checked_by\":\"me\",", out);
}

static void edit_space(struct editor *ed, struct fx_buf *out)
{
    static const char *const spaces[] = {" ", "\n", "\t", "\r\n", "\n    "};
    size_t at = pick(ed)->start;
    ed->what = "white space";
    splice(ed, at, at, spaces[fx_rand_below(&ed->rnd, FX_ARRAY_LEN(spaces))], out);
}

static void edit_truncate(struct editor *ed, struct fx_buf *out)
{
    ed->what = "an end that is missing";
    fx_buf_add(out, text_of(ed, 0, fx_rand_below(&ed->rnd, ed->body.len)));
}

static void edit_order(struct editor *ed, struct fx_buf *out)
{
    const struct member *m = pick(ed);
    while (ed->body.ptr[m->end] != ',' || m + 1 == &ed->members[ed->n_members] ||
           m[1].start != m->end + 1)
        m = pick(ed);
    fx_buf_add(out, text_of(ed, 0, m->start));
    fx_buf_add(out, text_of(ed, m[1].start, m[1].end));
    fx_buf_add_char(out, ',');
    fx_buf_add(out, text_of(ed, m->start, m->end));
    fx_buf_add(out, text_of(ed, m[1].end, ed->body.len));
    ed->what = "two members in another order";
}

static void edit_swap(struct editor *ed, struct fx_buf *out)
{
    const struct member *a = pick(ed), *b = pick(ed);
    while (a >= b || fx_str_eq(text_of(ed, a->value, a->end), text_of(ed, b->value, b->end))) {
        a = pick(ed);
        b = pick(ed);
    }
    fx_buf_add(out, text_of(ed, 0, a->value));
    fx_buf_add(out, text_of(ed, b->value, b->end));
    fx_buf_add(out, text_of(ed, a->end, b->value));
    fx_buf_add(out, text_of(ed, a->value, a->end));
    fx_buf_add(out, text_of(ed, b->end, ed->body.len));
    ed->what = "two values exchanged";
    ed->may_stay_true = (decides_nothing(a->key) || a->start > ed->tables) &&
                        (decides_nothing(b->key) || fx_str_eq_c(b->key, "mapping_digest"));
}

static void edit_byte(struct editor *ed, struct fx_buf *out)
{
    size_t at = fx_rand_below(&ed->rnd, ed->body.len);
    char byte[2] = {(char)(ed->body.ptr[at] ^ (char)0x80), '\0'};
    ed->what = "a byte that is not ASCII";
    splice(ed, at, at + 1, byte, out);
}

/* --- edits of the values, by somebody who knows the form -------------------------------------- */

static struct rec_report *values_of(const struct editor *ed, struct fx_arena *arena)
{
    struct rec_report *report = NULL;
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_buf) struct fx_buf file = FX_BUF(REC_REPORT_MAX_BYTES);
    fx_buf_add(&file, ed->body);
    fx_buf_add(&file, ed->seal);
    if (!rec_report_parse(fx_buf_str(&file), &ed->trust, arena, &report, &err))
        return NULL;
    return report;
}

static void drop_table(struct rec_report *report, size_t at)
{
    struct rec_table_result *table = &report->tables[at];
    report->rows_compared -= FX_MAX(table->rows_source, table->rows_target);
    *table = report->tables[--report->n_tables];
    report->tables_in_context--;
    report->coverage_percent = 100;
}

static const char *edit_values(struct editor *ed, struct rec_report *report)
{
    int64_t years = (ed->rnd.state[0] % 70 + 1) * INT64_C(31557600000000);
    struct rec_table_result *table = &report->tables[fx_rand_below(&ed->rnd, report->n_tables)];
    switch (fx_rand_below(&ed->rnd, 10)) {
    case 0: report->context = "carts"; return "another context";
    case 1:
        report->started.us += years, report->cut.us += years, report->finished.us += years;
        return "dates of the future";
    case 2:
        report->started.us -= years, report->cut.us -= years, report->finished.us -= years;
        return "dates of the past";
    case 3:
        drop_table(report, (size_t)(table - report->tables));
        return "a table less, sums made good";
    case 4: table->source_name = "public.others"; return "another table";
    case 5: report->mapping_digest = "00000000000000000000000000000000"; return "another mapping";
    case 8:
        report->databases.old_side.address = "postgresql://staging:5432/shop";
        return "another old database";
    case 9:
        report->databases.new_side.address = "mysql://staging:3306/orders";
        return "another new database";
    case 6: report->inconclusive = "stopped"; return "inconclusive, but called equal";
    default:
        report->direction = report->direction == FX_FORWARD ? FX_REVERSE : FX_FORWARD;
        return "the other direction";
    }
}

static void edit_knowingly(struct editor *ed, struct fx_buf *out)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct rec_report *report = values_of(ed, &arena);
    ed->what = edit_values(ed, report);
    rec_report_body(report, report->version, out);
}

/* The same values as a report of version 1, which has no seal. */
static void edit_older_form(struct editor *ed, struct fx_buf *out)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    rec_report_body(values_of(ed, &arena), 1, out);
    fx_buf_add_c(out, "}\n");
    ed->what = "the older form";
}

static void (*const edits[])(struct editor *ed,
                             struct fx_buf *out) = {edit_number,    edit_impossible_number,
                                                    edit_spelling,  edit_text,
                                                    edit_escape,    edit_kind,
                                                    edit_remove,    edit_twice,
                                                    edit_unknown,   edit_space,
                                                    edit_truncate,  edit_order,
                                                    edit_swap,      edit_byte,
                                                    edit_knowingly, edit_knowingly,
                                                    edit_number,    edit_text};

/* --- the gate --------------------------------------------------------------------------------- */

static bool passes(const struct editor *ed, struct fx_str file)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    FX_AUTO(fx_buf) struct fx_buf why = FX_BUF(4096);
    struct rec_report *report;
    struct fx_err err = FX_ERR_INIT;
    fx_arena_init(&arena, 0);
    return rec_report_parse(file, &ed->trust, &arena, &report, &err) &&
           rec_gate(report, &ed->limits, fx_wall_now(), &why) == REC_GATE_PASS;
}

/* How the end of the file is made: 0 the old seal, 1 a checksum, 2 a stranger's signature, 3 that
 * one under the fingerprint of the trusted key, 4 something after the old seal. */
enum { N_ENDS = 5 };

static const char *add_end(const struct editor *ed, unsigned end, struct fx_buf *file)
{
    static const char word[] = "\"signature\":{\"key\":\"";
    size_t body_len = file->len;
    switch (end) {
    case 1: rec_seal_add(NULL, file); return "a new checksum";
    case 2: rec_seal_add(ed->stranger, file); return "a stranger's signature";
    case 3:
        rec_seal_add(ed->stranger, file);
        memcpy(file->ptr + body_len + sizeof word, ed->seal.ptr + sizeof word, FX_SHA256_HEX - 1);
        return "a stranger's signature under the trusted key's name";
    case 4:
        fx_buf_add(file, ed->seal);
        fx_buf_add_c(file, file->len % 2 ? "\n" : "{}");
        return "something after the seal";
    default: fx_buf_add(file, ed->seal); return "the old seal";
    }
}

/* One edit under one end; false when it passes and must not. */
static bool try_edit(struct editor *ed, uint64_t number)
{
    FX_AUTO(fx_buf) struct fx_buf file = FX_BUF(REC_REPORT_MAX_BYTES);
    unsigned end = (unsigned)fx_rand_below(&ed->rnd, ed->is_signed ? N_ENDS : 2);
    const char *ending = "none";
    ed->may_stay_true = false;
    if (ed->is_signed && fx_rand_below(&ed->rnd, 20) == 0) {
        edit_older_form(ed, &file);
    } else {
        do { /* "[]" for "[]" is no edit */
            fx_buf_clear(&file);
            ed->may_stay_true = false;
            edits[fx_rand_below(&ed->rnd, FX_ARRAY_LEN(edits))](ed, &file);
        } while (fx_str_eq(fx_buf_str(&file), ed->body));
        ending = add_end(ed, end, &file);
    }
    bool may_pass = ed->may_stay_true && !ed->is_signed && end == 1;
    if (may_pass || !passes(ed, fx_buf_str(&file)))
        return true;
    printf("edit %" PRIu64 " passes: %s, %s\n%s\n", number, ed->what, ending, fx_buf_cstr(&file));
    return false;
}

/* An unedited body under a wrong end is an edit, too. */
static bool try_ends(const struct editor *ed)
{
    bool is_ok = true;
    for (unsigned end = 1; ed->is_signed && end < N_ENDS; end++) {
        FX_AUTO(fx_buf) struct fx_buf file = FX_BUF(REC_REPORT_MAX_BYTES);
        fx_buf_add(&file, ed->body);
        const char *ending = add_end(ed, end, &file);
        if (!passes(ed, fx_buf_str(&file)))
            continue;
        printf("the report passes with %s\n", ending);
        is_ok = false;
    }
    return is_ok;
}

/* --- whole reports that are true, but of something else --------------------------------------- */

static bool try_own(struct editor *ed, const struct fx_private_key *own, uint64_t n)
{
    bool is_ok = true;
    for (uint64_t i = 0; i < n; i++) {
        FX_AUTO(fx_arena) struct fx_arena arena;
        FX_AUTO(fx_buf) struct fx_buf file = FX_BUF(REC_REPORT_MAX_BYTES);
        fx_arena_init(&arena, 0);
        struct rec_report *report = values_of(ed, &arena);
        const char *what = edit_values(ed, report);
        rec_report_json(report, own, &file);
        if (!passes(ed, fx_buf_str(&file)))
            continue;
        printf("signed by the trusted key, and passes: %s\n%s\n", what, fx_buf_cstr(&file));
        is_ok = false;
    }
    return is_ok;
}

static size_t find(struct fx_str text, const char *word)
{
    const char *at = memmem(text.ptr, text.len, word, strlen(word));
    return at != NULL ? (size_t)(at - text.ptr) : text.len;
}

/* Tables of the same rows have the same bytes. */
static bool is_unchanged(const struct editor *ed, struct fx_str file)
{
    return fx_str_starts(file, ed->body) &&
           fx_str_eq(fx_str_sub(file, ed->body.len, file.len), ed->seal);
}

/* The other one whole; its body under our seal, ours under its; its head with our tables, … */
static bool try_other(const struct editor *ed, const char *path, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf read = FX_BUF(REC_REPORT_MAX_BYTES);
    if (!fx_file_read(path, REC_REPORT_MAX_BYTES, &read, err))
        return fx_err_report(err, "edit_tool") == 0;
    struct fx_str other = fx_buf_str(&read);
    size_t end = find(other, ed->is_signed ? ",\"signature\":" : ",\"checksum\":");
    struct fx_str bodies[] = {ed->body, fx_str_sub(other, 0, end)};
    struct fx_str seals[] = {ed->seal, fx_str_sub(other, end, other.len)};
    bool is_ok = true;
    for (unsigned mix = 1; mix < 8; mix++) { /* bits: whose head, whose tables, whose seal */
        FX_AUTO(fx_buf) struct fx_buf file = FX_BUF(REC_REPORT_MAX_BYTES);
        struct fx_str head = bodies[mix & 1], tables = bodies[mix >> 1 & 1];
        fx_buf_add(&file, fx_str_sub(head, 0, find(head, "\"tables\":[")));
        fx_buf_add(&file, fx_str_sub(tables, find(tables, "\"tables\":["), tables.len));
        fx_buf_add(&file, seals[mix >> 2]);
        if (is_unchanged(ed, fx_buf_str(&file)) || !passes(ed, fx_buf_str(&file)))
            continue;
        printf("mixture %u of the report and %s passes\n", mix, path);
        is_ok = false;
    }
    return is_ok;
}

static bool try_others(struct editor *ed, char **paths, struct fx_err *err)
{
    bool is_ok = true;
    for (; *paths != NULL; paths++)
        is_ok &= try_other(ed, *paths, err);
    return is_ok;
}

static bool load(struct editor *ed, char **argv, struct fx_arena *arena, struct fx_buf *file,
                 struct fx_err *err)
{
    struct fx_project *project;
    struct fx_public_key *key = FX_ARENA_NEW(arena, struct fx_public_key);
    struct fx_private_key *stranger = NULL;
    uint64_t seed;
    ed->is_signed = strcmp(argv[3], "-") != 0;
    ed->trust =
        (struct rec_trust){.keys = key, .n_keys = ed->is_signed, .allows_unsigned = !ed->is_signed};
    if ((ed->is_signed && !fx_public_key_load(argv[3], key, err)) ||
        !fx_private_key_load(argv[4], &stranger, err) ||
        !fx_project_load(argv[1], arena, &project, err) ||
        !fx_file_read(argv[2], REC_REPORT_MAX_BYTES, file, err))
        return false;
    if (!fx_parse_u64(fx_str_from(argv[5]), UINT64_MAX, &seed))
        return fx_fail(err, FX_E_USAGE, "SEED is a number");
    ed->stranger = stranger;
    ed->limits = (struct rec_limits){
        .coverage_min_percent = 100, .max_age_ms = MAX_AGE_MS, .ctx = &project->contexts[0]};
    char *seal = strstr(file->ptr, ed->is_signed ? ",\"signature\":" : ",\"checksum\":");
    if (seal == NULL || !passes(ed, fx_buf_str(file)))
        return fx_fail(err, FX_E_USAGE, "the report itself does not pass");
    ed->body = (struct fx_str){file->ptr, (size_t)(seal - file->ptr)};
    ed->seal = fx_str_from(seal);
    fx_rand_init(&ed->rnd, seed);
    ed->tables = find(ed->body, "\"tables\":[");
    find_members(ed);
    return true;
}

int main(int argc, char **argv)
{
    static struct editor ed;
    FX_AUTO(fx_arena) struct fx_arena arena;
    FX_AUTO(fx_buf) struct fx_buf file = FX_BUF(REC_REPORT_MAX_BYTES);
    struct fx_err err = FX_ERR_INIT;
    uint64_t n, n_passed = 0;
    fx_arena_init(&arena, 0);
    struct fx_private_key *own = NULL;
    if (argc < 7 || !fx_parse_u64(fx_str_from(argv[6]), 1000000, &n))
        return 2;
    if (!load(&ed, argv, &arena, &file, &err))
        return fx_err_report(&err, "edit_tool");
    if (argc > 7 && strcmp(argv[7], "-") != 0 && !fx_private_key_load(argv[7], &own, &err))
        return fx_err_report(&err, "edit_tool");
    bool is_ok = try_ends(&ed);
    if (own != NULL)
        is_ok &= try_own(&ed, own, n / 5);
    if (argc > 8)
        is_ok &= try_others(&ed, argv + 8, &err);
    fx_private_key_free(own);
    for (uint64_t i = 0; i < n; i++)
        n_passed += !try_edit(&ed, i);
    printf("seed %s: %" PRIu64 " edits of %s report, %" PRIu64 " pass that must not\n", argv[5], n,
           ed.is_signed ? "a signed" : "an unsigned", n_passed);
    return is_ok && n_passed == 0 ? 0 : 1;
}
