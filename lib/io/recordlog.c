/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a crash can leave at the end of an append-only file: a record cut short, or (the size was
 * written before the data) sectors of zeros. Both are cut off. Everything else that does not check
 * is damage: a flipped bit in the last record must not make an acknowledged step disappear
 * silently.
 *
 *     offset 0 "FXRL" | 4 u32 len | 8 u64 seq | 16 u64 chain | 24 u64 hash | 32 payload[len]
 *
 * `hash` covers (seq, chain, payload), `chain` is the hash of the record before (0 for the first),
 * so a record that was removed or came from another file is noticed too.
 */
#include "lib/io/recordlog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/hash.h"
#include "lib/io/failpoint.h"
#include "lib/io/file.h"
#include "lib/io/flock.h"
#include "lib/io/private.h"

enum { HEADER_BYTES = 32, PAYLOAD_MAX = 1 << 20, SECTOR_BYTES = 512 };
#define FILE_MAX ((size_t)1 << 30)

struct fx_recordlog {
    int fd;
    char *path;
    struct fx_flock *lock;
    uint64_t seq;   /* of the last record, 0: none */
    uint64_t chain; /* its hash */
    off_t end;
    int broken_errno; /* a failed append could not be undone, and why; 0: it is whole */
};

struct record {
    uint32_t len;
    uint64_t seq, chain, hash;
    struct fx_str payload;
};

static uint64_t get_le(const char *bytes, size_t n)
{
    uint64_t value = 0;
    for (size_t i = n; i > 0; i--)
        value = value << 8 | (unsigned char)bytes[i - 1];
    return value;
}

static void put_le(char *bytes, size_t n, uint64_t value)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(value >> 8 * i & 0xFF);
}

static uint64_t record_hash(uint64_t seq, uint64_t chain, struct fx_str payload)
{
    char head[16];
    put_le(head, 8, seq);
    put_le(head + 8, 8, chain);
    return fx_hash64(payload, fx_hash64((struct fx_str){head, sizeof head}, 0));
}

enum verdict { RECORD_GOOD, RECORD_SHORT, RECORD_BAD };

static enum verdict look_at(struct fx_str rest, struct record *ret)
{
    if (rest.len < HEADER_BYTES)
        return RECORD_SHORT;
    if (memcmp(rest.ptr, "FXRL", 4) != 0)
        return RECORD_BAD;
    *ret = (struct record){.len = (uint32_t)get_le(rest.ptr + 4, 4),
                           .seq = get_le(rest.ptr + 8, 8),
                           .chain = get_le(rest.ptr + 16, 8),
                           .hash = get_le(rest.ptr + 24, 8)};
    if (ret->len > PAYLOAD_MAX)
        return RECORD_BAD;
    if (rest.len - HEADER_BYTES < ret->len)
        return RECORD_SHORT;
    ret->payload = fx_str_sub(rest, HEADER_BYTES, ret->len);
    return record_hash(ret->seq, ret->chain, ret->payload) == ret->hash ? RECORD_GOOD : RECORD_BAD;
}

/* Does a whole record begin anywhere after the first
 * byte? Then what is before it is not a torn tail. */
static bool has_record_behind(struct fx_str rest)
{
    struct record record;
    for (size_t i = 1; i + HEADER_BYTES <= rest.len; i++) {
        const char *at = memmem(rest.ptr + i, rest.len - i, "FXRL", 4);
        if (at == NULL)
            return false;
        i = (size_t)(at - rest.ptr);
        if (look_at(fx_str_sub(rest, i, rest.len), &record) == RECORD_GOOD)
            return true;
    }
    return false;
}

/* A sector of the file that lies in the tail and was never written. */
static bool has_zero_sector(struct fx_str rest, size_t offset)
{
    for (size_t from = 0; from < rest.len;) {
        size_t to = FX_MIN(rest.len, from + SECTOR_BYTES - (offset + from) % SECTOR_BYTES);
        size_t i = from;
        while (i < to && rest.ptr[i] == '\0')
            i++;
        /* a few zero bytes at a border may be the high bytes of a header's number */
        if (i == to && (to - from >= 64 || from == 0))
            return true;
        from = to;
    }
    return false;
}

