/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The version of schema `ficus` in one database, and how an older one becomes the current one.
 *
 *     version  0  nothing of ours is installed
 *              1  installed before versions were written down (no table ficus.version)
 *              2  ficus.version; positions of any length
 *              3  ficus.controller
 *              4  ficus.dead
 *
 * Whoever opens a session to use the schema checks it: a newer version is refused by name, an older
 * one is used as it is. An upgrade may run in the middle of a migration, beside streams and
 * customers; each of its steps may run again, and the version is written last. Where another
 * transaction holds a lock, it tries for some seconds and then fails with DB_CONFLICT.
 *
 * What is called ficus in a database need not be ours: whoever may create there can put a table
 * with a trigger, or a view, where Ficus expects its own, and it runs with the rights of who uses
 * it. So before a session's first statement that names an object of the schema, fx_schema_guard
 * looks, in the catalog only. The functions below do that by themselves.
 *
 * Errors: VERSION; DRIFT when ficus.version is not as Ficus made it; UNSUPPORTED when something in
 * the schema is not ours; those of lib/db.
 * Thread: that of the session.
 */
#ifndef FX_OWNERSHIP_SCHEMA_H
#define FX_OWNERSHIP_SCHEMA_H

#include "lib/db/db.h"

/* The first version with ficus.controller, and with ficus.dead. */
enum { FX_SCHEMA_CONTROLLERS = 3, FX_SCHEMA_DEAD = 4 };

/* Nothing installed: true. Errors: UNSUPPORTED, which names the first object; the detail all. */
bool fx_schema_guard(struct fx_db *db, struct fx_err *err) FX_MUST_CHECK;
bool fx_schema_version(struct fx_db *db, int64_t *ret_version, struct fx_err *err) FX_MUST_CHECK;
/* Errors: VERSION when this build does not read the version that is installed. */
bool fx_schema_checked(struct fx_db *db, const struct fx_db_conf *conf, int64_t *ret_version,
                       struct fx_err *err) FX_MUST_CHECK;
/* The same for callers that do not ask which one it is. */
bool fx_schema_check(struct fx_db *db, const struct fx_db_conf *conf,
                     struct fx_err *err) FX_MUST_CHECK;
/*
 * Before anything else is created: checks, and where nothing is installed makes the schema say the
 * current version.
 */
bool fx_schema_prepare(struct fx_db *db, const struct fx_db_conf *conf,
                       struct fx_err *err) FX_MUST_CHECK;
/* What the upgrade to `version` changes in this database, a sentence for people. */
const char *fx_schema_change(const struct fx_db *db, int64_t version);
/* From what is installed to the current version; nothing when nothing is installed. */
bool fx_schema_upgrade(struct fx_db *db, const struct fx_db_conf *conf,
                       struct fx_err *err) FX_MUST_CHECK;

#endif
