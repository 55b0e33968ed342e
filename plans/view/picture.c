/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Draws the picture of a run line by line. Each line is made in a scratch buffer and cut to the
 * terminal's width by columns, not bytes; escape sequences count nothing. What was cut is marked,
 * and no number is ever shown in part.
 */
#include "plans/view/picture.h"

#include <inttypes.h>

#include "lib/base/alloc.h"
#include "lib/base/visible.h"
#include "lib/fmt/units.h"
#include "plans/cutover/stream_stop.h"
#include "plans/view/way_back.h"

struct canvas {
    struct fx_buf *out;
    struct fx_buf line;
    int width;
    bool use_colour;
};

enum tint { TINT_NONE, TINT_DIM, TINT_GREEN, TINT_YELLOW, TINT_RED, TINT_BOLD };

static const char *tint_on(const struct canvas *c, enum tint tint)
{
    static const char *const codes[] = {"",         "\x1b[2m",  "\x1b[32m",
                                        "\x1b[33m", "\x1b[31m", "\x1b[1m"};
    return c->use_colour ? codes[tint] : "";
}

static const char *tint_off(const struct canvas *c, enum tint tint)
{
    return c->use_colour && tint != TINT_NONE ? "\x1b[0m" : "";
}

/* Length of the glyph or escape sequence that begins at s[i]. */
static size_t glyph_len(struct fx_str s, size_t i, bool *ret_is_escape)
{
    size_t n = 1;
    *ret_is_escape = s.ptr[i] == '\x1b';
    if (*ret_is_escape)
        while (i + n < s.len && s.ptr[i + n - 1] != 'm')
            n++;
    else
        while (i + n < s.len && ((unsigned char)s.ptr[i + n] & 0xC0) == 0x80)
            n++;
    return n;
}

static bool is_digit(char ch)
{
    return ch >= '0' && ch <= '9';
}

/*
 * How many columns of a line that is too wide are shown before "…": whole words, and no number
 * whose unit or next group of digits is cut away ("25 ms" must not become "25", nor "48 210" become
 * "48"). `text` has one byte a column.
 */
static size_t columns_kept(struct fx_str text, size_t width)
{
    size_t most = width > 2 ? width - 2 : 0;
    size_t n = most;
    while (n > 0 && text.ptr[n] != ' ' && text.ptr[n - 1] != ' ')
        n--;
    if (n <= most / 2) { /* one long word, a path: a part of it is better than nothing */
        n = most;
        while (n > 0 && is_digit(text.ptr[n]) && is_digit(text.ptr[n - 1]))
            n--;
        return n;
    }
    for (;;) {
        while (n > 0 && text.ptr[n - 1] == ' ')
            n--;
        size_t word = n;
        while (word > 0 && text.ptr[word - 1] != ' ')
            word--;
        bool goes_on = text.ptr[n] == ' ' && n + 1 < text.len && text.ptr[n + 1] != ' ';
        size_t digit = text.ptr[word] == '(' ? word + 1 : word;
        if (n == 0 || !goes_on || !is_digit(text.ptr[digit]))
            return n;
        n = word;
    }
}

static size_t columns_of(struct fx_str line, struct fx_buf *plain)
{
    size_t columns = 0;
    bool is_escape = false;
    for (size_t i = 0, n; i < line.len; i += n) {
        n = glyph_len(line, i, &is_escape);
        columns += is_escape ? 0 : 1;
        if (!is_escape && plain != NULL)
            fx_buf_add_char(plain, n == 1 ? line.ptr[i] : 'x');
    }
    return columns;
}

/* Our own colours stay; whatever else could act on a terminal came with a text of a server. */
static void make_visible(struct canvas *c)
{
    static const enum tint tints[] = {TINT_DIM, TINT_GREEN, TINT_YELLOW, TINT_RED, TINT_BOLD};
    FX_AUTO(fx_buf) struct fx_buf line = FX_BUF(16384);
    struct fx_str rest = fx_buf_str(&c->line);
    while (rest.len > 0) {
        size_t n = 0;
        for (size_t i = 0; c->use_colour && i < FX_ARRAY_LEN(tints); i++) {
            struct fx_str on = fx_str_from(tint_on(c, tints[i]));
            struct fx_str off = fx_str_from(tint_off(c, tints[i]));
            n = fx_str_starts(rest, on) ? on.len : fx_str_starts(rest, off) ? off.len : n;
        }
        if (n > 0) {
            fx_buf_add(&line, fx_str_sub(rest, 0, n));
        } else {
            const char *next = memchr(rest.ptr + 1, '\x1b', rest.len - 1);
            n = next != NULL ? (size_t)(next - rest.ptr) : rest.len;
            fx_visible_add(&line, fx_str_sub(rest, 0, n), FX_VISIBLE_LINE);
        }
        rest = fx_str_sub(rest, n, rest.len);
    }
    fx_buf_clear(&c->line);
    fx_buf_add(&c->line, fx_buf_str(&line));
}

