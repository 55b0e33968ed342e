/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP for tools: one request, one answer, a deadline. Only door to libcurl.
 *
 * Speaks to the facade's admin address and to the Unix sockets of stream processes. No redirects,
 * no proxies, no cookies. Not for the daemon's data path.
 *
 * Errors: FACADE_CONNECT (refused, timed out; retriable), FACADE (anything else below HTTP). A
 * status of 400
 *         or more is not an error here: the caller reads ret->status and the body.
 * Thread: any; one client a thread.
 */
#ifndef FX_HTTP_CLIENT_H
#define FX_HTTP_CLIENT_H

#include "lib/base/buf.h"
#include "lib/err/err.h"

struct fx_http_request {
    const char *method;      /* "GET", "POST" */
    const char *url;         /* "http://127.0.0.1:9901/v1/status" */
    const char *unix_socket; /* NULL: TCP */
    const char *bearer;      /* token, or NULL */
    struct fx_str body;      /* JSON; empty: none */
    int64_t timeout_ms;
};
struct fx_http_reply {
    int status;
    struct fx_buf body; /* fx_buf_done by the caller; at most 16 MiB */
};
bool fx_http_call(const struct fx_http_request *request, struct fx_http_reply *ret_reply,
                  struct fx_err *err) FX_MUST_CHECK;

#endif
