/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of an engine before there is a session: one row each. Whoever needs to know
 * something of an engine asks a row or a session; only lib/pg, lib/my, lib/db, lib/ownership and
 * the engines of cdc say FX_PG or FX_MY (`make lint`).
 * This header's object links no database client.   Thread: any.
 */
#ifndef FX_DB_ENGINE_H
#define FX_DB_ENGINE_H

#include "lib/db/db.h"

enum fx_side { FX_SIDE_OLD, FX_SIDE_NEW };

enum { FX_ENGINE_SCHEMES_MAX = 2 };
struct fx_engine_row {
    const char *title;  /* "MariaDB", for messages */
    const char *family; /* all servers that its URLs may lead to: "MySQL or MariaDB" */
    /* Beginnings of its URLs, "://" included; the first is the usual one. */
    const char *schemes[FX_ENGINE_SCHEMES_MAX];
    /* Of a table that is named without one; NULL: the database's name. */
    const char *default_schema;
    int default_port;  /* of a URL that names none */
    enum fx_side side; /* the side that streams support it on, in this release */
};

const struct fx_engine_row *fx_engine_row(enum fx_engine engine);
/* The engine of that side, in this release. */
const struct fx_engine_row *fx_engine_of_side(enum fx_side side);
/* Can a context be moved from that database to that one? Errors: UNSUPPORTED. */
bool fx_engine_pair_check(const struct fx_db_conf *old_db, const struct fx_db_conf *new_db,
                          struct fx_err *err) FX_MUST_CHECK;
/* By the beginning of a URL; what follows the "://" goes to *ret_rest. */
bool fx_engine_of_url(struct fx_str url, enum fx_engine *ret_engine, struct fx_str *ret_rest);

#endif
