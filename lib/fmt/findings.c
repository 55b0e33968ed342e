/* SPDX-License-Identifier: Apache-2.0 */
/* See findings.h. */
#include "lib/fmt/findings.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"

enum {
    TEXT_MAX = 64 << 10,
    COUNT_ROOM = 64, /* of the detail, for the line that counts what did not fit */
    FIX_ROOM = 256,  /* of the hint: half a statement would fix nothing */
};

void fx_findings_init(struct fx_findings *f)
{
    *f = (struct fx_findings){0};
    fx_arena_init(&f->arena, 0);
}

void fx_findings_done(struct fx_findings *f)
{
    free(f->items);
    fx_arena_done(&f->arena);
    *f = (struct fx_findings){0};
}

static const char *copy(struct fx_findings *f, struct fx_str text)
{
    return text.len == 0 ? "" : fx_arena_str(&f->arena, text).ptr;
}

/* Findings of one group come one after the other, and share its texts. */
static const char *shared(struct fx_findings *f, const char *text, const char *last)
{
    if (text == NULL || text[0] == '\0')
        return "";
    return last != NULL && strcmp(text, last) == 0 ? last : fx_arena_strdup(&f->arena, text);
}

void fx_findings_topic(struct fx_findings *f, const char *kind, const char *group,
                       const char *advice)
{
    f->kind = shared(f, kind, f->kind);
    f->group = shared(f, group, f->group);
    f->advice = shared(f, advice, f->advice);
}

static struct fx_finding *grow(struct fx_findings *f)
{
    if (f->n == f->cap) {
        f->cap = FX_MAX(f->cap * 2, (size_t)8);
        f->items = fx_realloc(f->items, f->cap * sizeof *f->items);
    }
    return &f->items[f->n++];
}

void fx_findings_add_str(struct fx_findings *f, const char *where, struct fx_str what,
                         struct fx_str fix)
{
    *grow(f) = (struct fx_finding){
        .kind = f->kind != NULL ? f->kind : "",
        .group = f->group != NULL ? f->group : "",
        .advice = f->advice != NULL ? f->advice : "",
        .where = copy(f, fx_str_from(where)),
        .column = "",
        .what = copy(f, what),
        .fix = copy(f, fix),
    };
}

void fx_findings_put(struct fx_findings *f, const struct fx_finding *finding)
{
    const struct fx_finding none = {0}, *last = f->n > 0 ? &f->items[f->n - 1] : &none;
    struct fx_finding own = {
        .kind = shared(f, finding->kind, last->kind),
        .group = shared(f, finding->group, last->group),
        .advice = shared(f, finding->advice, last->advice),
        .where = copy(f, fx_str_from(finding->where)),
        .column = copy(f, fx_str_from(finding->column)),
        .what = copy(f, fx_str_from(finding->what)),
        .fix = copy(f, fx_str_from(finding->fix)),
        .is_row = finding->is_row,
    };
    *grow(f) = own;
}

void fx_findings_add(struct fx_findings *f, const char *where, const char *fix, const char *what,
                     ...)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(TEXT_MAX);
    va_list ap;
    va_start(ap, what);
    fx_buf_vprintf(&text, what, ap);
    va_end(ap);
    fx_findings_add_str(f, where, fx_buf_str(&text), fx_str_from(fix));
}

static void add_line(const struct fx_finding *finding, struct fx_buf *out)
{
    if (finding->where[0] != '\0')
        fx_buf_printf(out, "%s: ", finding->where);
    fx_buf_add_c(out, finding->what);
    if (finding->fix[0] != '\0')
        fx_buf_printf(out, " [%s]", finding->fix);
}

void fx_findings_text(const struct fx_findings *f, struct fx_buf *out)
{
    for (size_t i = 0; i < f->n; i++) {
        if (i > 0)
            fx_buf_add_char(out, '\n');
        add_line(&f->items[i], out);
    }
}

/* A first line that does not fit is cut by the error itself: half of it says more than a number. */
static void set_detail(const struct fx_findings *f, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(TEXT_MAX), line = FX_BUF(TEXT_MAX);
    size_t room = sizeof err->detail - COUNT_ROOM, i = 0;
    for (; i < f->n; i++) {
        fx_buf_clear(&line);
        add_line(&f->items[i], &line);
        if (i > 0 && text.len + line.len + 1 > room)
            break;
        if (i > 0)
            fx_buf_add_char(&text, '\n');
        fx_buf_add(&text, fx_buf_str(&line));
    }
    if (i < f->n)
        fx_buf_printf(&text, "\nand %zu more", f->n - i);
    (void)fx_detail(err, "%s", fx_buf_cstr(&text));
}

static const char *first_fix(const struct fx_findings *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->items[i].fix[0] != '\0' && strlen(f->items[i].fix) < FIX_ROOM)
            return f->items[i].fix;
    return NULL;
}

bool fx_findings_fail(const struct fx_findings *f, struct fx_err *err, enum fx_code code,
                      const char *message, ...)
{
    char text[sizeof err->message];
    va_list ap;
    va_start(ap, message);
    (void)vsnprintf(text, sizeof text, message, ap);
    va_end(ap);
    FX_ASSERT(f->n > 0);
    (void)fx_fail(err, code, "%s: %zu finding%s", text, f->n, f->n == 1 ? "" : "s");
    set_detail(f, err);
    if (first_fix(f) != NULL)
        (void)fx_hint(err,
                      "Fix what the detail lists, then run the same command again. The first: %s",
                      first_fix(f));
    return false;
}
