/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of one HTTP/1 message as parsed: start line, fields in their order, and what they mean
 * for framing.
 *
 * Every text is borrowed from the bytes that were parsed: keep those bytes as long as the head is
 * read. Names keep the case they came in; all look-ups ignore it.
 *
 * Not for: deciding what to do with a message; forwarding rules live with the facade (which fields
 * are hop-by-hop is answered here, because it is grammar).
 * Thread: one.
 */
#ifndef FX_HTTP_HEAD_H
#define FX_HTTP_HEAD_H

#include "lib/base/buf.h"
#include "lib/base/str.h"

enum { FX_HEAD_FIELDS_MAX = 128 };

enum fx_name {
    FX_NAME_OTHER, /* none of names.def */
#define X(id, first, text) FX_NAME_##id,
#include "lib/http/names.def"
#undef X
};
#define FX_NAME_BIT(id) (UINT64_C(1) << FX_NAME_##id)

struct fx_field {
    struct fx_str name;
    struct fx_str value; /* without surrounding spaces and tabs */
    enum fx_name id;     /* what the name is in HTTP */
    /* What it becomes behind CGI and its heirs (WSGI, PHP,
     * Rack), which read "_" as "-": "Content_Length". */
    enum fx_name cgi_id;
};

/* How the body ends. */
enum fx_framing {
    FX_FRAME_NONE,    /* there is none */
    FX_FRAME_LENGTH,  /* content_length bytes */
    FX_FRAME_CHUNKED, /* fx_chunked decodes it */
    FX_FRAME_CLOSE,   /* responses only: until the peer closes */
};

struct fx_head {
    struct fx_str method, target; /* requests */
    int status;                   /* responses: 100…999; requests: 0 */
    struct fx_str reason;         /* responses */
    int minor;                    /* HTTP/1.<minor>: 0 or 1 */
    struct fx_field fields[FX_HEAD_FIELDS_MAX];
    size_t n_fields;

    /* Derived by the parser. */
    uint64_t present;       /* FX_NAME_BIT of every field's id */
    bool is_listing_fields; /* Connection names fields that are not hop-by-hop anyway */
    enum fx_framing framing;
    uint64_t content_length;   /* FX_FRAME_LENGTH */
    bool is_keep_alive;        /* the connection may be used again after this message */
    bool is_expecting_100;     /* request with "Expect: 100-continue" */
    bool is_upgrade;           /* "Connection: upgrade" with an Upgrade field */
    struct fx_str host;        /* requests: authority of an absolute target, else the Host field */
    struct fx_str path, query; /* requests: of the target, raw; query without '?' */
    bool has_query;
};

/* Appends a field and derives what is known of its name; false: FX_HEAD_FIELDS_MAX are there. */
bool fx_head_add(struct fx_head *head, struct fx_str name, struct fx_str value) FX_MUST_CHECK;
/* The first field of that name, or NULL; `from` (may be NULL): search after this one. */
const struct fx_field *fx_head_find(const struct fx_head *head, const char *name);
const struct fx_field *fx_head_find_next(const struct fx_head *head, const char *name,
                                         const struct fx_field *from);
/* The first value, or the empty slice. */
struct fx_str fx_head_value(const struct fx_head *head, const char *name);
/* Is `token` (case ignored) an element of the comma lists of all fields called `name`? */
bool fx_head_has_token(const struct fx_head *head, const char *name, const char *token);
/* The value of one cookie of the Cookie fields, or the empty slice. */
struct fx_str fx_head_cookie(const struct fx_head *head, const char *name);
/*
 * RFC 9110, 7.6.1: must this field stay on this hop? True for Connection and the fields it lists
 * (but never for Host, Content-Length, Content-Type, Authorization, Cookie and X-Forwarded-*, which
 * a client must not be able to strip), Keep-Alive, Proxy-Connection, TE, Trailer,
 * Transfer-Encoding, Upgrade.
 */
bool fx_head_is_hop_by_hop(const struct fx_head *head, const struct fx_field *field);

/* Case is ignored and "_" read as "-". */
enum fx_name fx_http_name(struct fx_str name);
bool fx_http_is_token(struct fx_str s); /* RFC 9110, 5.6.2 */
/* Field value without CR, LF, NUL and other controls (tab is allowed). */
bool fx_http_is_field_value(struct fx_str s);
const char *fx_http_reason(int status); /* "Not Found"; "Unknown" for others */

#endif
