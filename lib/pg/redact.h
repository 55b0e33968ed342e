/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door for PostgreSQL's error texts: what they say about rows is hidden without --show-values
 * (lib/err/redact.h). The SQLSTATE says what a text can hold; a state that we do not know can hold
 * anything.   Thread: any.
 */
#ifndef FX_PG_REDACT_H
#define FX_PG_REDACT_H

#include "lib/base/buf.h"

/* The fields of an error as libpq gives them; each may be NULL. */
struct fx_pg_texts {
    const char *sqlstate, *primary, *detail, *hint;
    const char *function; /* of the server's source, where it was raised */
};

/* Each is emptied first; "" when the server said nothing, or nothing that may be shown. */
void fx_pg_redact(const struct fx_pg_texts *texts, struct fx_buf *ret_message,
                  struct fx_buf *ret_detail, struct fx_buf *ret_hint);

#endif
