/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raising, completing and rendering the error object.
 * Fixed sizes: it must work when memory is gone.
 */
#include "lib/err/err.h"

#include <stdarg.h>

#include "lib/base/panic.h"
#include "lib/base/visible.h"
#include "lib/err/errno_hint.h"

struct code_row {
    const char *name;
    int exit_status;
    bool is_retriable;
    const char *meaning;
};

static const struct code_row codes[FX_E_COUNT] = {
    [FX_E_NONE] = {"NONE", 0, false, "no error"},
#define X(name, exit_status, retriable, meaning) \
    [FX_E_##name] = {#name, exit_status, retriable, meaning},
#include "lib/err/codes.def"
#undef X
};

/* A field that is full ends in "...", after a whole character: some readers refuse broken UTF-8. */
static void mark_cut(char *field, size_t size)
{
    struct fx_str fit = fx_utf8_clip((struct fx_str){field, size - 1}, size - 4);
    memcpy(field + fit.len, "...", 4);
}

static void set_text(char *field, size_t size, const char *fmt, va_list ap) FX_PRINTF(3, 0);
static void set_text(char *field, size_t size, const char *fmt, va_list ap)
{
    int n = vsnprintf(field, size, fmt, ap);
    if (n >= 0 && (size_t)n >= size)
        mark_cut(field, size);
}

static void raise_at(struct fx_err *err, enum fx_code code, const char *file, int line)
{
    FX_ASSERT(code > FX_E_NONE && code < FX_E_COUNT);
    *err = FX_ERR_INIT;
    err->code = code;
    err->is_retriable = codes[code].is_retriable;
    err->file = file;
    err->line = line;
}

bool fx_fail_at(struct fx_err *err, enum fx_code code, const char *file, int line, const char *fmt,
                ...)
{
    raise_at(err, code, file, line);
    va_list ap;
    va_start(ap, fmt);
    set_text(err->message, sizeof err->message, fmt, ap);
    va_end(ap);
    return false;
}

bool fx_fail_errno_at(struct fx_err *err, enum fx_code code, int errnum, const char *file, int line,
                      const char *fmt, ...)
{
    raise_at(err, code, file, line);
    va_list ap;
    va_start(ap, fmt);
    set_text(err->message, sizeof err->message, fmt, ap);
    va_end(ap);
    fx_errno_hint(errnum, err->message, err->hint, sizeof err->hint);
    size_t used = strlen(err->message);
    char reason[128];
    const char *text = strerror_r(errnum, reason, sizeof reason);
    snprintf(err->message + used, sizeof err->message - used, ": %s", text);
    err->cause_kind = FX_CAUSE_ERRNO;
    err->cause_number = errnum;
    return false;
}

bool fx_err_wrap_at(struct fx_err *err, enum fx_code code, const char *file, int line,
                    const char *fmt, ...)
{
    FX_ASSERT(fx_err_is(err));
    struct fx_err cause = *err; /* the arguments may point into *err, so it changes last */
    char lead[sizeof cause.message];
    va_list ap;
    va_start(ap, fmt);
    set_text(lead, sizeof lead, fmt, ap);
    va_end(ap);
    fx_err_recode(err, code);
    err->file = file;
    err->line = line;
    int n = snprintf(err->message, sizeof err->message, "%s: %s", lead, cause.message);
    if (n >= 0 && (size_t)n >= sizeof err->message)
        mark_cut(err->message, sizeof err->message);
    return false;
}

void fx_err_brief(const struct fx_err *err, char *out, size_t size)
{
    FX_ASSERT(size >= 8);
    int n = snprintf(out, size, "%s%s%.*s", err->message, err->detail[0] != '\0' ? ": " : "",
                     (int)strcspn(err->detail, "\n"), err->detail);
    if (n >= 0 && (size_t)n >= size)
        mark_cut(out, size);
}

bool fx_ctx(struct fx_err *err, const char *fmt, ...)
{
    size_t used = strlen(err->context);
    size_t room = sizeof err->context - used;
    if (room < 8)
        return false;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(err->context + used, room - 1, fmt, ap);
    va_end(ap);
    size_t len = n > 0 ? FX_MIN((size_t)n, room - 2) : 0;
    err->context[used + len] = '\n';
    err->context[used + len + 1] = '\0';
    return false;
}

bool fx_detail(struct fx_err *err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set_text(err->detail, sizeof err->detail, fmt, ap);
    va_end(ap);
    return false;
}

bool fx_hint(struct fx_err *err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set_text(err->hint, sizeof err->hint, fmt, ap);
    va_end(ap);
    return false;
}

void fx_err_need_hint(struct fx_err *err, const char *help)
{
    if (err->hint[0] != '\0')
        return;
    if (err->code == FX_E_USAGE)
        (void)fx_hint(err, "Run: %s", help);
    else if (err->cause_kind == FX_CAUSE_SQLSTATE || err->cause_kind == FX_CAUSE_MYSQL)
        (void)fx_hint(
            err,
            "The end of the message is the server's own text: correct what it names, then "
            "run the same command again; in a run: ficus run resume. About the code: "
            "ficus explain %s",
            fx_code_name(err->code));
    else
        (void)fx_hint(err, "What it means and what to do: ficus explain %s",
                      fx_code_name(err->code));
}

/* The length of `option` "NAME" at the start of `text`; 0 when something else is there. */
static size_t placeholder(const char *text, const char *option)
{
    size_t n = strlen(option);
    if (strncmp(text, option, n) != 0 || strncmp(text + n, "NAME", 4) != 0)
        return 0;
    return n;
}

bool fx_err_name_context(struct fx_err *err, const char *context)
{
    char out[sizeof err->hint];
    size_t n = 0;
    for (const char *at = err->hint; *at != '\0';) {
        size_t option = placeholder(at, "--context ") + placeholder(at, "--confirm=");
        size_t add = option > 0 ? option + strlen(context) : 1;
        if (n + add >= sizeof out)
            return false;
        if (option > 0)
            (void)snprintf(out + n, sizeof out - n, "%.*s%s", (int)option, at, context);
        else
            out[n] = *at;
        n += add;
        at += option > 0 ? option + strlen("NAME") : 1;
    }
    out[n] = '\0';
    memcpy(err->hint, out, n + 1);
    return false;
}

void fx_err_set_sqlstate(struct fx_err *err, const char *sqlstate)
{
    err->cause_kind = FX_CAUSE_SQLSTATE;
    snprintf(err->sqlstate, sizeof err->sqlstate, "%s", sqlstate != NULL ? sqlstate : "");
}

void fx_err_set_mysql(struct fx_err *err, int number, const char *sqlstate)
{
    fx_err_set_sqlstate(err, sqlstate);
    err->cause_kind = FX_CAUSE_MYSQL;
    err->cause_number = number;
}

void fx_err_set_http(struct fx_err *err, int status)
{
    err->cause_kind = FX_CAUSE_HTTP;
    err->cause_number = status;
}

void fx_err_recode(struct fx_err *err, enum fx_code code)
{
    FX_ASSERT(code > FX_E_NONE && code < FX_E_COUNT);
    err->code = code;
    err->is_retriable = codes[code].is_retriable;
}

void fx_err_as_source(struct fx_err *err)
{
    if (err->code == FX_E_DB)
        fx_err_recode(err, FX_E_SOURCE);
    else if (err->code == FX_E_DB_CONNECT)
        fx_err_recode(err, FX_E_SOURCE_CONNECT);
}

void fx_err_as_target(struct fx_err *err)
{
    if (err->code == FX_E_DB)
        fx_err_recode(err, FX_E_TARGET);
    else if (err->code == FX_E_DB_CONNECT)
        fx_err_recode(err, FX_E_TARGET_CONNECT);
}

void fx_err_clear(struct fx_err *err)
{
    *err = FX_ERR_INIT;
}

const char *fx_code_name(enum fx_code code)
{
    FX_ASSERT(code < FX_E_COUNT);
    return codes[code].name;
}

const char *fx_code_meaning(enum fx_code code)
{
    FX_ASSERT(code < FX_E_COUNT);
    return codes[code].meaning;
}

int fx_code_exit(enum fx_code code)
{
    FX_ASSERT(code < FX_E_COUNT);
    return codes[code].exit_status;
}

bool fx_code_from_name(const char *name, enum fx_code *ret_code)
{
    for (int i = FX_E_NONE + 1; i < FX_E_COUNT; i++) {
        if (strcmp(codes[i].name, name) == 0) {
            *ret_code = (enum fx_code)i;
            return true;
        }
    }
    return false;
}

static void cause_text(const struct fx_err *err, char *out, size_t size)
{
    switch (err->cause_kind) {
    case FX_CAUSE_NONE: out[0] = '\0'; break;
    case FX_CAUSE_ERRNO: snprintf(out, size, "errno %d", err->cause_number); break;
    case FX_CAUSE_SQLSTATE: snprintf(out, size, "%s", err->sqlstate); break;
    case FX_CAUSE_MYSQL: snprintf(out, size, "%d %s", err->cause_number, err->sqlstate); break;
    case FX_CAUSE_HTTP: snprintf(out, size, "HTTP %d", err->cause_number); break;
    }
}

/* Calls fn for each context frame, innermost first. */
static void each_frame(const struct fx_err *err,
                       void (*fn)(struct fx_str frame, size_t index, void *arg), void *arg)
{
    struct fx_str rest = fx_str_from(err->context);
    for (size_t i = 0; rest.len > 0; i++) {
        struct fx_str frame = fx_str_cut(rest, '\n', &rest);
        fn(frame, i, arg);
    }
}

/* One line, whatever a server put into its text. */
static void add_line(const char *lead, struct fx_str text, struct fx_buf *out)
{
    fx_buf_add_c(out, lead);
    fx_visible_add(out, text, FX_VISIBLE_LINE);
    fx_buf_add_char(out, '\n');
}

static void text_frame(struct fx_str frame, size_t index, void *arg)
{
    add_line(index == 0 ? "  context: " : "           ", frame, arg);
}

/* Further lines of a detail are aligned with the first. */
static void text_detail(const struct fx_err *err, struct fx_buf *out)
{
    struct fx_str rest = fx_str_from(err->detail);
    for (const char *lead = "  detail: "; rest.len > 0; lead = "          ") {
        struct fx_str line = fx_str_cut(rest, '\n', &rest);
        add_line(lead, line, out);
    }
}

void fx_err_render(const struct fx_err *err, const char *program, struct fx_buf *out)
{
    char cause[64];
    cause_text(err, cause, sizeof cause);
    fx_buf_printf(out, "%s: error: ", program);
    fx_visible_add(out, fx_str_from(err->message), FX_VISIBLE_LINE);
    fx_buf_printf(out, "  [%s%s%s]\n", fx_code_name(err->code), cause[0] != '\0' ? "/" : "", cause);
    if (err->detail[0] != '\0')
        text_detail(err, out);
    each_frame(err, text_frame, out);
    if (err->hint[0] != '\0')
        add_line("  hint: ", fx_str_from(err->hint), out);
}

static void json_text(struct fx_buf *out, struct fx_str s)
{
    fx_buf_add_char(out, '"');
    fx_visible_add_json(out, s);
    fx_buf_add_char(out, '"');
}

static void json_field(struct fx_buf *out, const char *key, const char *text)
{
    fx_buf_printf(out, ",\"%s\":", key);
    json_text(out, fx_str_from(text));
}

static void json_frame(struct fx_str frame, size_t index, void *arg)
{
    if (index > 0)
        fx_buf_add_char(arg, ',');
    json_text(arg, frame);
}

void fx_err_render_json(const struct fx_err *err, struct fx_buf *out)
{
    char cause[64];
    cause_text(err, cause, sizeof cause);
    fx_buf_printf(out, "{\"code\":\"%s\",\"exit\":%d,\"retriable\":%s", fx_code_name(err->code),
                  fx_code_exit(err->code), err->is_retriable ? "true" : "false");
    json_field(out, "message", err->message);
    if (cause[0] != '\0')
        json_field(out, "cause", cause);
    if (err->detail[0] != '\0')
        json_field(out, "detail", err->detail);
    fx_buf_add_c(out, ",\"context\":[");
    each_frame(err, json_frame, out);
    fx_buf_add_char(out, ']');
    if (err->hint[0] != '\0')
        json_field(out, "hint", err->hint);
    fx_buf_add_char(out, '}');
}

/* As many bytes of `text` as `max`, after a whole character. */
static void clip(char *text, size_t max)
{
    text[fx_utf8_clip(fx_str_from(text), max).len] = '\0';
}

void fx_err_render_json_within(const struct fx_err *err, size_t max, struct fx_buf *out)
{
    static const size_t detail_limits[] = {sizeof err->detail, 256, 0};
    FX_AUTO(fx_buf) struct fx_buf json = FX_BUF(64 << 10);
    struct fx_err brief = *err;
    for (size_t i = 0; i < FX_ARRAY_LEN(detail_limits); i++) {
        fx_buf_clear(&json);
        clip(brief.detail, detail_limits[i]);
        fx_err_render_json(&brief, &json);
        if (json.len <= max)
            break;
        brief.context[0] = '\0';
    }
    fx_buf_add(out, fx_buf_str(&json));
}

int fx_err_report(const struct fx_err *err, const char *program)
{
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(64 << 10);
    fx_err_render(err, program, &out);
    fputs(fx_buf_cstr(&out), stderr);
    return fx_code_exit(err->code);
}