/* Does a crash leave what begins at `offset`, the first record that is not valid? */
static bool is_torn(struct fx_str rest, size_t offset, enum verdict verdict,
                    const struct record *record)
{
    if (has_record_behind(rest))
        return false;
    if (verdict == RECORD_BAD)
        return has_zero_sector(rest, offset);
    if (rest.len < HEADER_BYTES)
        return memcmp(rest.ptr, "FXRL", FX_MIN(rest.len, (size_t)4)) == 0 ||
               has_zero_sector(rest, offset);
    /* Cut short, unless the length itself was damaged and the rest is a whole record. */
    struct fx_str payload = fx_str_sub(rest, HEADER_BYTES, rest.len);
    return record_hash(record->seq, record->chain, payload) != record->hash;
}

struct scan {
    size_t good;
    uint64_t seq, chain;
};

static bool scan_records(struct fx_str bytes, fx_record_fn on_record, void *arg, struct scan *scan,
                         struct fx_err *err)
{
    *scan = (struct scan){0};
    while (scan->good < bytes.len) {
        struct fx_str rest = fx_str_sub(bytes, scan->good, bytes.len);
        struct record record = {0};
        enum verdict verdict = look_at(rest, &record);
        if (verdict != RECORD_GOOD) {
            if (is_torn(rest, scan->good, verdict, &record))
                return true;
            return fx_fail(err, FX_E_JOURNAL,
                           "record %" PRIu64 " at byte %zu is damaged, and it is not the last one",
                           scan->seq + 1, scan->good);
        }
        if (record.seq != scan->seq + 1 || record.chain != scan->chain)
            return fx_fail(err, FX_E_JOURNAL,
                           "records are missing before byte %zu: number %" PRIu64
                           " follows number %" PRIu64,
                           scan->good, record.seq, scan->seq);
        if (on_record != NULL && !on_record(arg, record.seq, record.payload, err))
            return false;
        scan->seq = record.seq;
        scan->chain = record.hash;
        scan->good += HEADER_BYTES + record.len;
    }
    return true;
}

bool fx_recordlog_scan(struct fx_str bytes, fx_record_fn on_record, void *arg, size_t *ret_good,
                       struct fx_err *err)
{
    struct scan scan;
    if (!scan_records(bytes, on_record, arg, &scan, err))
        return false;
    *ret_good = scan.good;
    return true;
}

/* A newer build's journal is whole: its error says so, and nothing is added to it. */
static bool fail_journal(const char *path, struct fx_err *err)
{
    if (err->code == FX_E_JOURNAL)
        return fx_err_wrap(err, err->code, "journal \"%s\" cannot be read", path) ||
               (err->hint[0] == '\0' &&
                fx_hint(err,
                        "Restore that file from a backup of the state directory. The records "
                        "before the damage: ficus run journal show. Which side owns the tables is "
                        "in the databases: ficus status"));
    return fx_ctx(err, "reading journal \"%s\"", path);
}

bool fx_recordlog_read(const char *path, fx_record_fn on_record, void *arg, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf bytes = FX_BUF(FILE_MAX);
    struct scan scan;
    if (!fx_file_read(path, FILE_MAX, &bytes, err))
        return false;
    if (!scan_records(fx_buf_str(&bytes), on_record, arg, &scan, err))
        return fail_journal(path, err);
    return true;
}

static bool replay(struct fx_recordlog *log, fx_record_fn on_record, void *arg, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf bytes = FX_BUF(FILE_MAX);
    struct scan scan;
    if (!fx_file_read(log->path, FILE_MAX, &bytes, err))
        return false;
    if (!scan_records(fx_buf_str(&bytes), on_record, arg, &scan, err))
        return fail_journal(log->path, err);
    log->seq = scan.seq;
    log->chain = scan.chain;
    log->end = (off_t)scan.good;
    if (scan.good < bytes.len && (ftruncate(log->fd, log->end) != 0 || fsync(log->fd) != 0))
        return fx_fail_errno(err, FX_E_IO, errno,
                             "could not remove the incomplete last record of journal \"%s\"",
                             log->path);
    return true;
}

