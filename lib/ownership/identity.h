/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which database is this? No single answer survives everything: a database restored from a backup
 * keeps what its server says of itself, and another server may answer under the same address. So an
 * identity has three parts, and two identities are the same only when all of them are (ADR 0159):
 *
 *     address   as the URL names it       differs between production and a clone of it
 *     server    what the server says      differs between two servers behind one address
 *     holder    who holds the context,    differs after streams were dropped and made again, after
 *               since when                an adoption, and between two migrations on one server
 */
#ifndef FX_OWNERSHIP_IDENTITY_H
#define FX_OWNERSHIP_IDENTITY_H

#include "lib/base/buf.h"
#include "lib/db/db.h"

struct fx_identity {
    const char *name;      /* key in ficus.yaml: for people, never compared */
    const char *address;   /* "postgresql://host:5432/shop"; without the user */
    const char *server;    /* "7301234/16384"; "": it was not asked, or we may not ask */
    const char *holder;    /* id of the controller; "": nobody */
    int64_t held_since_us; /* by the server's clock, microseconds since 1970; 0: nobody */
};

/* What is known without asking the server: name and address. */
void fx_identity_of_conf(const struct fx_db_conf *conf, struct fx_arena *arena,
                         struct fx_identity *ret);
/* Three queries. Errors: those of lib/db.   Thread: that of the session. */
bool fx_identity_read(struct fx_db *db, const char *context, struct fx_arena *arena,
                      struct fx_identity *ret, struct fx_err *err) FX_MUST_CHECK;
/*
 * False: `why` says in which part `was` differs from what is expected, or which part is not known
 * and the command that helps: two that are unknown are not the same.
 */
bool fx_identity_same_address(const struct fx_identity *was, const struct fx_identity *wanted,
                              struct fx_buf *why);
bool fx_identity_same(const char *context, const struct fx_identity *was,
                      const struct fx_identity *is, struct fx_buf *why);
/* Does it say which server it is? */
bool fx_identity_has_server(const char *context, const struct fx_identity *side,
                            struct fx_buf *why);

#endif
