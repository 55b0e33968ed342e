/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session as an application has it: sessions of Ficus search pg_catalog only, applications name
 * the tables of schema public without it.
 */
#ifndef TESTS_HARNESS_SESSION_H
#define TESTS_HARNESS_SESSION_H

#include "lib/db/db.h"

static inline bool session_search_public(struct fx_db *db, struct fx_err *err)
{
    return fx_db_engine(db) != FX_PG ||
           fx_db_exec(db, "set search_path = public", NULL, 0, NULL, err);
}

static inline bool session_open(const struct fx_db_conf *conf, struct fx_db **ret_db,
                                struct fx_err *err)
{
    struct fx_db *db;
    if (!fx_db_open(conf, &db, err))
        return false;
    if (session_search_public(db, err)) {
        *ret_db = db;
        return true;
    }
    fx_db_close(db);
    return false;
}

#endif
