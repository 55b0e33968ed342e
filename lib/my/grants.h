/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the user of a MariaDB session may do, without trying it: SHOW GRANTS, which names the rights
 * of the user, of the role that is active and of PUBLIC. (information_schema shows a role's rights
 * to administrators only.)
 *
 *     struct fx_my_grants *grants;
 *     if (!fx_my_grants_read(db, &arena, &grants, err)) …
 *     if (!fx_my_grants_has(grants, "TRIGGER", "orders", "order_lines")) …
 *
 * Rights on single columns do not count: who may write some columns may not write rows.
 * Thread: any.
 */
#ifndef FX_MY_GRANTS_H
#define FX_MY_GRANTS_H

#include "lib/db/db.h"

struct fx_my_grants;

/* Owns: *ret belongs to the arena. Errors: those of the session. */
bool fx_my_grants_read(struct fx_db *db, struct fx_arena *arena, struct fx_my_grants **ret,
                       struct fx_err *err) FX_MUST_CHECK;
/* From the lines of SHOW GRANTS, one a line. Lines that grant nothing on tables are passed over. */
struct fx_my_grants *fx_my_grants_parse(struct fx_str lines, struct fx_arena *arena);

/* `table` NULL: on every table of the schema; `schema`
 * NULL: on the server. A right as SHOW GRANTS spells it. */
bool fx_my_grants_has(const struct fx_my_grants *grants, const char *right, const char *schema,
                      const char *table);
/* May the user pass on what it has on every table of the schema? */
bool fx_my_grants_may_grant(const struct fx_my_grants *grants, const char *schema);
/* The account that the server took the user for, as GRANT spells it: `ficus`@`%`. */
const char *fx_my_grants_account(const struct fx_my_grants *grants);

#endif