/* Copies the scratch line, at most `width` columns of it, and ends it. */
static void flush_line(struct canvas *c)
{
    FX_AUTO(fx_buf) struct fx_buf plain = FX_BUF(16384);
    make_visible(c);
    struct fx_str s = fx_buf_str(&c->line);
    size_t kept = columns_of(s, &plain), column = 0;
    bool was_cut = c->width > 0 && kept > (size_t)c->width;
    if (was_cut)
        kept = columns_kept(fx_buf_str(&plain), (size_t)c->width);
    for (size_t i = 0, n; i < s.len; i += n) {
        bool is_escape = false;
        n = glyph_len(s, i, &is_escape);
        if (is_escape || column < kept)
            fx_buf_add(c->out, fx_str_sub(s, i, n));
        column += is_escape ? 0 : 1;
    }
    if (was_cut)
        fx_buf_printf(c->out, "%s…%s", kept > 0 && plain.ptr[kept] == ' ' ? " " : "",
                      c->use_colour ? "\x1b[0m" : "");
    fx_buf_add_char(c->out, '\n');
    fx_buf_clear(&c->line);
}

/* 48 210 331 */
static void add_count(struct fx_buf *out, int64_t n)
{
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%" PRId64, n < 0 ? -n : n);
    if (n < 0)
        fx_buf_add_char(out, '-');
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            fx_buf_add_char(out, ' ');
        fx_buf_add_char(out, digits[i]);
    }
}

static void begin(struct canvas *c, const char *label)
{
    fx_buf_printf(&c->line, "  %-8s ", label);
}

static void no_answer(struct canvas *c, const char *why)
{
    fx_buf_printf(&c->line, "%sno answer: %s%s", tint_on(c, TINT_YELLOW), why,
                  tint_off(c, TINT_YELLOW));
    flush_line(c);
}

static const struct {
    const char *sign;
    const char *word;
    enum tint tint;
} marks[] = {
    [PLN_MARK_PENDING] = {"·", "", TINT_DIM},
    [PLN_MARK_RUNNING] = {"▶", "running", TINT_BOLD},
    [PLN_MARK_DONE] = {"✓", "done", TINT_GREEN},
    [PLN_MARK_FAILED] = {"✗", "failed", TINT_RED},
    [PLN_MARK_UNDONE] = {"↶", "undone", TINT_YELLOW},
    [PLN_MARK_HELD] = {"‖", "held", TINT_YELLOW},
    [PLN_MARK_STOPPED] = {"‖", "stopped", TINT_YELLOW},
};

/* The reason of an end is the one text that must not be cut: it continues on the next lines. */
static void draw_reason(struct canvas *c, const char *text)
{
    const size_t room = FX_MAX((size_t)c->width, (size_t)20) - 4;
    struct fx_str rest = fx_str_from(text);
    while (rest.len > 0) {
        size_t fits = 0, columns = 0, n = 0;
        bool is_escape = false;
        for (size_t i = 0; i < rest.len && columns < room; i += n, columns++) {
            n = glyph_len(rest, i, &is_escape);
            if (i + n == rest.len || rest.ptr[i + n] == ' ')
                fits = i + n;
        }
        if (fits == 0)
            fits = strcspn(rest.ptr, " "); /* a word wider than the terminal is cut like any line */
        fx_buf_printf(&c->line, "    %.*s", (int)fits, rest.ptr);
        flush_line(c);
        rest = fx_str_sub(rest, fits, rest.len);
        while (rest.len > 0 && rest.ptr[0] == ' ')
            rest = fx_str_sub(rest, 1, rest.len);
    }
}

