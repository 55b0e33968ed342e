/* SPDX-License-Identifier: Apache-2.0 */
/* Field by field in the order in which they are sent; the rules are in forward.h. */
#include "strangler/upstream/forward.h"

#include <inttypes.h>

#include "lib/fmt/text.h"
#include "lib/http/h1_write.h"

/* Each value of a list field, joined in order, then ours: "a, b, 192.0.2.7". */
static void add_list(const struct fx_head *head, const char *name, const char *ours,
                     struct fx_buf *out)
{
    fx_buf_add_c(out, name);
    fx_buf_add_c(out, ": ");
    for (const struct fx_field *field = fx_head_find(head, name); field != NULL;
         field = fx_head_find_next(head, name, field)) {
        fx_buf_add(out, field->value);
        fx_buf_add_c(out, ", ");
    }
    fx_buf_add_c(out, ours);
    fx_buf_add_c(out, "\r\n");
}

/* Gateway interfaces (CGI, WSGI, Rack) write "-" as "_", so both are the same name behind them. */
static bool is_name(struct fx_str name, const char *wanted)
{
    size_t i = 0;
    for (; i < name.len && wanted[i] != '\0'; i++) {
        char c = name.ptr[i] == '_' ? '-' : name.ptr[i];
        if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != wanted[i])
            return wanted[i] == '*';
    }
    return wanted[i] == '*' || (i == name.len && wanted[i] == '\0');
}

static bool is_listed(struct fx_str name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_name(name, names[i]))
            return true;
    return false;
}

bool fcd_forward_is_path_field(struct fx_str name)
{
    static const char *const names[] = {
        "x-original-url",   "x-rewrite-url",   "x-original-uri", "x-forwarded-prefix",
        "x-forwarded-path", "x-forwarded-uri", "script-name",    "x-envoy-original-path",
        "path-info",        "x-script-name",   "x-accel-*",      "x-sendfile-type"};
    char first = name.len > 0 ? (char)(name.ptr[0] | 0x20) : '\0';
    return (first == 'x' || first == 's' || first == 'p') &&
           is_listed(name, names, FX_ARRAY_LEN(names));
}

bool fcd_forward_is_override(struct fx_str name)
{
    static const char *const names[] = {"x-http-method-override", "x-http-method",
                                        "x-method-override"};
    return name.len > 0 && (name.ptr[0] | 0x20) == 'x' &&
           is_listed(name, names, FX_ARRAY_LEN(names));
}

static void add_request_line(const struct fx_head *head, struct fx_buf *out)
{
    fx_buf_add(out, head->method);
    fx_buf_add_char(out, ' ');
    fx_buf_add(out, head->path);
    if (head->has_query) {
        fx_buf_add_char(out, '?');
        fx_buf_add(out, head->query);
    }
    fx_buf_add_c(out, " HTTP/1.1\r\n");
}

static void add_forwarded(const struct fcd_forward *forward, struct fx_buf *out)
{
    const struct fx_head *head = forward->head;
    add_list(head, "X-Forwarded-For", forward->peer, out);
    fx_buf_add_c(out, "X-Forwarded-Proto: ");
    fx_buf_add_c(out, forward->scheme);
    fx_buf_add_c(out, "\r\n");
    if (fx_head_find(head, "X-Forwarded-Host") == NULL && head->host.len > 0) {
        fx_buf_add_c(out, "X-Forwarded-Host: ");
        fx_buf_add(out, head->host);
        fx_buf_add_c(out, "\r\n");
    }
}

static void add_via(const struct fcd_forward *forward, struct fx_buf *out)
{
    char via[40];
    snprintf(via, sizeof via, "%s %s", forward->version, forward->pseudonym);
    add_list(forward->head, "Via", via, out);
}

/* TRACE is not forwarded; other methods keep the field as it is. */
static void add_max_forwards(const struct fcd_forward *forward, struct fx_buf *out)
{
    const struct fx_field *field = fx_head_find(forward->head, "Max-Forwards");
    uint64_t left = 0;
    if (field == NULL)
        return;
    if (forward->method == FCD_M_OPTIONS && fx_parse_u64(field->value, UINT32_MAX, &left) &&
        left > 0)
        fx_buf_printf(out, "Max-Forwards: %" PRIu64 "\r\n", left - 1);
    else
        fx_h1_write_field(out, field->name, field->value);
}

static void add_framing(const struct fx_head *head, struct fx_buf *out)
{
    if (head->framing == FX_FRAME_LENGTH)
        fx_buf_printf(out, "Content-Length: %" PRIu64 "\r\n", head->content_length);
    else if (head->framing == FX_FRAME_CHUNKED)
        fx_buf_add_c(out, "Transfer-Encoding: chunked\r\n");
}

void fcd_forward_write(const struct fcd_forward *forward, const struct fcd_conf_endpoint *endpoint,
                       bool is_shadow, struct fx_buf *out)
{
    const uint64_t rewritten = FX_NAME_BIT(HOST) | FX_NAME_BIT(CONTENT_LENGTH) |
                               FX_NAME_BIT(TRANSFER_ENCODING) | FX_NAME_BIT(EXPECT) |
                               FX_NAME_BIT(VIA) | FX_NAME_BIT(X_FORWARDED_FOR) |
                               FX_NAME_BIT(X_FORWARDED_PROTO) | FX_NAME_BIT(MAX_FORWARDS) |
                               FX_NAME_BIT(FICUS_EPOCH) | FX_NAME_BIT(FICUS_SHADOW);
    const struct fx_head *head = forward->head;
    add_request_line(head, out);
    fx_buf_add_c(out, "Host: ");
    fx_buf_add(out, head->host.len > 0 ? head->host : fx_str_from(endpoint->host));
    fx_buf_add_c(out, "\r\n");
    fx_h1_write_end_to_end_but(out, head, rewritten, fcd_forward_is_path_field);
    add_forwarded(forward, out);
    add_via(forward, out);
    add_max_forwards(forward, out);
    add_framing(head, out);
    if (forward->epoch >= 0)
        fx_buf_printf(out, "Ficus-Epoch: %" PRId64 "\r\n", forward->epoch);
    if (is_shadow)
        fx_buf_add_c(out, "Ficus-Shadow: 1\r\n");
    fx_h1_write_end(out);
}

bool fcd_forward_is_loop(const struct fx_head *head, const char *pseudonym)
{
    const struct fx_field *field = fx_head_find(head, "Via");
    for (; field != NULL; field = fx_head_find_next(head, "Via", field))
        if (memmem(field->value.ptr, field->value.len, pseudonym, strlen(pseudonym)) != NULL)
            return true;
    return false;
}
