/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A customer's HTTP connection: blocking, keep-alive, one request at a time. Written apart from
 * lib/http on purpose: the ledger must not share a defect with what it judges.
 *
 * The outcome says what a customer can know: an answer; nothing was sent (certainly not done); or
 * the connection broke after something was sent (done or not, nobody knows).
 */
#ifndef DEMO_HTTP_H
#define DEMO_HTTP_H

#include "lib/base/buf.h"

enum http_outcome { HTTP_ANSWERED, HTTP_NOT_SENT, HTTP_NO_ANSWER };

struct http_client {
    const char *host;
    int port;
    int fd; /* -1: not connected */
    int timeout_ms;
    struct fx_buf in;
};

struct http_answer {
    int status;
    bool has_retry_after;
    struct fx_str body; /* borrowed from the client until its next call */
};

void http_client_init(struct http_client *client, const char *host, int port, int timeout_ms);
void http_client_done(struct http_client *client);
/* `customer`: value of the sticky header. `body` NULL: GET, else POST. */
enum http_outcome http_call(struct http_client *client, const char *path, int customer,
                            const char *body, struct http_answer *ret);

#endif
