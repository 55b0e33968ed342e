/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two passes: while bytes arrive only line ends are searched (and the first line is judged as soon
 * as it is whole, so that a client that speaks something else is told at once); when the empty line
 * is there, the head is parsed in one go, borrowing from the caller's bytes.
 *
 *     start-line CRLF *( field-name ":" OWS field-value OWS CRLF ) CRLF    RFC 9112, 2.1 and 5
 *
 * Why so strict: a proxy and the server behind it that read one message differently are how
 * requests are smuggled. Each refusal below names the section that allows or demands it.
 */
#include "lib/http/h1_parse.h"

#include "lib/base/panic.h"
#include "lib/fmt/text.h"

static enum fx_h1_result bad(struct fx_h1_problem *problem, int status, const char *what)
{
    *problem = (struct fx_h1_problem){status, what};
    return FX_H1_BAD;
}

/* --- start lines ------------------------------------------------------------------------------ */

static bool is_target_char(char c)
{
    return c > 0x20 && c < 0x7F && c != '#';
}

/* uri-host [":" port], RFC 9110, 7.2; empty is allowed (9112, 3.2). */
static bool is_authority(struct fx_str s)
{
    size_t i = 0;
    if (s.len > 0 && s.ptr[0] == '[') {
        while (i < s.len && s.ptr[i] != ']')
            if (strchr("0123456789abcdefABCDEF:.[", s.ptr[i++]) == NULL)
                return false;
        if (i++ == s.len)
            return false;
    } else {
        for (; i < s.len && s.ptr[i] != ':'; i++) {
            char c = s.ptr[i];
            bool is_alnum =
                (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
            if (!is_alnum && (c == '\0' || strchr("-._~!$&'()*+;=%", c) == NULL))
                return false;
        }
    }
    if (i == s.len)
        return true;
    if (s.ptr[i++] != ':')
        return false;
    uint64_t port;
    return i == s.len || fx_parse_u64(fx_str_sub(s, i, s.len), 65535, &port);
}

static void split_path(struct fx_str origin, struct fx_head *head)
{
    ptrdiff_t mark = fx_str_find(origin, '?');
    head->has_query = mark >= 0;
    head->path = mark >= 0 ? fx_str_sub(origin, 0, (size_t)mark) : origin;
    head->query = mark >= 0 ? fx_str_sub(origin, (size_t)mark + 1, origin.len) : (struct fx_str){0};
}

/* The four forms of RFC 9112, 3.2. */
static bool parse_target(struct fx_head *head)
{
    struct fx_str target = head->target;
    if (target.len == 0)
        return false;
    for (size_t i = 0; i < target.len; i++)
        if (!is_target_char(target.ptr[i]))
            return false;
    if (fx_str_eq(head->method, FX_STR("CONNECT"))) {
        head->host = target;
        return fx_str_find(target, ':') > 0 && is_authority(target);
    }
    if (fx_str_eq(target, FX_STR("*"))) {
        head->path = target;
        return fx_str_eq(head->method, FX_STR("OPTIONS"));
    }
    if (target.ptr[0] == '/') {
        split_path(target, head);
        return true;
    }
    size_t scheme = 0;
    if (target.len > 7 && fx_str_eq_ci(fx_str_sub(target, 0, 7), FX_STR("http://")))
        scheme = 7;
    else if (target.len > 8 && fx_str_eq_ci(fx_str_sub(target, 0, 8), FX_STR("https://")))
        scheme = 8;
    else
        return false;
    size_t end = scheme;
    while (end < target.len && target.ptr[end] != '/' && target.ptr[end] != '?')
        end++;
    head->host = fx_str_sub(target, scheme, end - scheme);
    split_path(fx_str_sub(target, end, target.len), head);
    if (head->path.len == 0) /* 3.2.4: the server as a whole is asked */
        head->path = fx_str_eq(head->method, FX_STR("OPTIONS")) && !head->has_query ? FX_STR("*")
                                                                                    : FX_STR("/");
    return head->host.len > 0 && is_authority(head->host);
}

static enum fx_h1_result parse_version(struct fx_str text, struct fx_head *head,
                                       struct fx_h1_problem *problem)
{
    bool is_version = text.len == 8 && fx_str_starts(text, FX_STR("HTTP/")) && text.ptr[6] == '.' &&
                      text.ptr[5] >= '0' && text.ptr[5] <= '9' && text.ptr[7] >= '0' &&
                      text.ptr[7] <= '9';
    if (!is_version)
        return bad(problem, 400, "the start line does not name an HTTP version");
    if (text.ptr[5] != '1' || text.ptr[7] > '1')
        return bad(problem, 505, "only HTTP/1.0 and HTTP/1.1 are supported");
    head->minor = text.ptr[7] - '0';
    return FX_H1_DONE;
}

/* method SP request-target SP HTTP-version, RFC 9112, 3: single spaces only. */
static enum fx_h1_result parse_request_line(struct fx_str line, struct fx_head *head,
                                            struct fx_h1_problem *problem)
{
    struct fx_str rest, version;
    head->method = fx_str_cut(line, ' ', &rest);
    head->target = fx_str_cut(rest, ' ', &version);
    if (!fx_http_is_token(head->method))
        return bad(problem, 400, "the method is not a token");
    enum fx_h1_result result = parse_version(version, head, problem);
    if (result != FX_H1_DONE)
        return result;
    if (!parse_target(head))
        return bad(problem, 400, "the request target is not valid");
    return FX_H1_DONE;
}

/* HTTP-version SP status-code [SP reason]; servers that leave out the last space are many. */
static enum fx_h1_result parse_status_line(struct fx_str line, struct fx_head *head,
                                           struct fx_h1_problem *problem)
{
    struct fx_str rest;
    struct fx_str version = fx_str_cut(line, ' ', &rest);
    if (parse_version(version, head, problem) != FX_H1_DONE)
        return bad(problem, 502, problem->what);
    uint64_t status;
    struct fx_str code = fx_str_cut(rest, ' ', &head->reason);
    if (code.len != 3 || !fx_parse_u64(code, 599, &status) || status < 100)
        return bad(problem, 502, "the status code is not valid");
    if (!fx_http_is_field_value(head->reason))
        return bad(problem, 502, "a control character in the reason");
    head->status = (int)status;
    return FX_H1_DONE;
}

/* --- fields ----------------------------------------------------------------------------------- */

/* The only place that makes fields of foreign bytes;
 * fx_h1_write_end_to_end relies on what is checked here. */
static const char *parse_field(struct fx_str line, struct fx_head *head)
{
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return "a field line that continues the one before (obs-fold)"; /* RFC 9112, 5.2 */
    ptrdiff_t colon = fx_str_find(line, ':');
    if (colon < 0)
        return "a field line without a colon";
    struct fx_str name = fx_str_sub(line, 0, (size_t)colon);
    struct fx_str value = fx_str_trim(fx_str_sub(line, (size_t)colon + 1, line.len));
    if (colon > 0 && (line.ptr[colon - 1] == ' ' || line.ptr[colon - 1] == '\t'))
        return "a space before the colon of a field"; /* RFC 9112, 5.1 */
    if (!fx_http_is_token(name))
        return "a field name that is not a token";
    if (!fx_http_is_field_value(value))
        return "a control character in a field value"; /* bare CR included: RFC 9112, 2.2 */
    bool is_added = fx_head_add(head, name, value);
    FX_ASSERT(is_added); /* the caller has counted */
    return NULL;
}

/* `block`: everything after the start line, ended by
 * the empty line; lines were checked to end in CR LF. */
static enum fx_h1_result parse_fields(struct fx_str block, const struct fx_h1_limits *limits,
                                      int status, struct fx_head *head,
                                      struct fx_h1_problem *problem)
{
    for (;;) {
        struct fx_str line = fx_str_cut(block, '\n', &block);
        line = fx_str_sub(line, 0, line.len - 1);
        if (line.len == 0)
            return FX_H1_DONE;
        if (head->n_fields >= FX_MIN(limits->fields_max, (size_t)FX_HEAD_FIELDS_MAX))
            return bad(problem, status == 502 ? 502 : 431, "too many fields");
        const char *what = parse_field(line, head);
        if (what != NULL)
            return bad(problem, status, what);
    }
}

/* --- meaning ---------------------------------------------------------------------------------- */

static bool is_present(const struct fx_head *head, const char *name)
{
    return fx_head_find(head, name) != NULL;
}

/* RFC 9112, 6.2 and 6.3: exactly one, digits only. Of a request even identical repetitions are
 * refused; of a response they are taken for one (RFC 9110, 8.6), as other gateways do. */
static bool parse_length(const struct fx_head *head, bool may_repeat, uint64_t *ret)
{
    const struct fx_field *first = fx_head_find(head, "content-length"), *field = first;
    uint64_t one;
    if (!may_repeat)
        return fx_head_find_next(head, "content-length", first) == NULL &&
               fx_parse_u64(first->value, INT64_MAX, ret);
    for (bool is_first = true; field != NULL;
         field = fx_head_find_next(head, "content-length", field)) {
        struct fx_str rest = field->value;
        do {
            if (!fx_parse_u64(fx_str_trim(fx_str_cut(rest, ',', &rest)), INT64_MAX, &one) ||
                (!is_first && one != *ret))
                return false;
            *ret = one;
            is_first = false;
        } while (rest.len > 0);
        if (fx_str_ends(field->value, FX_STR(",")))
            return false;
    }
    return true;
}

enum coding { CODING_CHUNKED, CODING_UNKNOWN, CODING_WRONG };

/* RFC 9112, 6.1: only `chunked`, once and last, can be carried; others must be refused with 501. */
static enum coding parse_coding(const struct fx_head *head)
{
    struct fx_str last = {0};
    size_t n_chunked = 0, n_codings = 0;
    for (const struct fx_field *field = fx_head_find(head, "transfer-encoding"); field != NULL;
         field = fx_head_find_next(head, "transfer-encoding", field)) {
        struct fx_str rest = field->value;
        do {
            last = fx_str_trim(fx_str_cut(rest, ',', &rest));
            if (last.len == 0)
                return CODING_WRONG;
            n_codings++;
            n_chunked += fx_str_eq_ci(last, FX_STR("chunked"));
        } while (rest.len > 0);
        if (fx_str_ends(field->value, FX_STR(",")))
            return CODING_WRONG;
    }
    if (n_chunked != 1 || !fx_str_eq_ci(last, FX_STR("chunked")))
        return CODING_WRONG;
    return n_codings == 1 ? CODING_CHUNKED : CODING_UNKNOWN;
}

static const char *find_framing(struct fx_head *head, bool has_body_by_default, int *status)
{
    bool has_length = is_present(head, "content-length");
    if (is_present(head, "transfer-encoding")) {
        if (has_length)
            return "both Content-Length and Transfer-Encoding"; /* RFC 9112, 6.1: may reject */
        if (head->minor == 0)
            return "Transfer-Encoding in an HTTP/1.0 message";
        enum coding coding = parse_coding(head);
        if (coding == CODING_WRONG)
            return "a Transfer-Encoding in which chunked is not the last coding, once";
        if (coding == CODING_UNKNOWN) {
            *status = 501;
            return "a transfer coding other than chunked";
        }
        head->framing = FX_FRAME_CHUNKED;
    } else if (has_length) {
        if (!parse_length(head, has_body_by_default, &head->content_length))
            return "a Content-Length that is not a single number";
        head->framing = FX_FRAME_LENGTH;
    } else {
        head->framing = has_body_by_default ? FX_FRAME_CLOSE : FX_FRAME_NONE;
    }
    return NULL;
}

static void find_connection(struct fx_head *head)
{
    bool has_close = false, has_keep_alive = false, has_upgrade = false;
    for (const struct fx_field *field = fx_head_find(head, "connection"); field != NULL;
         field = fx_head_find_next(head, "connection", field)) {
        struct fx_str rest = field->value;
        while (rest.len > 0) {
            struct fx_str token = fx_str_trim(fx_str_cut(rest, ',', &rest));
            bool is_keep_alive = fx_str_eq_ci(token, FX_STR("keep-alive"));
            bool is_upgrade = fx_str_eq_ci(token, FX_STR("upgrade"));
            has_close |= fx_str_eq_ci(token, FX_STR("close"));
            has_keep_alive |= is_keep_alive;
            has_upgrade |= is_upgrade;
            /* Keep-Alive and Upgrade are hop-by-hop without being listed. */
            head->is_listing_fields |= !is_keep_alive && !is_upgrade;
        }
    }
    head->is_keep_alive = !has_close && (head->minor > 0 || has_keep_alive);
    head->is_upgrade = has_upgrade && is_present(head, "upgrade");
}

static const char *find_host(struct fx_head *head)
{
    const struct fx_field *host = fx_head_find(head, "host");
    if (host == NULL)
        return head->minor > 0 ? "no Host field" : NULL;
    if (fx_head_find_next(head, "host", host) != NULL)
        return "more than one Host field";
    if (!is_authority(host->value))
        return "a Host field that is not valid";
    if (head->host.len == 0) /* RFC 9112, 3.2.2: an absolute target wins */
        head->host = host->value;
    return NULL;
}

static enum fx_h1_result finish_request(struct fx_head *head, struct fx_h1_problem *problem)
{
    int status = 400;
    const char *what = find_host(head);
    if (what == NULL)
        what = find_framing(head, false, &status);
    if (what != NULL)
        return bad(problem, status, what);
    find_connection(head);
    head->is_expecting_100 =
        head->minor > 0 && fx_str_eq_ci(fx_head_value(head, "expect"), FX_STR("100-continue"));
    return FX_H1_DONE;
}

/*
 * Who has no body whatever its head says cannot be read in two ways: a wrong framing in it is
 * ignored, as the write behind it has been done, and the connection is closed after it.
 */
static enum fx_h1_result finish_response(struct fx_head *head, struct fx_str request_method,
                                         struct fx_h1_problem *problem)
{
    int ignored = 502;
    const char *what = find_framing(head, true, &ignored);
    bool is_tunnel = fx_str_eq(request_method, FX_STR("CONNECT")) && head->status / 100 == 2;
    bool is_empty =
        head->status == 204 || head->status == 304 || fx_str_eq(request_method, FX_STR("HEAD"));
    bool has_coding = is_present(head, "transfer-encoding");
    if (what == NULL && head->status < 200 && has_coding)
        what = "Transfer-Encoding in a response that has no body"; /* RFC 9112, 6.1 */
    if (what != NULL && !is_empty)
        return bad(problem, 502, what);
    find_connection(head);
    if (what != NULL || (head->status == 204 && has_coding))
        head->is_keep_alive = false;
    if (is_empty || head->status < 200 || is_tunnel)
        head->framing = FX_FRAME_NONE;
    if (head->framing == FX_FRAME_CLOSE)
        head->is_keep_alive = false;
    return FX_H1_DONE;
}

/* --- lines ------------------------------------------------------------------------------------ */

struct kind { /* what differs between the two messages while lines are searched */
    bool is_request;
    int malformed, line_too_long, head_too_large;
};
static const struct kind request_kind = {true, 400, 414, 431};
static const struct kind response_kind = {false, 502, 502, 502};

static enum fx_h1_result parse_start_line(const struct kind *kind, struct fx_str line,
                                          struct fx_head *head, struct fx_h1_problem *problem)
{
    return kind->is_request ? parse_request_line(line, head, problem)
                            : parse_status_line(line, head, problem);
}

/* The fields themselves are left as they are: n_fields says how many count. */
static void clear(struct fx_head *head)
{
    memset(head, 0, offsetof(struct fx_head, fields));
    memset(&head->n_fields, 0, sizeof *head - offsetof(struct fx_head, n_fields));
}

/* The line at scan->line ends at bytes[lf]. DONE:
 * it was the empty one after a head; MORE: go on. */
static enum fx_h1_result take_line(const struct kind *kind, struct fx_str bytes, size_t lf,
                                   struct fx_h1_scan *scan, struct fx_head *head,
                                   struct fx_h1_problem *problem)
{
    enum { EMPTY_LINES_MAX_BYTES = 4 };
    if (lf == scan->line || bytes.ptr[lf - 1] != '\r')
        return bad(problem, kind->malformed, "a line that does not end with CR LF");
    size_t len = lf - 1 - scan->line;
    if (len == 0 && scan->line != scan->start)
        return FX_H1_DONE;
    if (len == 0) { /* RFC 9112, 2.2: at least one empty line before a request is to be ignored */
        if (!kind->is_request || lf >= EMPTY_LINES_MAX_BYTES)
            return bad(problem, kind->malformed, "an empty line instead of a start line");
        scan->start = scan->line = lf + 1;
        return FX_H1_MORE;
    }
    if (!scan->is_line_checked) {
        clear(head);
        enum fx_h1_result result =
            parse_start_line(kind, fx_str_sub(bytes, scan->line, len), head, problem);
        if (result != FX_H1_DONE)
            return result;
        scan->is_line_checked = true;
    }
    scan->line = lf + 1;
    return FX_H1_MORE;
}

static enum fx_h1_result check_limits(const struct kind *kind, size_t end,
                                      const struct fx_h1_scan *scan,
                                      const struct fx_h1_limits *limits,
                                      struct fx_h1_problem *problem)
{
    if (!scan->is_line_checked && end - scan->line > limits->line_max_bytes)
        return bad(problem, kind->line_too_long, "the start line is too long");
    if (end - scan->start > limits->head_max_bytes)
        return bad(problem, kind->head_too_large, "the head is too large");
    return FX_H1_MORE;
}

/* Searches line ends until the head is whole; *ret_end: after the empty line. */
static enum fx_h1_result find_end(const struct kind *kind, struct fx_str bytes,
                                  const struct fx_h1_limits *limits, struct fx_h1_scan *scan,
                                  struct fx_head *head, size_t *ret_end,
                                  struct fx_h1_problem *problem)
{
    while (scan->seen < bytes.len) {
        const char *at = memchr(bytes.ptr + scan->seen, '\n', bytes.len - scan->seen);
        size_t lf = at != NULL ? (size_t)(at - bytes.ptr) : bytes.len;
        enum fx_h1_result result = check_limits(kind, lf, scan, limits, problem);
        if (result == FX_H1_BAD)
            return result;
        scan->seen = FX_MIN(lf + 1, bytes.len);
        if (at == NULL)
            break;
        result = take_line(kind, bytes, lf, scan, head, problem);
        if (result == FX_H1_DONE)
            *ret_end = lf + 1;
        if (result != FX_H1_MORE)
            return result;
    }
    /* Not HTTP at all (a TLS hello, a shell): say so at once instead of waiting for a line. */
    if (scan->start < bytes.len && bytes.ptr[scan->start] != '\r' &&
        !fx_http_is_token(fx_str_sub(bytes, scan->start, 1)))
        return bad(problem, kind->malformed, "the first byte cannot begin an HTTP message");
    return FX_H1_MORE;
}

static enum fx_h1_result parse_message(const struct kind *kind, struct fx_str bytes,
                                       struct fx_h1_scan *scan, const struct fx_h1_limits *limits,
                                       struct fx_head *head, size_t *ret_used,
                                       struct fx_h1_problem *problem)
{
    size_t end = 0;
    enum fx_h1_result result = find_end(kind, bytes, limits, scan, head, &end, problem);
    if (result != FX_H1_DONE)
        return result;
    clear(head);
    struct fx_str rest;
    struct fx_str message = fx_str_sub(bytes, scan->start, end - scan->start);
    struct fx_str line = fx_str_cut(message, '\n', &rest);
    result = parse_start_line(kind, fx_str_sub(line, 0, line.len - 1), head, problem);
    if (result == FX_H1_DONE)
        result = parse_fields(rest, limits, kind->malformed, head, problem);
    if (result == FX_H1_DONE)
        *ret_used = end;
    return result;
}

enum fx_h1_result fx_h1_parse_request(struct fx_str bytes, struct fx_h1_scan *scan,
                                      const struct fx_h1_limits *limits, struct fx_head *ret_head,
                                      size_t *ret_used, struct fx_h1_problem *ret_problem)
{
    enum fx_h1_result result =
        parse_message(&request_kind, bytes, scan, limits, ret_head, ret_used, ret_problem);
    return result == FX_H1_DONE ? finish_request(ret_head, ret_problem) : result;
}

enum fx_h1_result fx_h1_parse_response(struct fx_str bytes, struct fx_str request_method,
                                       struct fx_h1_scan *scan, const struct fx_h1_limits *limits,
                                       struct fx_head *ret_head, size_t *ret_used,
                                       struct fx_h1_problem *ret_problem)
{
    enum fx_h1_result result =
        parse_message(&response_kind, bytes, scan, limits, ret_head, ret_used, ret_problem);
    return result == FX_H1_DONE ? finish_response(ret_head, request_method, ret_problem) : result;
}