static void draw_head(struct canvas *c, const struct pln_picture *pic)
{
    const char *reason = pic->outcome != NULL ? strstr(pic->outcome, ": ") : NULL;
    size_t whole = pic->outcome != NULL ? strlen(pic->name) + strlen(pic->outcome) + 20 : 0;
    if (c->width == 0 || whole <= (size_t)c->width)
        reason = NULL;
    fx_buf_printf(&c->line, "%s%s%s  ", tint_on(c, TINT_BOLD), pic->name, tint_off(c, TINT_BOLD));
    if (pic->outcome != NULL)
        fx_buf_printf(
            &c->line, "%.*s",
            (int)(reason != NULL ? (size_t)(reason - pic->outcome) + 1 : strlen(pic->outcome)),
            pic->outcome);
    else if (pic->current < pic->n_steps)
        fx_buf_printf(&c->line, "step %zu/%zu %s", pic->current + 1, pic->n_steps,
                      pic->steps[pic->current].id);
    if (pic->is_abandoned) {
        fx_buf_printf(&c->line, "   %snot running, to continue: ficus run resume %s%s",
                      tint_on(c, TINT_YELLOW), pic->name, tint_off(c, TINT_YELLOW));
    } else {
        fx_buf_add_c(&c->line, "   ");
        fx_units_span(pic->elapsed_ms, &c->line);
    }
    flush_line(c);
    if (reason != NULL)
        draw_reason(c, reason + 2);
}

static void draw_steps(struct canvas *c, const struct pln_picture *pic)
{
    size_t width = 10;
    for (size_t i = 0; i < pic->n_steps; i++)
        width = FX_MAX(width, strlen(pic->steps[i].id));
    width = FX_MIN(width, (size_t)24);
    for (size_t i = 0; i < pic->n_steps; i++) {
        const struct pln_picture_step *step = &pic->steps[i];
        enum tint tint = marks[step->mark].tint;
        fx_buf_printf(&c->line, "  %s%s %-*s %-16s %-7s", tint_on(c, tint), marks[step->mark].sign,
                      (int)width, step->id, step->what, marks[step->mark].word);
        if (step->elapsed_ms >= 0) {
            fx_buf_add_char(&c->line, ' ');
            fx_units_span(step->elapsed_ms, &c->line);
        }
        fx_buf_add_c(&c->line, tint_off(c, tint));
        if (step->note != NULL && step->note[0] != '\0')
            fx_buf_printf(&c->line, "  %s", step->note);
        flush_line(c);
    }
}

static void draw_left(struct canvas *c, const struct cdc_status *st)
{
    if (st->rows_per_s > 0) {
        fx_buf_add_c(&c->line, "   ");
        add_count(&c->line, st->rows_per_s);
        fx_buf_add_c(&c->line, " rows/s");
    }
    if (st->copy_left_ms <= 0)
        return;
    fx_buf_add_c(&c->line, "   about ");
    fx_units_span(st->copy_left_ms, &c->line);
    fx_buf_add_c(&c->line, " left");
}

static void draw_stream(struct canvas *c, const char *from, const char *to,
                        const struct cdc_status *st, const char *error)
{
    begin(c, "stream");
    fx_buf_printf(&c->line, "%s → %s   ", from, to);
    if (error != NULL) {
        no_answer(c, error);
        return;
    }
    if (st->phase == CDC_PHASE_STOPPED) {
        char message[512];
        (void)pln_stream_stop_read(st, message, sizeof message);
        fx_buf_printf(&c->line, "%sSTOPPED%s  %s", tint_on(c, TINT_RED), tint_off(c, TINT_RED),
                      message);
    } else if (st->phase == CDC_PHASE_COPY) {
        fx_buf_add_c(&c->line, "copying ");
        add_count(&c->line, st->copied_rows);
        fx_buf_add_c(&c->line, " of about ");
        add_count(&c->line, st->copy_total_rows);
        fx_buf_add_c(&c->line, " rows");
        draw_left(c, st);
    } else {
        if (st->lag_ms >= 0) {
            fx_buf_add_c(&c->line, "lag ");
            fx_units_span(st->lag_ms, &c->line);
        } else {
            fx_buf_add_c(&c->line, cdc_phase_name(st->phase));
        }
        fx_buf_add_c(&c->line, "   ");
        add_count(&c->line, st->rows_per_s);
        fx_buf_add_c(&c->line, " rows/s   ");
        add_count(&c->line, st->applied_txns);
        fx_buf_add_c(&c->line, " txns   ");
        add_count(&c->line, st->loops_discarded);
        fx_buf_add_c(&c->line, " loops dropped");
    }
    if (st->leaks > 0)
        fx_buf_printf(&c->line, "   %s%" PRId64 " UNFENCED WRITES%s: %s", tint_on(c, TINT_RED),
                      st->leaks, tint_off(c, TINT_RED), st->leak_last);
    if (st->missing_fences > 0)
        fx_buf_printf(&c->line,
                      "   %s%" PRId64 " FENCE TRIGGERS MISSING%s: ficus upgrade --execute",
                      tint_on(c, TINT_RED), st->missing_fences, tint_off(c, TINT_RED));
    flush_line(c);
}

