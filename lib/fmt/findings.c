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

void fx_findings_add_str(struct fx_findings *f, const char *where, struct fx_str what,
                         struct fx_str fix)
{
    if (f->n == f->cap) {
        f->cap = FX_MAX(f->cap * 2, (size_t)8);
        f->items = fx_realloc(f->items, f->cap * sizeof *f->items);
    }
    f->items[f->n++] = (struct fx_finding){
        .where = fx_arena_str(&f->arena, fx_str_from(where)).ptr,
        .what = fx_arena_str(&f->arena, what).ptr,
        .fix = fx_arena_str(&f->arena, fix).ptr,
    };
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

static void add_member(struct fx_json_w *w, const char *key, const char *text)
{
    fx_json_w_kv_text(w, key, text[0] != '\0' ? text : NULL);
}

void fx_findings_json(const struct fx_findings *f, struct fx_json_w *w)
{
    fx_json_w_array(w);
    for (size_t i = 0; i < f->n; i++) {
        fx_json_w_object(w);
        add_member(w, "where", f->items[i].where);
        add_member(w, "what", f->items[i].what);
        add_member(w, "fix", f->items[i].fix);
        fx_json_w_end(w);
    }
    fx_json_w_end(w);
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
        fx_buf_printf(&text, "\n%zu more findings are shown when these are fixed", f->n - i);
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
