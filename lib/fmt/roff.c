/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Line by line; what a line is, its first characters say. Inside a line, characters and three kinds
 * of marks.
 */
#include "lib/fmt/roff.h"

enum { LINE_MAX = 72, COLUMNS_MAX = 8 };

struct page {
    struct fx_buf *out;
    size_t column;      /* of the output line; 0: at its start */
    bool after_heading; /* the next paragraph needs no .PP */
    bool in_paragraph, in_example, in_item;
    bool has_blank; /* an empty line in an example; written when the example goes on */
    struct fx_str heads[COLUMNS_MAX]; /* the column names of the table that is being read */
    size_t n_heads;                   /* 0: not in a table */
};

struct inline_text {
    bool in_code, in_bold, in_italic;
    /* The word begins with a dash: all its dashes are minus signs, so that they can be copied. */
    bool in_option;
    bool at_word; /* the next character begins a word */
};

static void raw(struct page *p, const char *text)
{
    fx_buf_add_c(p->out, text);
    p->column += strlen(text);
}

static void end_line(struct page *p)
{
    if (p->column > 0)
        fx_buf_add_char(p->out, '\n');
    p->column = 0;
}

static void macro(struct page *p, const char *text)
{
    end_line(p);
    fx_buf_add_c(p->out, text);
    fx_buf_add_char(p->out, '\n');
}

/* The number of bytes of the UTF-8 character at s[0], and its code point. */
static size_t code_point(struct fx_str s, unsigned *ret)
{
    unsigned char first = (unsigned char)s.ptr[0];
    size_t len = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (len > s.len)
        len = 1;
    *ret = len == 1 ? first : first & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++)
        *ret = *ret << 6 | ((unsigned char)s.ptr[i] & 0x3Fu);
    return len;
}

/* One character with its meaning taken away. Returns how many bytes of `s` it was. */
static size_t plain(struct page *p, struct fx_str s, bool is_minus)
{
    unsigned c;
    size_t len = code_point(s, &c);
    char text[16];
    if (p->column == 0 && (c == '.' || c == '\''))
        raw(p, "\\&");
    if (c == '\\')
        snprintf(text, sizeof text, "\\e");
    else if (c == '-' && is_minus)
        snprintf(text, sizeof text, "\\-");
    else if (c == '\'' || c == '`' || c == '^' || c == '~')
        snprintf(text, sizeof text, "\\(%s",
                 c == '\''  ? "aq"
                 : c == '`' ? "ga"
                 : c == '^' ? "ha"
                            : "ti");
    else if (c >= 0x80)
        snprintf(text, sizeof text, "\\[u%04X]", c);
    else
        snprintf(text, sizeof text, "%c", (char)c);
    raw(p, text);
    return len;
}

static size_t word_len(struct fx_str s)
{
    size_t n = 0;
    while (n < s.len && s.ptr[n] != ' ')
        n++;
    return n;
}

/* `code`, **bold**, *italic*: returns how many bytes the mark takes, 0 when there is none. */
static size_t mark(struct page *p, struct inline_text *in, struct fx_str s)
{
    bool *state = NULL;
    size_t len = 1;
    if (s.ptr[0] == '`')
        state = &in->in_code;
    else if (in->in_code)
        return 0;
    else if (fx_str_starts(s, FX_STR("**")) && (in->in_bold || in->at_word)) {
        state = &in->in_bold;
        len = 2;
    } else if (s.ptr[0] == '*' && (in->in_italic || (in->at_word && s.len > 1 && s.ptr[1] != ' ')))
        state = &in->in_italic;
    if (state == NULL)
        return 0;
    *state = !*state;
    raw(p, !*state ? "\\fR" : state == &in->in_italic ? "\\fI" : "\\fB");
    return len;
}

static void text_add(struct page *p, struct fx_str s)
{
    struct inline_text in = {.at_word = true};
    for (size_t i = 0; i < s.len;) {
        struct fx_str rest = fx_str_sub(s, i, s.len);
        size_t used = mark(p, &in, rest);
        if (used > 0) {
            i += used;
            continue;
        }
        if (rest.ptr[0] == ' ') {
            i++;
            if (p->column + 1 + word_len(fx_str_sub(s, i, s.len)) > LINE_MAX)
                end_line(p);
            else if (p->column > 0)
                raw(p, " ");
            in.at_word = true;
            in.in_option = false;
            continue;
        }
        in.in_option |= in.at_word && rest.ptr[0] == '-';
        in.at_word = strchr("([\"", rest.ptr[0]) != NULL;
        i += plain(p, rest, in.in_code || in.in_option);
    }
}

