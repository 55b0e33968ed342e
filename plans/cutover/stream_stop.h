/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream that stopped by itself, because it cannot carry something faithfully (a value that does
 * not fit, a row that somebody else changed, DDL). It left its error; a run never restarts it, a
 * person fixes the cause and starts it.
 */
#ifndef PLN_STREAM_STOP_H
#define PLN_STREAM_STOP_H

#include "cdc/cdc.h"

/* The code of the stream's error (STREAM when it has
 * none), and its message in one line, clipped to `size`. */
enum fx_code pln_stream_stop_read(const struct cdc_status *status, char *message, size_t size);
/* The same as an error whose hint has the command that restarts the stream. Always false. */
bool pln_stream_stop_fail(const struct cdc_ref *ref, const struct cdc_status *status,
                          struct fx_err *err);

#endif
