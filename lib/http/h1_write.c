/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What came from elsewhere is checked once: by the parser when it makes a head, by
 * fx_h1_write_field when a single value is written.
 */
#include "lib/http/h1_write.h"

#include <inttypes.h>

#include "lib/base/clock.h"

void fx_h1_write_request_line(struct fx_buf *out, struct fx_str method, struct fx_str target)
{
    fx_buf_add(out, method);
    fx_buf_add_char(out, ' ');
    fx_buf_add(out, target);
    fx_buf_add(out, FX_STR(" HTTP/1.1\r\n"));
}

void fx_h1_write_status_line(struct fx_buf *out, int status, struct fx_str reason)
{
    fx_buf_printf(out, "HTTP/1.1 %d ", status);
    if (reason.len > 0 && fx_http_is_field_value(reason))
        fx_buf_add(out, reason);
    else
        fx_buf_add_c(out, fx_http_reason(status));
    fx_buf_add(out, FX_STR("\r\n"));
}

void fx_h1_write_field(struct fx_buf *out, struct fx_str name, struct fx_str value)
{
    if (!fx_http_is_token(name) || !fx_http_is_field_value(value)) {
        out->has_failed = true;
        return;
    }
    fx_buf_add(out, name);
    fx_buf_add(out, FX_STR(": "));
    fx_buf_add(out, value);
    fx_buf_add(out, FX_STR("\r\n"));
}

void fx_h1_write_field_u64(struct fx_buf *out, const char *name, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    fx_h1_write_field(out, fx_str_from(name), fx_str_from(text));
}

/* IMF-fixdate without strftime, whose names of days depend on a locale. */
void fx_h1_write_date(struct fx_buf *out, int64_t unix_seconds)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)unix_seconds;
    struct tm tm;
    if (gmtime_r(&seconds, &tm) == NULL)
        return;
    fx_buf_printf(out, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[tm.tm_wday],
                  tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                  tm.tm_sec);
}

/* Of a head that the parser made: names are tokens, values hold no control. */
static void write_parsed(struct fx_buf *out, struct fx_str name, struct fx_str value)
{
    size_t len = name.len + value.len + 4;
    if (!fx_buf_reserve(out, len))
        return;
    char *at = out->ptr + out->len;
    memcpy(at, name.ptr, name.len);
    memcpy(at + name.len, ": ", 2);
    if (value.len > 0)
        memcpy(at + name.len + 2, value.ptr, value.len);
    memcpy(at + len - 2, "\r\n", 3); /* with the NUL that ends every buffer */
    out->len += len;
}

void fx_h1_write_end_to_end_but(struct fx_buf *out, const struct fx_head *head, uint64_t skip,
                                bool (*is_dropped)(struct fx_str name))
{
    for (size_t i = 0; i < head->n_fields; i++) {
        const struct fx_field *field = &head->fields[i];
        if ((skip >> field->cgi_id & 1) == 0 && !fx_head_is_hop_by_hop(head, field) &&
            !(is_dropped != NULL && field->cgi_id == FX_NAME_OTHER && is_dropped(field->name)))
            write_parsed(out, field->name, field->value);
    }
}

void fx_h1_write_end_to_end(struct fx_buf *out, const struct fx_head *head, uint64_t skip)
{
    fx_h1_write_end_to_end_but(out, head, skip, NULL);
}

void fx_h1_write_end(struct fx_buf *out)
{
    fx_buf_add(out, FX_STR("\r\n"));
}

void fx_h1_write_chunk(struct fx_buf *out, struct fx_str data)
{
    if (data.len == 0)
        return; /* a chunk of size 0 would end the body */
    fx_buf_printf(out, "%zx\r\n", data.len);
    fx_buf_add(out, data);
    fx_buf_add(out, FX_STR("\r\n"));
}

void fx_h1_write_last_chunk(struct fx_buf *out)
{
    fx_buf_add(out, FX_STR("0\r\n\r\n"));
}

void fx_h1_write_response(struct fx_buf *out, int status, const char *content_type,
                          struct fx_str body, bool is_head_only, bool is_closing)
{
    fx_h1_write_status_line(out, status, (struct fx_str){0});
    fx_h1_write_date(out, fx_wall_now().us / 1000000);
    if (content_type != NULL)
        fx_h1_write_field(out, FX_STR("Content-Type"), fx_str_from(content_type));
    if (status >= 200 && status != 204 && status != 304)
        fx_h1_write_field_u64(out, "Content-Length", body.len);
    if (is_closing)
        fx_h1_write_field(out, FX_STR("Connection"), FX_STR("close"));
    fx_h1_write_end(out);
    if (!is_head_only && status >= 200 && status != 204 && status != 304)
        fx_buf_add(out, body);
}