static void heading(struct page *p, const char *name, struct fx_str title, bool is_upper)
{
    end_line(p);
    raw(p, name);
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(4096);
    for (size_t i = 0; i < title.len; i++) {
        char c = title.ptr[i];
        fx_buf_add_char(&text, is_upper && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c);
    }
    p->column = 0; /* a heading is one line, however long */
    struct page line = {.out = p->out, .column = 1};
    fx_buf_add_char(p->out, ' ');
    for (size_t i = 0; i < text.len; i++) {
        if (fx_buf_cstr(&text)[i] != '`')
            (void)plain(&line, fx_str_sub(fx_buf_str(&text), i, text.len), true);
    }
    fx_buf_add_char(p->out, '\n');
    p->after_heading = true;
    p->in_paragraph = false;
}

static void begin_paragraph(struct page *p)
{
    end_line(p);
    if (!p->after_heading)
        macro(p, ".PP");
    p->after_heading = false;
    p->in_paragraph = true;
}

/* "| a | b |" -> its cells; the last takes what is left. */
static size_t cells(struct fx_str line, struct fx_str *out, size_t n_max)
{
    size_t n = 0;
    struct fx_str rest = fx_str_sub(line, 1, line.len);
    if (fx_str_ends(rest, FX_STR("|")))
        rest.len--;
    while (n < n_max - 1 && fx_str_find(rest, '|') >= 0)
        out[n++] = fx_str_trim(fx_str_cut(rest, '|', &rest));
    out[n++] = fx_str_trim(rest);
    return n;
}

static void between(struct page *p, const struct fx_str *cell, size_t n)
{
    const char *before = " (";
    for (size_t i = 1; i + 1 < n; i++) {
        if (cell[i].len == 0)
            continue;
        FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(4096);
        fx_buf_printf(&text, "%s%.*s: %.*s", before, FX_STR_FMT(p->heads[i]), FX_STR_FMT(cell[i]));
        text_add(p, fx_buf_str(&text));
        before = "; ";
    }
    if (before[0] == ';')
        raw(p, ")");
}

static void table_row(struct page *p, struct fx_str line)
{
    struct fx_str cell[COLUMNS_MAX];
    if (p->n_heads == 0) {
        p->n_heads = cells(line, p->heads, COLUMNS_MAX);
        return;
    }
    if (fx_str_starts(line, FX_STR("|--")))
        return;
    size_t n = cells(line, cell, p->n_heads);
    macro(p, ".TP");
    text_add(p, cell[0]);
    end_line(p);
    if (cell[n - 1].len > 0)
        text_add(p, cell[n - 1]);
    else
        raw(p, "\\&");
    between(p, cell, n);
    end_line(p);
}

static void example_line(struct page *p, struct fx_str line)
{
    if (!p->in_example) {
        if (!p->after_heading)
            macro(p, ".PP");
        macro(p, ".RS 4");
        macro(p, ".EX");
    }
    if (p->in_example && p->has_blank)
        fx_buf_add_char(p->out, '\n');
    p->has_blank = false;
    p->in_example = true;
    p->after_heading = false;
    for (size_t i = 4; i < line.len;)
        i += plain(p, fx_str_sub(line, i, line.len), true);
    fx_buf_add_char(p->out, '\n');
    p->column = 0;
}

static void end_block(struct page *p)
{
    end_line(p);
    if (p->in_example) {
        macro(p, ".EE");
        macro(p, ".RE");
    }
    p->after_heading = p->after_heading && p->n_heads == 0 && !p->in_item;
    p->in_example = p->in_paragraph = p->in_item = false;
    p->n_heads = 0;
}

static void one_line(struct page *p, struct fx_str line)
{
    if (line.len == 0) {
        if (!p->in_example)
            end_block(p);
        p->has_blank = true;
        return;
    }
    if (fx_str_starts(line, FX_STR("    "))) {
        example_line(p, line);
        return;
    }
    if (p->in_example)
        end_block(p);
    if (line.ptr[0] == '|') {
        table_row(p, line);
    } else if (fx_str_starts(line, FX_STR("## "))) {
        heading(p, ".SS", fx_str_sub(line, 3, line.len), false);
    } else if (fx_str_starts(line, FX_STR("# "))) {
        heading(p, ".SH", fx_str_sub(line, 2, line.len), true);
    } else if (fx_str_starts(line, FX_STR("- "))) {
        macro(p, ".IP \\(bu 2");
        p->in_item = true;
        text_add(p, fx_str_sub(line, 2, line.len));
        end_line(p);
    } else {
        if (!p->in_paragraph && !p->in_item)
            begin_paragraph(p);
        text_add(p, fx_str_trim(line));
        end_line(p);
    }
}

void fx_roff_from_markdown(struct fx_str markdown, struct fx_buf *out)
{
    struct page page = {.out = out, .after_heading = true};
    while (markdown.len > 0)
        one_line(&page, fx_str_cut(markdown, '\n', &markdown));
    end_block(&page);
}
