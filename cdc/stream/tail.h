/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of the newest changed keys, for the cut-over's verify. Fixed number of entries, oldest
 * overwritten. Written by the streamer, read by the control socket: the caller holds the lock.
 *
 * On the wire: [{"t":0,"k":[["INT","42"]]}, …], newest first; a value is ["INT","42"]: kind and
 * text, where text is a number, the text itself, or hex for BYTES and UUID. Processes of different
 * age talk to each other: an older stream sends the number that the kind had in its time, and those
 * numbers are kept in tail.c.
 */
#ifndef CDC_STREAM_TAIL_H
#define CDC_STREAM_TAIL_H

#include "cdc/cdc.h"
#include "cdc/change.h"

struct cdc_tail {
    char **entries; /* JSON objects */
    size_t cap, head, len;
};

void cdc_tail_init(struct cdc_tail *tail, size_t cap);
void cdc_tail_done(struct cdc_tail *tail);
void cdc_tail_push(struct cdc_tail *tail, const struct cdc_binding *binding,
                   const struct cdc_row *row);
void cdc_tail_write(const struct cdc_tail *tail, struct fx_buf *out);
/* The other end. Tables beyond n_tables (the canary) are left out. Errors: PROTOCOL. */
bool cdc_tail_read(struct fx_str json, size_t n_tables, struct fx_arena *arena,
                   struct cdc_key **ret_keys, size_t *ret_n, struct fx_err *err) FX_MUST_CHECK;

#endif
