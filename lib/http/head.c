/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-ups over the fields of a head, and the grammar of names and values. What names.def knows is
 * compared as a number, and not searched at all when it is not there; the rest by a linear search,
 * for lists are short.
 */
#include "lib/http/head.h"

/* ASCII folded to lower case, "_" to "-". */
static char fold(char c)
{
    if (c == '_')
        return '-';
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static enum fx_name known_as(struct fx_str name, const char *text, enum fx_name id)
{
    for (size_t i = 0; i < name.len; i++)
        if (fold(name.ptr[i]) != text[i])
            return FX_NAME_OTHER;
    return id;
}

/* Letters of either case have the same last five bits. */
#define KEY(len, first) ((size_t)(len) << 5 | ((size_t)(first)&31))

enum fx_name fx_http_name(struct fx_str name)
{
    if (name.len == 0)
        return FX_NAME_OTHER;
    switch (KEY(name.len, name.ptr[0])) {
#define X(id, first, text)             \
    case KEY(sizeof(text) - 1, first): \
        return known_as(name, text, FX_NAME_##id);
#include "lib/http/names.def"
#undef X
    default: return FX_NAME_OTHER;
    }
}

static enum fx_name exact_name(struct fx_str name, enum fx_name cgi_id)
{
    return cgi_id == FX_NAME_OTHER || fx_str_find(name, '_') >= 0 ? FX_NAME_OTHER : cgi_id;
}

bool fx_head_add(struct fx_head *head, struct fx_str name, struct fx_str value)
{
    if (head->n_fields == FX_HEAD_FIELDS_MAX)
        return false;
    enum fx_name cgi_id = fx_http_name(name), id = exact_name(name, cgi_id);
    head->fields[head->n_fields++] = (struct fx_field){name, value, id, cgi_id};
    head->present |= UINT64_C(1) << id;
    return true;
}

const struct fx_field *fx_head_find_next(const struct fx_head *head, const char *name,
                                         const struct fx_field *from)
{
    struct fx_str wanted = fx_str_from(name);
    enum fx_name id = exact_name(wanted, fx_http_name(wanted));
    if ((head->present >> id & 1) == 0)
        return NULL;
    for (size_t i = from != NULL ? (size_t)(from - head->fields) + 1 : 0; i < head->n_fields; i++)
        if (head->fields[i].id == id &&
            (id != FX_NAME_OTHER || fx_str_eq_ci(head->fields[i].name, wanted)))
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

static bool lists(const struct fx_head *head, const char *name, struct fx_str wanted)
{
    for (const struct fx_field *field = fx_head_find(head, name); field != NULL;
         field = fx_head_find_next(head, name, field)) {
        struct fx_str rest = field->value;
        while (rest.len > 0)
            if (fx_str_eq_ci(fx_str_trim(fx_str_cut(rest, ',', &rest)), wanted))
                return true;
    }
    return false;
}

bool fx_head_has_token(const struct fx_head *head, const char *name, const char *token)
{
    return lists(head, name, fx_str_from(token));
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
static bool is_protected(const struct fx_field *field)
{
    const uint64_t protected = FX_NAME_BIT(HOST) | FX_NAME_BIT(CONTENT_LENGTH) |
                               FX_NAME_BIT(CONTENT_TYPE) | FX_NAME_BIT(AUTHORIZATION) |
                               FX_NAME_BIT(COOKIE) | FX_NAME_BIT(FORWARDED);
    const struct fx_str prefix = FX_STR("x-forwarded-");
    return (protected >> field->id & 1) != 0 ||
           fx_str_eq_ci(fx_str_sub(field->name, 0, prefix.len), prefix);
}

static const uint64_t hop_by_hop =
    FX_NAME_BIT(CONNECTION) | FX_NAME_BIT(KEEP_ALIVE) | FX_NAME_BIT(PROXY_CONNECTION) |
    FX_NAME_BIT(TE) | FX_NAME_BIT(TRAILER) | FX_NAME_BIT(TRANSFER_ENCODING) | FX_NAME_BIT(UPGRADE);

bool fx_head_is_hop_by_hop(const struct fx_head *head, const struct fx_field *field)
{
    if ((hop_by_hop >> field->id & 1) != 0)
        return true;
    return head->is_listing_fields && !is_protected(field) &&
           lists(head, "connection", field->name);
}

/* What a token (RFC 9110, 5.6.2) is made of. */
static const bool token_chars[256] = {
    ['!'] = true,         ['#'] = true,         ['$'] = true,        ['%'] = true, ['&'] = true,
    ['\''] = true,        ['*'] = true,         ['+'] = true,        ['-'] = true, ['.'] = true,
    ['^'] = true,         ['_'] = true,         ['`'] = true,        ['|'] = true, ['~'] = true,
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true};

bool fx_http_is_token(struct fx_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!token_chars[(unsigned char)s.ptr[i]])
            return false;
    return s.len > 0;
}

static bool is_value_char(unsigned char c)
{
    return (c >= 0x20 && c != 0x7F) || c == '\t';
}

/* Sixteen bytes at a time, because every byte of every
 * value is looked at: is one of them a control, or a tab? */
static bool may_hold_control(const char *at)
{
    typedef unsigned char bytes __attribute__((vector_size(16)));
    bytes b;
    uint64_t halves[2];
    memcpy(&b, at, sizeof b);
    __typeof__(b < 0x20) bad = (b < 0x20) | (b == 0x7F);
    memcpy(halves, &bad, sizeof halves);
    return (halves[0] | halves[1]) != 0;
}

bool fx_http_is_field_value(struct fx_str s)
{
    size_t i = 0;
    while (i < s.len) {
        if (s.len - i >= 16 && !may_hold_control(s.ptr + i)) {
            i += 16;
            continue;
        }
        if (!is_value_char((unsigned char)s.ptr[i++]))
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
