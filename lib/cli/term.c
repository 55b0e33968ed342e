/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Width, colour, and the redrawing of a few lines with
 * the three escape sequences that all terminals know.
 */
#include "lib/cli/term.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value != NULL && value[0] != '\0';
}

void fx_term_measure(struct fx_term *term)
{
    struct winsize size;
    term->columns = 80;
    term->rows = 24;
    if (ioctl(term->fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        term->columns = size.ws_col;
        term->rows = size.ws_row > 0 ? size.ws_row : 24;
    }
}

void fx_term_init(struct fx_term *term, int fd, bool no_color)
{
    const char *kind = getenv("TERM");
    *term = (struct fx_term){.fd = fd};
    bool is_dumb = kind == NULL || strcmp(kind, "dumb") == 0;
    term->is_tty = isatty(fd) == 1 && !is_dumb;
    term->has_color = term->is_tty && !no_color && !is_set("NO_COLOR") && !is_set("FICUS_NO_COLOR");
    fx_term_measure(term);
}

/* Length of the escape sequence at s.ptr[i], 0 when none starts there. */
static size_t escape_len(struct fx_str s, size_t i)
{
    if (s.ptr[i] != '\033' || i + 1 >= s.len || s.ptr[i + 1] != '[')
        return 0;
    size_t j = i + 2;
    while (j < s.len && (s.ptr[j] < '@' || s.ptr[j] > '~'))
        j++;
    return (j < s.len ? j + 1 : j) - i;
}

static bool starts_char(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

size_t fx_term_width(struct fx_str text)
{
    size_t width = 0;
    for (size_t i = 0; i < text.len;) {
        size_t escape = escape_len(text, i);
        if (escape > 0) {
            i += escape;
            continue;
        }
        width += starts_char(text.ptr[i]) ? 1 : 0;
        i++;
    }
    return width;
}

/* Escape sequences beyond the edge are kept: the one that ends a colour may be there. */
static void add_clipped(struct fx_buf *out, struct fx_str line, size_t columns)
{
    size_t width = 0;
    for (size_t i = 0; i < line.len;) {
        size_t escape = escape_len(line, i);
        size_t n = escape > 0 ? escape : 1;
        if (escape == 0 && starts_char(line.ptr[i]))
            width++;
        if (escape > 0 || width <= columns)
            fx_buf_add_bytes(out, line.ptr + i, n);
        i += n;
    }
}

static void write_all(int fd, struct fx_str s)
{
    while (s.len > 0) {
        ssize_t n = write(fd, s.ptr, s.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* a picture may be lost */
        s = fx_str_sub(s, (size_t)n, s.len);
    }
}

static void go_up(struct fx_term *term, struct fx_buf *out)
{
    if (term->drawn_lines > 0)
        fx_buf_printf(out, "\r\033[%dA", term->drawn_lines);
    term->drawn_lines = 0;
}

void fx_term_draw(struct fx_term *term, struct fx_str text)
{
    if (!term->is_tty)
        return;
    fx_term_measure(term);
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 16);
    go_up(term, &out);
    int lines = 0;
    while (text.len > 0 && lines < term->rows - 1) {
        struct fx_str line = fx_str_cut(text, '\n', &text);
        add_clipped(&out, line, (size_t)term->columns);
        fx_buf_add_c(&out, "\033[K\n");
        lines++;
    }
    fx_buf_add_c(&out, "\033[J");
    term->drawn_lines = lines;
    write_all(term->fd, fx_buf_str(&out));
}
