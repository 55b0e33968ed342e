/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the admin API is, and who may use it: `facade.admin`. Read by the daemon, which listens
 * there, and by the tools, which call it; both find the same address and the same token.
 *
 *     (nothing)                                   a Unix socket, <state dir>/admin.sock
 *     {address: "unix:PATH"}                      a Unix socket; only its user gets in
 *     {address: "127.0.0.1:9901", token: …}       TCP: a token of FCD_TOKEN_MIN bytes or more
 *     {address: "10.0.0.7:9901", token: …, insecure: true}   the token travels unencrypted
 *
 * Errors: CONFIG, SECRET.   Thread: any.
 */
#ifndef FCD_CONF_ADMIN_H
#define FCD_CONF_ADMIN_H

#include "lib/conf/schema.h"
#include "lib/io/sock.h"

struct fx_root;
struct fcd_reader;

enum { FCD_TOKEN_MIN = 32 };

struct fcd_conf_admin {
    struct fx_addr addr;
    const char *unix_path; /* NULL: TCP */
    const char *token;     /* NULL: none, which only a Unix socket may have */
    const char **hosts;    /* further names by which it may be called */
    size_t n_hosts;
};

/* For tools: "unix:/path" or "host:port". */
const char *fcd_admin_address(const struct fx_root *root, struct fx_arena *arena);
/* The token that the node names; a file must belong to the user and be closed to others. */
bool fcd_admin_token(const struct fx_node *token, struct fx_arena *arena, const char **ret_token,
                     struct fx_err *err) FX_MUST_CHECK;

/* For the reader of the section; `node` may be NULL. Adds to the reader's problems. */
void fcd_read_admin(struct fcd_reader *r, const struct fx_root *root, const struct fx_node *node,
                    struct fcd_conf_admin *ret);
void fcd_admin_table(struct fx_buf *out);

#endif
