/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of the context was truncated. On the side that owned it then, its rows on the target are
 * deleted, in the transaction of the source, a part in each turn of the streamer. On any other side
 * the stream stops: the rows of the owner must not go.
 *
 * So the owner must be certain, and a session that has just begun does not know it yet: what is in
 * ficus.own holds from a later position on. Then the transaction is given up and the log is read on
 * without applying anything, until that position is reached or a change of the owner is seen, which
 * says who it was before. With that the session begins again.
 * Thread: the streamer's.
 */
#ifndef CDC_STREAM_TRUNCATE_H
#define CDC_STREAM_TRUNCATE_H

#include "cdc/stream/state.h"

/* Inside a transaction. Errors: UNSUPPORTED when the source did not own the table. */
bool cdc_truncate_begin(struct cdc_streamer *s, size_t table, struct fx_err *err) FX_MUST_CHECK;
/* DELETING: the next part. */
bool cdc_truncate_part(struct cdc_streamer *s, struct fx_err *err) FX_MUST_CHECK;
/* ASKING: what does this event say of the owner? Sets must_reopen when it is known. */
void cdc_truncate_ask(struct cdc_streamer *s, const struct cdc_event *event);
/* A session begins: the owner that was asked for is taken over. */
void cdc_truncate_adopt(struct cdc_streamer *s);

#endif
