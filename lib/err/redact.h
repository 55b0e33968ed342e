/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of customers' rows, kept out of what we print, log and store (ADR 0147). Every text that
 * can hold one is made here, or by fx_value_show, or by the doors for the texts of servers
 * (lib/pg/redact.h, lib/my/redact.h), which use this. What is hidden reads "[hidden …]", so that
 * it can be recognised later, also in a file: fx_err_tell_hidden names the command that shows it.
 *
 * Hidden unless --show-values was given.   Thread: fx_values_show_set before any other; the rest:
 * any.
 */
#ifndef FX_ERR_REDACT_H
#define FX_ERR_REDACT_H

#include "lib/base/buf.h"
#include "lib/err/err.h"

void fx_values_show_set(bool is_shown);
bool fx_values_are_shown(void);

/* A value that has no kind yet, as its server sent it: 'abc', or "[hidden, 3 bytes]". */
void fx_redact_cell(struct fx_str cell, struct fx_buf *out);
/*
 * A server's text of which we know nothing: what stands between its first and its last quotation
 * mark is hidden, and what follows a colon or begins with a number. A byte outside of ASCII counts
 * as a quotation mark: other languages have others.
 */
void fx_redact_text(struct fx_str text, struct fx_buf *out);
/* A statement that somebody else wrote: it ends at its first literal or comment. DDL is read to
 * know what to undo: its numbers are lengths and stay. */
enum fx_redact_sql { FX_REDACT_ROWS, FX_REDACT_DDL };
void fx_redact_sql(enum fx_redact_sql kind, struct fx_str sql, struct fx_buf *out);
/*
 * "Key (email)=(x) already exists.": the columns stay, what follows is hidden; without ")=(" all of
 * it. PostgreSQL's DETAIL of a key and our own ficus.leak.what have this form.
 */
void fx_redact_key(struct fx_str text, struct fx_buf *out);

/* Does message, detail or context have something hidden in it? */
bool fx_err_has_hidden(const struct fx_err *err);
/*
 * Adds to the hint how to see what is hidden, if something is and the hint does not say it yet:
 * "Values are hidden; to see them: COMMAND". False, so that it can end a chain.
 */
bool fx_err_tell_hidden(struct fx_err *err, const char *command);

#endif
