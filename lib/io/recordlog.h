/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An append-only file of records, each with length, sequence number, checksum and a chain to the
 * one before; fsynced before append returns. A torn tail (power cut, full disk in the middle of a
 * write) is detected at open and truncated; damage anywhere else is an error, because a journal
 * with a gap must not be replayed.
 *
 * On disk, little endian: "FXRL" u32 len, u64 seq, u64 chain (hash64 of the record before), u64
 * hash64 of (seq, chain, payload), payload[len]. At most 1 MiB a record.
 *
 * A failed append truncates the file back to its end before the record, so a full disk leaves it as
 * it was.
 * Errors: JOURNAL (damage), IO, LOCKED.   Thread: one.
 */
#ifndef FX_IO_RECORDLOG_H
#define FX_IO_RECORDLOG_H

#include "lib/base/arena.h"
#include "lib/err/err.h"

struct fx_recordlog;

/* Calls `on_record` for each record in order; returning false (with *err filled) stops. */
typedef bool (*fx_record_fn)(void *arg, uint64_t seq, struct fx_str payload, struct fx_err *err);

/* For writing: creates the file and takes an exclusive
 * lock on it (LOCKED names the holder's pid). Replays. */
bool fx_recordlog_open(const char *path, fx_record_fn on_record, void *arg,
                       struct fx_recordlog **ret_log, struct fx_err *err) FX_MUST_CHECK;
/* For reading beside a writer: no lock; a torn tail is simply not read yet. */
bool fx_recordlog_read(const char *path, fx_record_fn on_record, void *arg,
                       struct fx_err *err) FX_MUST_CHECK;
/* The same over bytes in memory (fuzzing, verify). *ret_good: bytes up to the last whole record. */
bool fx_recordlog_scan(struct fx_str bytes, fx_record_fn on_record, void *arg, size_t *ret_good,
                       struct fx_err *err) FX_MUST_CHECK;
bool fx_recordlog_append(struct fx_recordlog *log, struct fx_str payload,
                         struct fx_err *err) FX_MUST_CHECK;
void fx_recordlog_close(struct fx_recordlog *log);

#endif
