/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks of a preflight: each adds what it finds to one list (lib/fmt/findings.h), together
 * with the statement that fixes it. They return false only when a question could not be asked.
 */
#ifndef CDC_CHECKS_H
#define CDC_CHECKS_H

#include "cdc/engine.h"

/* Raises UNSUPPORTED with all of them when there is one; true when there is none. */
bool cdc_findings_none(const struct fx_findings *f, const char *context,
                       struct fx_err *err) FX_MUST_CHECK;

/*
 * Tables that a stream would carry wrongly without noticing: rows that it does not see, or that
 * somebody changes on their way. Asked before anything begins and again whenever a stream starts.
 */
bool cdc_check_silent_loss(struct fx_findings *f, const struct cdc_sides *sides,
                           struct fx_err *err) FX_MUST_CHECK;
/* The same as one error, for the stream itself. */
bool cdc_no_silent_loss(const struct cdc_sides *sides, struct fx_err *err) FX_MUST_CHECK;

/*
 * What is unique on one side is unique on the other, by the same comparison; otherwise rows that
 * one side accepts stop the stream on the other. *ret_pads: for each table an array with one text
 * for each pair: the statement that makes the column tell trailing spaces apart, where the new side
 * takes text that differs in them for the same key; else NULL. The binding's tables are those of
 * the context, without the canary.
 */
bool cdc_check_keys(struct fx_findings *f, const struct cdc_binding *binding,
                    const struct cdc_sides *sides, struct fx_arena *arena, const char ****ret_pads,
                    struct fx_err *err) FX_MUST_CHECK;

/* Empties the new side's tables as the applier does; twice the context's name. It works behind a
 * fence, and a reverse stream that lives does not carry it. */
#define CDC_CMD_EMPTY "ficus cdc start --context %s --empty-target --execute --confirm=%s"

enum cdc_owner {
    CDC_OWNER_OLD,     /* the old side, or nobody was ever asked to own the tables */
    CDC_OWNER_NEW,     /* the new side has them, or the old one gave them away */
    CDC_OWNER_UNKNOWN, /* a user may not read ficus.own */
};
/* Whose writes the tables of the context hold. Only CDC_OWNER_OLD
 * lets anybody say that the new side may be emptied. */
bool cdc_owner_read(const char *group, struct fx_db *old_db, struct fx_db *new_db,
                    enum cdc_owner *ret, struct fx_err *err) FX_MUST_CHECK;

#endif
