/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream that stopped by itself: it met what it must not carry (a value that does not fit, a row that somebody else
 * changed, DDL) and left its error. It is never started again by a machine; a person mends and starts it.
 */
#ifndef PLN_STREAM_STOP_H
#define PLN_STREAM_STOP_H

#include "cdc/cdc.h"

/* The stream's own code (STREAM when it left none) and its message in one line, clipped to `size`. */
enum fx_code pln_stream_stop_read(const struct cdc_status *status, char *message, size_t size);
/* The same as an error, with the command that goes on from there. Always false. */
bool pln_stream_stop_fail(const struct cdc_ref *ref, const struct cdc_status *status,
                          struct fx_err *err);

#endif