static double percent_of(int64_t part, int64_t all)
{
    return all > 0 ? 100.0 * (double)part / (double)all : 0.0;
}

static void add_side(struct fx_buf *out, const char *name, int64_t requests, int64_t errors,
                     double p99_ms)
{
    fx_buf_printf(out, "%s ", name);
    add_count(out, requests);
    fx_buf_printf(out, " requests, %.2f %% errors", percent_of(errors, requests));
    if (p99_ms >= 0)
        fx_buf_printf(out, ", p99 %.0f ms", p99_ms);
}

/*
 * The new side gets a second line where both sides do not fit into one, and none without requests.
 */
static void draw_route(struct canvas *c, const struct fcd_route_status *route)
{
    FX_AUTO(fx_buf) struct fx_buf side = FX_BUF(1024);
    begin(c, "route");
    fx_buf_printf(&c->line, "%s %g %% new   ", route->id, route->weight_percent);
    size_t indent = columns_of(fx_buf_str(&c->line), NULL);
    add_side(&c->line, "old", route->requests_old, route->errors_old, route->p99_old_ms);
    add_side(&side, "new", route->requests_new, route->errors_new, route->p99_new_ms);
    size_t both = columns_of(fx_buf_str(&c->line), NULL) + 3 + side.len;
    if (route->requests_new == 0 && route->weight_percent <= 0) {
        flush_line(c);
        return;
    }
    if (c->width > 0 && both > (size_t)c->width) {
        flush_line(c);
        fx_buf_printf(&c->line, "%*s%s", (int)indent, "", fx_buf_cstr(&side));
    } else {
        fx_buf_printf(&c->line, "   %s", fx_buf_cstr(&side));
    }
    flush_line(c);
}

static void draw_routes(struct canvas *c, const struct fcd_status *facade, const char *group)
{
    for (size_t i = 0; i < facade->n_routes; i++) {
        const struct fcd_route_status *route = &facade->routes[i];
        if (strcmp(route->group, group) != 0)
            continue;
        if (route->shadow_percent > 0 || route->shadow_compared > 0) {
            begin(c, "shadow");
            fx_buf_printf(&c->line, "%s   ", route->id);
            add_count(&c->line, route->shadow_compared);
            fx_buf_printf(&c->line, " compared   %.2f %% differ",
                          percent_of(route->shadow_mismatch, route->shadow_compared));
            if (route->shadow_stale > 0)
                fx_buf_printf(&c->line, "   (%" PRId64 " stale, not counted)", route->shadow_stale);
            if (route->shadow_dropped > 0)
                fx_buf_printf(&c->line, "   %" PRId64 " dropped", route->shadow_dropped);
            flush_line(c);
        }
        draw_route(c, route);
    }
}

/* A line of its own: at the end of one the command would be cut away. */
static void draw_refused(struct canvas *c, const struct pln_live *live, const char *context)
{
    const struct fcd_group_status *group = pln_live_group(live, context);
    if (group == NULL || !group->is_unknown)
        return;
    begin(c, "writes");
    fx_buf_printf(&c->line, "%srefused (503), the facade needs: ficus route sync %s --execute%s",
                  tint_on(c, TINT_RED), context, tint_off(c, TINT_RED));
    flush_line(c);
}

static void draw_facade(struct canvas *c, const struct pln_picture *pic)
{
    begin(c, "facade");
    if (pic->live.facade_error != NULL || pic->live.facade == NULL) {
        no_answer(c, pic->live.facade_error != NULL ? pic->live.facade_error : "not asked");
        return;
    }
    const struct fcd_status *facade = pic->live.facade;
    add_count(&c->line, facade->requests);
    fx_buf_add_c(&c->line, " requests, ");
    add_count(&c->line, facade->requests_per_s);
    fx_buf_add_c(&c->line, "/s");
    for (size_t i = 0; i < facade->n_groups; i++) {
        const struct fcd_group_status *group = &facade->groups[i];
        if (strcmp(group->group, pic->context) != 0)
            continue;
        if (!group->is_unknown)
            fx_buf_printf(&c->line, "   writes go to %s",
                          group->owner == FCD_NEW ? pic->live.new_name : pic->live.old_name);
        if (group->hold == FCD_HOLDING)
            fx_buf_printf(&c->line, "   %sHOLDING %" PRId64 " writes, %" PRId64 " in flight%s",
                          tint_on(c, TINT_YELLOW), group->held, group->in_flight,
                          tint_off(c, TINT_YELLOW));
        if (group->held_max_ms > 0)
            fx_buf_printf(&c->line, "   longest hold %" PRId64 " ms", group->held_max_ms);
    }
    flush_line(c);
    draw_refused(c, &pic->live, pic->context);
    draw_routes(c, facade, pic->context);
}

