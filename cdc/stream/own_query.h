/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads ficus.own of the source together with a log position at which it was valid: the row is the
 * same before and after the position was taken. The owner watch adopts it when the stream has come
 * that far. The position is also the end of the log as the session began: a stream that has not
 * come that far is not live.
 */
#ifndef CDC_STREAM_OWN_QUERY_H
#define CDC_STREAM_OWN_QUERY_H

#include "cdc/change.h"
#include "lib/fmt/findings.h"

struct cdc_own_read {
    bool is_waiting; /* not adopted yet */
    struct fx_pos pos;
    struct cdc_own owns[2]; /* the context's group, its canary group */
};

void cdc_own_read_done(struct cdc_own_read *read);
/*
 * What *ret held before is released. No table ficus.own (no plan has installed it): nothing
 * waits, no unfenced write can be detected, and only the position is read. Errors: SOURCE*.
 */
bool cdc_own_query(const struct cdc_binding *binding, struct cdc_own_read *ret,
                   struct fx_err *err) FX_MUST_CHECK;

/*
 * The source has given its tables away: which of them do not refuse writers? A tool that replaces a
 * table (gh-ost, pt-online-schema-change) leaves the triggers with the one that it takes away.
 */
bool cdc_own_look_fence(const struct cdc_binding *binding, struct fx_findings *f,
                        struct fx_err *err) FX_MUST_CHECK;

#endif