bool fx_recordlog_open(const char *path, fx_record_fn on_record, void *arg,
                       struct fx_recordlog **ret_log, struct fx_err *err)
{
    struct fx_recordlog *log = FX_NEW(struct fx_recordlog);
    log->fd = -1;
    log->path = fx_strdup(path);
    FX_AUTO_STR char *lock_path = fx_asprintf("%s.lock", path);
    bool is_ok = fx_flock_take(lock_path, "journal", &log->lock, err);
    if (is_ok) {
        log->fd = fx_private_open(path, O_RDWR | O_CREAT, err);
        is_ok = log->fd >= 0 || fx_ctx(err, "opening journal \"%s\"", path);
    }
    /* The new name must survive a power cut before the first record claims to be durable. */
    is_ok = is_ok && fx_dir_sync_of(path, err) && replay(log, on_record, arg, err);
    if (!is_ok) {
        fx_recordlog_close(log);
        return false;
    }
    *ret_log = log;
    return true;
}

static bool write_record(struct fx_recordlog *log, struct fx_str record, struct fx_err *err)
{
    for (size_t done = 0; done < record.len;) {
        ssize_t n = pwrite(log->fd, record.ptr + done, record.len - done, log->end + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fx_fail_errno(err, FX_E_IO, n < 0 ? errno : ENOSPC,
                                 "could not write journal \"%s\"", log->path);
        done += (size_t)n;
    }
    bool is_failing = fx_failpoint_error("journal.sync");
    if (is_failing || fsync(log->fd) != 0) {
        /* Nobody knows what is on the disk, and a second
         * fsync would lie: this writer must not go on. */
        log->broken_errno = is_failing ? EIO : errno;
        return fx_fail_errno(err, FX_E_IO, log->broken_errno, "could not sync journal \"%s\"",
                             log->path);
    }
    return true;
}

bool fx_recordlog_append(struct fx_recordlog *log, struct fx_str payload, struct fx_err *err)
{
    if (log->broken_errno != 0)
        return fx_fail_errno(err, FX_E_JOURNAL, log->broken_errno,
                             "journal \"%s\" cannot be written: an earlier write failed",
                             log->path);
    if (payload.len > PAYLOAD_MAX)
        return fx_fail(
                   err, FX_E_LIMIT,
                   "a record of %zu bytes is too large for journal \"%s\": the limit is %d bytes",
                   payload.len, log->path, PAYLOAD_MAX) ||
               fx_hint(err, "This is a defect in Ficus. Please report it with this message.");
    char header[HEADER_BYTES] = "FXRL";
    uint64_t hash = record_hash(log->seq + 1, log->chain, payload);
    put_le(header + 4, 4, payload.len);
    put_le(header + 8, 8, log->seq + 1);
    put_le(header + 16, 8, log->chain);
    put_le(header + 24, 8, hash);
    FX_AUTO(fx_buf) struct fx_buf record = FX_BUF((size_t)PAYLOAD_MAX + HEADER_BYTES);
    fx_buf_add_bytes(&record, header, sizeof header);
    fx_buf_add(&record, payload);
    FX_FAILPOINT("journal.write.before");
    if (!write_record(log, fx_buf_str(&record), err)) {
        if ((ftruncate(log->fd, log->end) != 0 || fsync(log->fd) != 0) && log->broken_errno == 0)
            log->broken_errno = errno;
        return false;
    }
    FX_FAILPOINT("journal.write.after");
    log->seq++;
    log->chain = hash;
    log->end += (off_t)record.len;
    return true;
}

void fx_recordlog_close(struct fx_recordlog *log)
{
    if (log == NULL)
        return;
    if (log->fd >= 0)
        close(log->fd);
    fx_flock_release(log->lock);
    free(log->path);
    free(log);
}
