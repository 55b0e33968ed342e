/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict parser for the head of an HTTP/1.0 or 1.1 message (RFC 9112), fed with whatever has
 * arrived.
 *
 *     struct fx_h1_scan scan = {0};                       one for each message
 *     switch (fx_h1_parse_request(bytes, &scan, &limits, &head, &used, &problem)) {
 *     case FX_H1_MORE: read more, call again with the same bytes and what follows them
 *     case FX_H1_DONE: head is filled (borrowing from bytes); the body starts at bytes + used
 *     case FX_H1_BAD:  answer problem.status, close
 *     }
 *
 * Lines end with CR LF and nothing else. Everything that two implementations could read differently
 * is refused: bare CR or LF, obs-fold, a space before the colon, several lengths, a length beside
 * Transfer-Encoding, Transfer-Encoding in HTTP/1.0 or not ending in chunked, a missing or second
 * Host, a fragment or a control in the target. Empty lines before a request are skipped (at most
 * two). In responses obs-fold and Content-Length problems are refused too (status 502 for the
 * facade).
 *
 * What ret_head holds after MORE or BAD means nothing.
 * The time over all calls is linear in the head: the scan remembers how far it looked.
 * Thread: any.
 */
#ifndef FX_HTTP_H1_PARSE_H
#define FX_HTTP_H1_PARSE_H

#include "lib/http/head.h"

struct fx_h1_limits {
    size_t line_max_bytes; /* start line; beyond: 414 for requests */
    size_t head_max_bytes; /* whole head; beyond: 431 */
    size_t fields_max;     /* at most FX_HEAD_FIELDS_MAX; beyond: 431 */
};
#define FX_H1_LIMITS ((struct fx_h1_limits){8 * 1024, 64 * 1024, FX_HEAD_FIELDS_MAX})

enum fx_h1_result { FX_H1_MORE, FX_H1_DONE, FX_H1_BAD };

struct fx_h1_scan {
    size_t seen;  /* bytes already searched for the end of the head */
    size_t line;  /* start of the line that is being searched */
    size_t start; /* start of the message, after skipped empty lines */
    bool is_line_checked;
};

struct fx_h1_problem {
    int status;       /* requests: 400, 414, 431, 501, 505; responses: 502 */
    const char *what; /* static text: "space before the colon of a field" */
};

enum fx_h1_result fx_h1_parse_request(struct fx_str bytes, struct fx_h1_scan *scan,
                                      const struct fx_h1_limits *limits, struct fx_head *ret_head,
                                      size_t *ret_used, struct fx_h1_problem *ret_problem);
/*
 * `request_method`: of the request that this answers; HEAD and CONNECT decide whether a body
 * follows. A 1xx head is a message of its own: parse again with a fresh scan for the next one.
 */
enum fx_h1_result fx_h1_parse_response(struct fx_str bytes, struct fx_str request_method,
                                       struct fx_h1_scan *scan, const struct fx_h1_limits *limits,
                                       struct fx_head *ret_head, size_t *ret_used,
                                       struct fx_h1_problem *ret_problem);

#endif
