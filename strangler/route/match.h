/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path and method -> route. A pattern is a path whose segments are literal, "*" or "{name}" (one
 * segment), or "**" at the end (the path so far and everything below it: /orders/ ** matches
 * /orders and /orders/7/lines).
 *
 * Order when several patterns match: the longest literal prefix first, then the pattern with more
 * segments, then one without "**", then the order of the file. A pattern that matches with a method
 * that no such route takes does not end the search.
 *
 * A literal segment also matches the segment with parameters ("/orders;jsessionid=7/1" is /orders/1
 * for a servlet container), so that no spelling of a path bypasses the group of its route. Patterns
 * are case-sensitive and in the normal form of lib/http/url (another form is refused: it would
 * match nothing).
 *
 * Pure: no sockets, no clock. Thread: any; a table is immutable once built.
 */
#ifndef FCD_ROUTE_MATCH_H
#define FCD_ROUTE_MATCH_H

#include "lib/base/arena.h"
#include "lib/err/err.h"

enum fcd_method {
    FCD_M_GET = 1,
    FCD_M_HEAD = 2,
    FCD_M_POST = 4,
    FCD_M_PUT = 8,
    FCD_M_PATCH = 16,
    FCD_M_DELETE = 32,
    FCD_M_OPTIONS = 64,
    FCD_M_TRACE = 128,
    FCD_M_CONNECT = 256,
    FCD_M_OTHER = 512
};
enum { FCD_METHODS_ALL = 1023, FCD_PATTERN_SEGMENTS = 16 };

unsigned fcd_method_bit(struct fx_str method); /* exact, as methods are case-sensitive */
/* "post": no rule matches it, but some frameworks treat
 * it as POST (Symfony converts methods to upper case). */
bool fcd_method_is_miswritten(struct fx_str method);
/* Safe methods (RFC 9110, 9.2.1) change nothing and
 * may be tried again, except on a route of kind write. */
static inline bool fcd_method_is_safe(unsigned method)
{
    return (method & (FCD_M_GET | FCD_M_HEAD | FCD_M_OPTIONS | FCD_M_TRACE)) != 0;
}

struct fcd_pattern {
    struct fx_str segments[FCD_PATTERN_SEGMENTS]; /* ptr NULL: any one segment */
    size_t n_segments;
    size_t literal_len; /* bytes before the first wildcard */
    bool has_rest;      /* ends in "**" */
};
/* Borrows `text`. Errors: CONFIG, with the reason as message. */
bool fcd_pattern_compile(const char *text, struct fcd_pattern *ret_pattern,
                         struct fx_err *err) FX_MUST_CHECK;
/* `path` begins with "/", has no query. Empty segments are kept: "/a//b" is not "/a/b". */
bool fcd_pattern_matches(const struct fcd_pattern *pattern, struct fx_str path);

struct fcd_rule {
    struct fcd_pattern pattern;
    unsigned methods; /* set of FCD_M_* */
    size_t group;     /* of the caller's: routes of the same context have the same */
    size_t route;     /* index in the caller's table; also the order of the file */
};
void fcd_rules_sort(struct fcd_rule *rules, size_t n);
/* SIZE_MAX when no rule takes it: the default upstream. */
size_t fcd_rules_find(const struct fcd_rule *rules, size_t n, struct fx_str path, unsigned method);

#endif
