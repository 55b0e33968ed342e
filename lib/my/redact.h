/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door for MariaDB's error texts: what they say about rows is hidden without --show-values
 * (lib/err/redact.h). The number says which words a text is made of; where it has others, all that
 * it quotes is hidden.   Thread: any.
 */
#ifndef FX_MY_REDACT_H
#define FX_MY_REDACT_H

#include "lib/base/buf.h"

/* `number`: of the error; below 1000, 2000 to 2999 and 5000 to 5999 are the client library's.
 * `sqlstate` may be "". */
void fx_my_redact(unsigned number, const char *sqlstate, struct fx_str text, struct fx_buf *out);

#endif