static void draw_owner(struct canvas *c, const struct pln_picture *pic)
{
    const struct pln_live *live = &pic->live;
    begin(c, "owner");
    if (live->own_error != NULL) {
        no_answer(c, live->own_error);
        return;
    }
    fx_buf_printf(&c->line, "%s %s   %s %s   epoch %" PRId64, live->old_name,
                  fx_own_state_name(live->own_old.state), live->new_name,
                  fx_own_state_name(live->own_new.state),
                  FX_MAX(live->own_old.epoch, live->own_new.epoch));
    if (pic->cutover_step != NULL)
        fx_buf_printf(&c->line, "   %scut-over: %s%s", tint_on(c, TINT_BOLD), pic->cutover_step,
                      tint_off(c, TINT_BOLD));
    if (pic->fence_elapsed_ms >= 0) {
        fx_buf_printf(&c->line, "   %sfence in force ", tint_on(c, TINT_YELLOW));
        fx_units_span(pic->fence_elapsed_ms, &c->line);
        fx_buf_add_c(&c->line, " of ");
        fx_units_span(pic->fence_ttl_ms, &c->line);
        fx_buf_add_c(&c->line, tint_off(c, TINT_YELLOW));
    }
    flush_line(c);
}

static void draw_fallback(struct canvas *c, const struct pln_picture *pic)
{
    struct pln_way_back back;
    pln_way_back(&pic->live, pic->fence_ttl_ms, &back);
    enum tint tint = back.way == PLN_WAY_BLOCKED                                 ? TINT_RED
                     : back.way == PLN_WAY_BEHIND || back.way == PLN_WAY_UNKNOWN ? TINT_YELLOW
                                                                                 : TINT_NONE;
    begin(c, "fallback");
    fx_buf_printf(&c->line, "%s%s%s", tint_on(c, tint), back.text, tint_off(c, tint));
    flush_line(c);
}

void pln_picture_draw(const struct pln_picture *pic, int width, bool use_colour, struct fx_buf *out)
{
    struct canvas c = {.out = out, .line = FX_BUF(16384), .width = width, .use_colour = use_colour};
    draw_head(&c, pic);
    draw_steps(&c, pic);
    draw_stream(&c, pic->live.old_name, pic->live.new_name, &pic->live.forward,
                pic->live.forward_error);
    draw_stream(&c, pic->live.new_name, pic->live.old_name, &pic->live.reverse,
                pic->live.reverse_error);
    if (pic->equal != NULL) {
        begin(&c, "equal");
        fx_buf_add_c(&c.line, pic->equal);
        flush_line(&c);
    }
    draw_facade(&c, pic);
    draw_owner(&c, pic);
    draw_fallback(&c, pic);
    fx_buf_done(&c.line);
}

void pln_picture_changes(const struct pln_picture *before, const struct pln_picture *now,
                         struct fx_buf *out)
{
    for (size_t i = 0; i < now->n_steps; i++) {
        const struct pln_picture_step *step = &now->steps[i];
        bool is_known = i < before->n_steps;
        const char *old_note =
            is_known && before->steps[i].note != NULL ? before->steps[i].note : "";
        const char *note = step->note != NULL ? step->note : "";
        bool is_new_mark =
            is_known ? before->steps[i].mark != step->mark : step->mark != PLN_MARK_PENDING;
        if (!is_new_mark && strcmp(old_note, note) == 0)
            continue;
        fx_buf_printf(out, "%s: step %zu/%zu %s %s", now->name, i + 1, now->n_steps, step->id,
                      step->mark == PLN_MARK_PENDING ? "pending" : marks[step->mark].word);
        if (step->mark == PLN_MARK_DONE && step->elapsed_ms >= 0) {
            fx_buf_add_c(out, " in ");
            fx_units_span(step->elapsed_ms, out);
        }
        if (note[0] != '\0')
            fx_buf_printf(out, ": %s", note);
        fx_buf_add_char(out, '\n');
    }
    if (now->outcome != NULL &&
        (before->outcome == NULL || strcmp(before->outcome, now->outcome) != 0))
        fx_buf_printf(out, "%s: %s\n", now->name, now->outcome);
}
