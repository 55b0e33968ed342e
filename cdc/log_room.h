/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a server still has the log that a stream needs. A stream that is stopped is the one that
 * loses it: a slot beyond max_slot_wal_keep_size, a binary log that expired. Without such a limit
 * the disk is the limit, which SQL does not show: kept_bytes is what to watch then.
 */
#ifndef CDC_LOG_ROOM_H
#define CDC_LOG_ROOM_H

#include "cdc/cdc.h"
#include "lib/db/db.h"

/* What a server says at one moment. */
struct cdc_log_look {
    char state[CDC_LOG_STATE]; /* see struct cdc_status */
    int64_t kept_bytes;        /* of the log, from what the stream needs to the end; -1: unknown */
    int64_t left_bytes;        /* that may still be written before it goes; -1: no such limit */
    int64_t expire_s;          /* age at which a file of the log goes; -1: no such limit */
    int64_t end_bytes;         /* grows with the log; only differences mean something */
};

/*
 * Seconds until it goes, at `bytes_per_s` (negative: not known) and for a position that is `age_s`
 * old (negative: not known); -1: no limit, or not known. The shorter of both limits.
 */
int64_t cdc_log_forecast(const struct cdc_log_look *look, double bytes_per_s, int64_t age_s);
/* Half of what may be kept is used up, or of the time: a stream that keeps up is far from both. */
bool cdc_log_is_ending(const struct cdc_log_look *look, int64_t age_s);
void cdc_log_show(const struct cdc_log_look *look, int64_t left_s, struct cdc_status *status);

#endif
