/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ficus explain: what a code means and what to do. Takes what an error shows in
 * brackets ("DB_CONFLICT/1213 40001") or what a client of a database prints ("ERROR 1644 (45000)").
 */
#include "cmd/ficus/cmd.h"
#include "cmd/ficus/explain.h"
#include "cmd/ficus/pages.h"
#include "lib/fmt/suggest.h"
#include "lib/fmt/text.h"

static const struct cmd_explanation rows[] = {
#define X(name, origin, what, lost, next) {name, origin, what, lost, next},
#include "cmd/ficus/explain.def"
#undef X
    {0},
};

const struct cmd_explanation *cmd_explanations(void)
{
    return rows;
}

/* A row with a name of two characters is for a whole class of SQLSTATEs. */
static bool is_class_of(const char *name, const char *word)
{
    return strlen(name) == 2 && strlen(word) == 5 && strncmp(name, word, 2) == 0;
}

/* The first row of that name, or NULL. */
static const struct cmd_explanation *find(const char *word)
{
    for (const struct cmd_explanation *row = rows; row->name != NULL; row++)
        if (strcmp(row->name, word) == 0)
            return row;
    return NULL;
}

/* --- printing --------------------------------------------------------------------------------- */

static void print_exit(const char *name, struct fx_buf *out)
{
    enum fx_code code;
    if (!fx_code_from_name(name, &code))
        return;
    const char *meaning = cmd_exit_meaning(fx_code_exit(code));
    fx_buf_printf(out, "  exit:  %d%s%s%s\n", fx_code_exit(code), meaning != NULL ? " (" : "",
                  meaning != NULL ? meaning : "", meaning != NULL ? ")" : "");
}

/* Words of `text` in lines of at most 80 columns; further lines begin under the first word. */
static void print_wrapped(const char *label, const char *text, struct fx_buf *out)
{
    enum { INDENT = 9, WIDTH = 80 };
    struct fx_str rest = fx_str_from(text);
    size_t column = INDENT;
    fx_buf_printf(out, "  %-*s", INDENT - 2, label);
    for (const char *sep = ""; rest.len > 0; sep = " ") {
        struct fx_str word = fx_str_cut(rest, ' ', &rest);
        if (column > INDENT && column + 1 + word.len > WIDTH) {
            fx_buf_printf(out, "\n%*s", INDENT, "");
            column = INDENT;
            sep = "";
        }
        fx_buf_printf(out, "%s%.*s", sep, FX_STR_FMT(word));
        column += strlen(sep) + word.len;
    }
    fx_buf_add_char(out, '\n');
}

static void print_row(const struct cmd_explanation *row, struct fx_buf *out)
{
    fx_buf_printf(out, "%s (%s)\n", row->name, row->origin);
    print_wrapped("what:", row->what, out);
    print_wrapped("lost:", row->lost, out);
    print_wrapped("next:", row->next, out);
    print_exit(row->name, out);
}

static bool explain(const char *word, struct fx_buf *out)
{
    bool is_exact = find(word) != NULL, has_any = false;
    for (const struct cmd_explanation *row = rows; row->name != NULL; row++) {
        if (is_exact ? strcmp(row->name, word) != 0 : !is_class_of(row->name, word))
            continue;
        print_row(row, out);
        has_any = true;
    }
    return has_any;
}

/* --- what is near ----------------------------------------------------------------------------- */

/* Numbers and SQLSTATEs that begin alike belong to one class. */
static void list_class(const char *word, struct fx_buf *out)
{
    for (const struct cmd_explanation *row = rows; row->name != NULL; row++)
        if (strlen(row->name) == strlen(word) && strncmp(row->name, word, 2) == 0 &&
            find(row->name) == row)
            fx_buf_printf(out, "%s%s", out->len > 0 ? ", " : "", row->name);
}

static bool fail_unknown(const char *word, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf near = FX_BUF(300);
    const char *names[FX_ARRAY_LEN(rows)] = {0};
    for (size_t i = 0; rows[i].name != NULL; i++)
        names[i] = rows[i].name;
    if (strlen(word) >= 2)
        list_class(word, &near);
    const char *like = fx_suggest(word, names);
    if (near.len == 0 && like != NULL)
        fx_buf_add_c(&near, like);
    fx_fail(err, FX_E_USAGE, "unknown code \"%s\"", word);
    return fx_hint(err, "%s%s%sAll are in docs/reference/errors.md.",
                   near.len > 0 ? "Known and near: " : "", fx_buf_cstr(&near),
                   near.len > 0 ? ". " : "");
}

/* --- the command ------------------------------------------------------------------------------ */

static bool is_part_of_code(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* The next word of what was given, in capitals; false at the end. */
static bool next_word(const char **at, char word[32])
{
    size_t len = 0;
    for (; **at != '\0'; (*at)++) {
        char c = **at >= 'a' && **at <= 'z' ? (char)(**at - 'a' + 'A') : **at;
        if (is_part_of_code(c) && len < 31)
            word[len++] = c;
        else if (len > 0)
            break;
    }
    word[len] = '\0';
    return len > 0;
}

/* "errno 28", "HTTP 503": the number is the system's or the peer's, and needs no table. */
static bool explain_number(const char *kind, const char *number, struct fx_buf *out)
{
    int64_t n;
    if (!fx_parse_i64(fx_str_from(number), 1, 999, &n))
        return false;
    char text[128];
    if (strcmp(kind, "ERRNO") == 0)
        fx_buf_printf(out, "errno %" PRId64 " (the operating system)\n  what:  %s\n", n,
                      strerror_r((int)n, text, sizeof text));
    else if (strcmp(kind, "HTTP") == 0)
        fx_buf_printf(out, "HTTP %" PRId64 "\n  what:  The status of the answer.\n", n);
    else
        return false;
    return true;
}

static bool run_explain(struct cmd_call *call, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf given = FX_BUF(4096), out = FX_BUF(1 << 16);
    for (size_t i = 0; i < call->n_words; i++)
        fx_buf_printf(&given, "%s ", call->words[i]);
    const char *at = fx_buf_cstr(&given);
    char word[32], number[32];
    while (next_word(&at, word)) {
        const char *after = at;
        if (strcmp(word, "ERROR") == 0 || strcmp(word, "SQLSTATE") == 0)
            continue;
        if (next_word(&after, number) && explain_number(word, number, &out))
            at = after;
        else if (!explain(word, &out))
            return fail_unknown(word, err);
    }
    if (out.len == 0)
        return fail_unknown(fx_buf_cstr(&given), err);
    return fputs(fx_buf_cstr(&out), stdout) >= 0;
}

const struct cmd cmd_explain[] = {
    {.noun = "explain",
     .words = "CODE",
     .words_min = 1,
     .words_max = 8,
     .summary = "say what an error code, SQLSTATE or MySQL error number means, and what to do",
     .more = "CODE is what is in brackets after an error, or what a database client prints: "
             "`STUCK`, `40001`, `1644`, `DB_CONFLICT/1213 40001`.",
     .run = run_explain},
    CMD_END,
};
