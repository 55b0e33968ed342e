/* SPDX-License-Identifier: Apache-2.0 */
/* The log's levels and descriptor are the process's only mutable globals. */
#include "lib/log/log.h"

#include <stdarg.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/visible.h"

enum { COMPONENTS_MAX = 16, COMPONENT_NAME = 24 };

static struct {
    int fd;
    enum fx_log_level all;
    size_t n;
    struct {
        char name[COMPONENT_NAME];
        enum fx_log_level level;
    } component[COMPONENTS_MAX];
} sink = {.fd = STDERR_FILENO, .all = FX_LOG_INFO};

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};

static bool parse_level(struct fx_str s, enum fx_log_level *ret)
{
    for (size_t i = 0; i < FX_ARRAY_LEN(level_names); i++) {
        if (fx_str_eq_c(s, level_names[i])) {
            *ret = (enum fx_log_level)i;
            return true;
        }
    }
    return false;
}

bool fx_log_configure(const char *levels)
{
    __typeof__(sink) fresh = sink;
    fresh.n = 0;
    struct fx_str rest = fx_str_from(levels);
    while (rest.len > 0) {
        struct fx_str item = fx_str_cut(rest, ',', &rest);
        struct fx_str value;
        struct fx_str name = fx_str_cut(item, '=', &value);
        enum fx_log_level level;
        if (value.ptr == NULL) {
            value = name;
            name = FX_STR("all");
        }
        if (!parse_level(value, &level))
            return false;
        if (fx_str_eq_c(name, "all")) {
            fresh.all = level;
            continue;
        }
        if (fresh.n == COMPONENTS_MAX || name.len >= COMPONENT_NAME)
            return false;
        memcpy(fresh.component[fresh.n].name, name.ptr, name.len);
        fresh.component[fresh.n].name[name.len] = '\0';
        fresh.component[fresh.n++].level = level;
    }
    sink = fresh;
    return true;
}

bool fx_log_enabled(enum fx_log_level level, const char *component)
{
    for (size_t i = 0; i < sink.n; i++)
        if (strcmp(sink.component[i].name, component) == 0)
            return level >= sink.component[i].level;
    return level >= sink.all;
}

static void add_json(struct fx_buf *out, const char *key, const char *text)
{
    fx_buf_printf(out, ",\"%s\":\"", key);
    fx_visible_add_json(out, fx_str_from(text));
    fx_buf_add_char(out, '"');
}

/* For a person: one line, whatever is in it. */
static void add_plain(struct fx_buf *out, const char *lead, const char *text)
{
    fx_buf_add_c(out, lead);
    fx_visible_add(out, fx_str_from(text), FX_VISIBLE_LINE);
}

static void emit(enum fx_log_level level, const char *component, const char *object,
                 const char *event, const char *fields)
{
    FX_AUTO(fx_buf) struct fx_buf line = FX_BUF(16384);
    char when[FX_WALL_TEXT];
    fx_wall_text(fx_wall_now(), when);
    if (isatty(sink.fd)) {
        fx_buf_printf(&line, "%.12s %-5s %s", when + 11, level_names[level], component);
        add_plain(&line, object != NULL ? " " : "", object != NULL ? object : "");
        add_plain(&line, ": ", event);
        add_plain(&line, fields[0] != '\0' ? "  " : "", fields);
        fx_buf_add_char(&line, '\n');
    } else {
        fx_buf_printf(&line, "{\"time\":\"%s\",\"level\":\"%s\"", when, level_names[level]);
        add_json(&line, "component", component);
        if (object != NULL)
            add_json(&line, "object", object);
        add_json(&line, "event", event);
        if (fields[0] != '\0')
            add_json(&line, "fields", fields);
        fx_buf_add_c(&line, "}\n");
    }
    ssize_t ignored = write(sink.fd, fx_buf_cstr(&line), line.len);
    (void)ignored;
}

void fx_log(enum fx_log_level level, const char *component, const char *object, const char *event,
            const char *fmt, ...)
{
    if (!fx_log_enabled(level, component))
        return;
    char fields[2048] = "";
    if (fmt != NULL) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(fields, sizeof fields, fmt, ap);
        va_end(ap);
    }
    emit(level, component, object, event, fields);
}

void fx_log_err(enum fx_log_level level, const char *component, const char *object,
                const char *event, const struct fx_err *err)
{
    if (!fx_log_enabled(level, component))
        return;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(8192);
    fx_err_render_json(err, &text);
    emit(level, component, object, event, fx_buf_cstr(&text));
}
