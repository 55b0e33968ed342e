/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in a stream's way: found one by one, told all at once, each with the statement that mends it.
 *
 * A finding is no error: the question could be asked, and the answer is no. Functions return false only when a question
 * could not be asked.
 */
#ifndef CDC_PREFLIGHT_FINDINGS_H
#define CDC_PREFLIGHT_FINDINGS_H

#include "cdc/change.h"

struct cdc_findings {
    struct fx_buf text; /* one a line */
    size_t n;
    char first_fix[256]; /* "" when none has one, or it is too long to be said as a hint */
    bool has_fix;
};

void cdc_findings_init(struct cdc_findings *f);
void cdc_findings_done(struct cdc_findings *f);

/* `fix` may be empty: nothing can be typed that mends it. */
void cdc_finding(struct cdc_findings *f, const char *where, struct fx_str what, struct fx_str fix);
/* Each row of the query is a finding: what is wrong, what mends it (or NULL). */
bool cdc_findings_ask(struct cdc_findings *f, struct fx_db *db, const char *where, const char *sql,
                      const fx_cell *params, size_t n_params, struct fx_err *err) FX_MUST_CHECK;
/* Raises UNSUPPORTED with all of them when there is one; true when there is none. */
bool cdc_findings_none(const struct cdc_findings *f, const char *context,
                       struct fx_err *err) FX_MUST_CHECK;

/* ---- who asks ------------------------------------------------------------------------------------------ */

/* What the users of both databases may look at; what they may not is a finding already. */
struct cdc_sight {
    bool old_rows, new_rows; /* the tables of the context */
};

/* May both users do what both streams and the fences will need? Neither tries it. */
bool cdc_check_rights(struct cdc_findings *f, const struct fx_context *ctx, struct fx_db *old_db,
                      struct fx_db *new_db, struct cdc_sight *ret, struct fx_err *err);
/*
 * Tables that a stream would carry wrongly without noticing: rows that it does not see, or that somebody changes on
 * their way. Asked before anything begins and again whenever a stream starts.
 */
bool cdc_check_traps(struct cdc_findings *f, const struct fx_context *ctx, struct fx_db *old_db,
                     struct fx_db *new_db, struct fx_err *err) FX_MUST_CHECK;
/* The same as one error, for the stream itself. */
bool cdc_no_traps(const struct fx_context *ctx, struct fx_db *old_db, struct fx_db *new_db,
                  struct fx_err *err) FX_MUST_CHECK;

/*
 * What is unique on one side is unique on the other, by the same comparison; otherwise rows that one side accepts stop the
 * stream on the other. *ret_pads: for each table an array with one flag for each pair, set when the new side takes text
 * that differs in trailing spaces for the same key. The binding's tables are those of the context, without the canary.
 */
bool cdc_check_keys(struct cdc_findings *f, const struct cdc_binding *binding, struct fx_db *old_db,
                    struct fx_db *new_db, struct fx_arena *arena, bool ***ret_pads,
                    struct fx_err *err) FX_MUST_CHECK;

enum cdc_owner {
    CDC_OWNER_OLD,     /* the old side, or nobody was ever asked to own the tables */
    CDC_OWNER_NEW,     /* the new side has them, or the old one gave them away */
    CDC_OWNER_UNKNOWN, /* a user may not read ficus.own */
};
/* Whose writes the tables of the context hold. Only CDC_OWNER_OLD lets anybody say that the new side may be emptied. */
bool cdc_owner_read(const char *group, struct fx_db *old_db, struct fx_db *new_db,
                    enum cdc_owner *ret, struct fx_err *err) FX_MUST_CHECK;

/* Two PostgreSQL arrays of text: the schemas and the names of the old side's tables. */
void cdc_tables_pg(const struct fx_context *ctx, struct fx_arena *arena, fx_cell ret[2]);
/* Refused for want of a right, as the server says it. */
bool cdc_is_denied(const struct fx_err *err);

#endif
