/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A database's entry of ficus.yaml made ready for a connection: its secret is read here, at the
 * moment of opening and not before, so that a plan can be linted where the secrets are not.
 * Errors: SECRET.   Thread: any.
 */
#ifndef FX_DB_CONF_H
#define FX_DB_CONF_H

#include "lib/db/db.h"

/* A copy of `conf` with its password; memory of the password is the arena's. */
bool fx_db_conf_resolve(const struct fx_db_conf *conf, struct fx_arena *arena,
                        struct fx_db_conf *ret_conf, struct fx_err *err) FX_MUST_CHECK;
/* "127.0.0.1:5433" or "/run/pg/.s": where a connection goes, for messages. */
const char *fx_db_conf_where(const struct fx_db_conf *conf, struct fx_arena *arena);
/*
 * "postgresql://127.0.0.1:5433/shop": the URL without its user, spelled in one way: the usual
 * scheme, the port also where the URL names none. A socket stands in place of the host; on
 * PostgreSQL servers of several ports share its directory.
 */
const char *fx_db_conf_address(const struct fx_db_conf *conf, struct fx_arena *arena);

#endif
