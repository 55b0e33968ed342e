/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source of changes: one vtable, one adapter for each engine (cdc/pg/source.c,
 * cdc/mysql/source.c).
 *
 * An adapter opens its own connection, starts after a position, and delivers events as change.h
 * describes them. It knows nothing of the target. After a failure the streamer closes it and opens
 * a new one from the position that the target holds; an adapter never reconnects by itself.
 *
 * Loud stops that an adapter raises, all not retriable: DRIFT (DDL on a carried table that is not
 * ours; a schema that is not the bound one; a lost slot; a purged position), SOURCE_DATA (a value
 * that has no canonical form), UNSUPPORTED (an event that cannot be carried: incident,
 * statement-format change, XA, a TRUNCATE that does not say exactly which table it emptied).
 * Retriable: SOURCE_CONNECT.
 * Thread: one.
 */
#ifndef CDC_SOURCE_H
#define CDC_SOURCE_H

#include "cdc/cdc.h"
#include "cdc/change.h"

struct cdc_source;
struct cdc_log_look; /* cdc/log_room.h */

/* A line for the detail of a stop at DDL: context, and what accept_ddl must say. */
#define CDC_OFFER_ACCEPT                                                                           \
    "If it changed no row and the columns are as before, the stream can pass it: ficus cdc start " \
    "--context %s --execute --accept-ddl=%s. Compare the sides afterwards; the status shows it "   \
    "until its row in ficus.leak is deleted."

/* The same where partitions went. Only after these words the two differ. */
#define CDC_OFFER_KEEP                                                                           \
    "If those rows may stay there, or were deleted with DELETE before, the stream can pass it: " \
    "ficus cdc start --context %s --execute --accept-ddl=%s. Compare the sides afterwards; the " \
    "status shows it until its row in ficus.leak is deleted."
/* Of the database that still has the rows. */
#define CDC_KEPT_DETAIL \
    "The log has no change for rows that go with a partition: database \"%s\" still has them."
#define CDC_KEPT_HINT                                                                          \
    "To go on, run the command in the detail. A partition that the other side has too can be " \
    "dropped there as well. To pass this each time, set dropped_partitions: keep_rows at the " \
    "table in ficus.yaml, then restart the streams. To start again, " FX_CMD_NEW_COPY "."

/* How a row in ficus.leak begins. */
#define CDC_PASSED_ACCEPTED "DDL accepted by hand, not compared since: "
#define CDC_PASSED_KEPT     "rows of dropped partitions stay here, not compared since: "
#define CDC_PASSED_PACKED   "partition with a new file (VACUUM FULL?), not compared since: "

struct cdc_source_ops {
    /*
     * The next event, waiting at most `timeout_ms` (an adapter that cannot be interrupted may take
     * up to 200 ms more). Returns early with CDC_EV_NONE when `wake_fd` (see open) becomes
     * readable.
     */
    bool (*next)(struct cdc_source *src, int64_t timeout_ms, struct cdc_event *ret_event,
                 struct fx_err *err);
    /* Will `next` return an event without touching the
     * network? Lets the sink join commit and next begin. */
    bool (*has_buffered)(struct cdc_source *src);
    /* Everything before `pos` is durable on the target. Also keeps an idle connection alive: called
     * at
       least every `heartbeat_ms`, also while the stream is held and `next` is not called. */
    bool (*confirm)(struct cdc_source *src, const struct fx_pos *pos, struct fx_err *err);
    /* Asks the server to say how far its log reaches; answered by a PASSED soon. May do nothing. */
    bool (*request_end)(struct cdc_source *src, struct fx_err *err);
    /* What passed_ddl has said is durable on the target: it is not found again. Called between
     * transactions; may say more in passed_ddl. NULL: the position alone remembers it. */
    bool (*keep_passed)(struct cdc_source *src, struct fx_err *err);
    /* The target has not what a change takes for granted: is DDL that the log does not show the
     * cause? Then *err becomes that. NULL: the log shows all. */
    void (*explain)(struct cdc_source *src, struct fx_err *err);
    /* Where the server's log ended when it was last heard of; empty when unknown. The source's. */
    const struct fx_pos *(*end)(const struct cdc_source *src);
    /* The same by the word of the server, asked beside the stream: what its log has and has not
     * sent yet counts. NULL: as `end`. */
    const struct fx_pos *(*log_end)(const struct cdc_source *src);
    /* What the log still has after `at`, asked in a session that is open anyway; *ret is untouched
     * while there is none. Between transactions. */
    bool (*look_log)(struct cdc_source *src, const struct fx_pos *at, struct cdc_log_look *ret,
                     struct fx_err *err);
    void (*close)(struct cdc_source *src);
};

/* DDL that was passed although it may have changed rows without a change in the log. */
struct cdc_passed_ddl {
    size_t n;
    char (*what)[CDC_LEAK_TEXT]; /* each a row of its own in ficus.leak; owned */
};

struct cdc_source { /* first member of every adapter */
    const struct cdc_source_ops *ops;
    /* The streamer records it on the target, before the position moves, and empties it; once that
     * is durable it calls keep_passed. */
    struct cdc_passed_ddl passed_ddl;
};
/* Adds one; a text that is too long is clipped. */
void cdc_passed_ddl_add(struct cdc_passed_ddl *passed, const char *why, const char *what);
void cdc_passed_ddl_done(struct cdc_passed_ddl *passed); /* empties it; it may be used again */
/* Is it one of those that a person has accepted, "A,B"? `accepted` may be NULL. */
bool cdc_ddl_is_accepted(const char *accepted, const char *what);

#endif
