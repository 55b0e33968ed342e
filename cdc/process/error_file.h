/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a stream stopped by itself, for whoever asks later: the error object as JSON in <name>.error.
 * On a full disk, or without the right to write there, that file cannot be written; then a stream
 * that is being started writes to a piece of memory that it got as its standard input, which it
 * never reads.
 */
#ifndef CDC_PROCESS_ERROR_FILE_H
#define CDC_PROCESS_ERROR_FILE_H

#include "cdc/cdc.h"

/* In the process that stops. */
void cdc_error_leave(const char *path, const struct fx_err *why);
/* In the one that asks: *ret->error is "" when there is nothing. */
void cdc_error_read(const char *path, struct cdc_status *ret);

/* A descriptor to start a stream with; -1: then without. */
int cdc_error_memory_make(void);
void cdc_error_memory_read(int fd, struct cdc_status *ret);

#endif
