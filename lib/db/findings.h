/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings that a query makes: each row is one. Its first column says what is wrong, the second,
 * where there is one, has the statement that fixes it, or NULL.
 */
#ifndef FX_DB_FINDINGS_H
#define FX_DB_FINDINGS_H

#include "lib/db/db.h"
#include "lib/fmt/findings.h"

/* `where` (may be NULL) is that of all of them. Errors:
 * those of the session; then nothing was added. */
bool fx_db_findings(struct fx_db *db, const char *where, const char *sql, const fx_cell *params,
                    size_t n_params, struct fx_findings *f, struct fx_err *err) FX_MUST_CHECK;

/* The same, for a session that asks this again and again (fx_db_query_again). */
bool fx_db_findings_again(struct fx_db *db, const char *where, const char *sql,
                          const fx_cell *params, size_t n_params, struct fx_findings *f,
                          struct fx_err *err) FX_MUST_CHECK;

#endif
