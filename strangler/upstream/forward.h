/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of a request as it goes on to an upstream. It is always written anew from its parsed
 * form, never passed through as bytes: what an upstream sees is what we understood (RFC 9110, 7.6;
 * RFC 9112, 6). Rules by section:
 *
 *   7.6.1  fields of this hop are not forwarded (lib/http/head knows them)
 *   7.6.2  Max-Forwards is counted down for OPTIONS
 *   7.6.3  Via is added; our own name in it means a loop
 *   6.1    Content-Length or Transfer-Encoding are ours: exactly one, or none
 *   10.1.1 Expect is answered by us, when the request is really sent
 *
 * Pure. Thread: any.
 */
#ifndef FCD_UPSTREAM_FORWARD_H
#define FCD_UPSTREAM_FORWARD_H

#include "lib/http/head.h"
#include "strangler/conf/config.h"

struct fcd_forward {
    const struct fx_head *head; /* as it arrived */
    unsigned method;            /* FCD_M_* */
    const char *peer;           /* the client's address, without port */
    const char *scheme;         /* "http": how the client came to us */
    const char *version;        /* "1.1": the client's HTTP version, for Via */
    const char *pseudonym;      /* ours, for Via */
    int64_t epoch;              /* of the group that a write belongs to; -1: not a write */
};

/* A field by which a client would tell the upstream another path than the one that was routed:
 * dropped, in any case and with "_" for "-". */
bool fcd_forward_is_path_field(struct fx_str name);
/* A field that names another method (X-HTTP-Method-Override and its kin). */
bool fcd_forward_is_override(struct fx_str name);

void fcd_forward_write(const struct fcd_forward *forward, const struct fcd_conf_endpoint *endpoint,
                       bool is_shadow, struct fx_buf *out);
/* Has this request passed the facade of that pseudonym before? */
bool fcd_forward_is_loop(const struct fx_head *head, const char *pseudonym);

#endif
