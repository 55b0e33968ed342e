/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-ups over the fields of a head, and the grammar of names and values. Lists are short (at most
 * FX_HEAD_FIELDS_MAX), so a linear search beats any index.
 */
#include "lib/http/head.h"

const struct fx_field *fx_head_find_next(const struct fx_head *head, const char *name,
                                         const struct fx_field *from)
{
    struct fx_str wanted = fx_str_from(name);
    for (size_t i = from != NULL ? (size_t)(from - head->fields) + 1 : 0; i < head->n_fields; i++)
        if (fx_str_eq_ci(head->fields[i].name, wanted))
            return &head->fields[i];
    return NULL;
}

const struct fx_field *fx_head_find(const struct fx_head *head, const char *name)
{
    return fx_head_find_next(head, name, NULL);
}

struct fx_str fx_head_value(const struct fx_head *head, const char *name)
{
    const struct fx_field *field = fx_head_find(head, name);
    return field != NULL ? field->value : (struct fx_str){0};
}

bool fx_head_has_token(const struct fx_head *head, const char *name, const char *token)
{
    struct fx_str wanted = fx_str_from(token);
    for (const struct fx_field *field = fx_head_find(head, name); field != NULL;
         field = fx_head_find_next(head, name, field)) {
        struct fx_str rest = field->value;
        while (rest.len > 0)
            if (fx_str_eq_ci(fx_str_trim(fx_str_cut(rest, ',', &rest)), wanted))
                return true;
    }
    return false;
}

struct fx_str fx_head_cookie(const struct fx_head *head, const char *name)
{
    struct fx_str wanted = fx_str_from(name);
    for (const struct fx_field *field = fx_head_find(head, "cookie"); field != NULL;
         field = fx_head_find_next(head, "cookie", field)) {
        struct fx_str rest = field->value;
        while (rest.len > 0) {
            struct fx_str pair = fx_str_trim(fx_str_cut(rest, ';', &rest)), value;
            if (fx_str_eq(fx_str_cut(pair, '=', &value), wanted))
                return value;
        }
    }
    return (struct fx_str){0};
}

/* What Connection may list without effect: a client must not strip what upstreams trust. */
static bool is_protected(struct fx_str name)
{
    static const char *const names[] = {"host",          "content-length", "content-type",
                                        "authorization", "cookie",         "forwarded"};
    for (size_t i = 0; i < FX_ARRAY_LEN(names); i++)
        if (fx_str_eq_ci(name, fx_str_from(names[i])))
            return true;
    return name.len >= 12 && fx_str_eq_ci(fx_str_sub(name, 0, 12), FX_STR("x-forwarded-"));
}

bool fx_head_is_hop_by_hop(const struct fx_head *head, const struct fx_field *field)
{
    static const char *const names[] = {"connection", "keep-alive",        "proxy-connection", "te",
                                        "trailer",    "transfer-encoding", "upgrade"};
    for (size_t i = 0; i < FX_ARRAY_LEN(names); i++)
        if (fx_str_eq_ci(field->name, fx_str_from(names[i])))
            return true;
    char name[64];
    if (is_protected(field->name) || field->name.len >= sizeof name)
        return false;
    memcpy(name, field->name.ptr, field->name.len);
    name[field->name.len] = '\0';
    return fx_head_has_token(head, "connection", name);
}

bool fx_http_is_token(struct fx_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool is_alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_alnum && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return s.len > 0;
}

bool fx_http_is_field_value(struct fx_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F)
            return false;
    }
    return true;
}

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

const char *fx_http_reason(int status)
{
    for (size_t i = 0; i < FX_ARRAY_LEN(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}
