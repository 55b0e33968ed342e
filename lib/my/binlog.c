/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COM_BINLOG_DUMP by hand. The first byte of a packet's payload says what it is: 0x00 an event,
 * 0xfe the end, 0xff an error.
 */
#include "lib/my/my_priv.h" /* mysql.h comes before lib/base/banned.h */

#include "lib/my/binlog.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/rand.h"
#include "lib/my/binlog_event.h"
#include "lib/my/packet.h"
#include "lib/my/redact.h"

enum {
    COM_DUMP = 0x12,
    READ_AT_LEAST = 256 << 10,
    EVENT_MAX = (1 << 30) + (64 << 20),
    SILENCE_MAX_MS = 30000,
    LOOK_AHEAD_EVENTS = 64,
    ER_MASTER_FATAL_READING_BINLOG = 1236,
    ER_SLAVE_SAME_ID = 4052,
};

struct fx_binlog {
    struct fx_db *db;
    int fd;
    struct fx_my_packets packets;
    struct fx_mono heard;
};

/* --- opening ---------------------------------------------------------------------------------- */

static bool check_setting(struct fx_db *db, const char *name, const char *want, struct fx_str is,
                          struct fx_err *err)
{
    if (fx_str_eq_c(is, want))
        return true;
    fx_fail(err, FX_E_DB, "database \"%s\" has %s=%.*s; streams need %s", db->conf->name, name,
            FX_STR_FMT(is), want);
    if (strcmp(name, "log_bin") == 0)
        return fx_hint(err, "Set log_bin in the configuration of that server and restart it. Then "
                            "run: " FX_CMD_PREFLIGHT);
    return fx_hint(
        err,
        "Run on it: SET GLOBAL %s=%s; and put it into its configuration. Sessions that are open "
        "keep the old value until they connect again. Then run: " FX_CMD_PREFLIGHT,
        name, want);
}

static bool check_settings(struct fx_db *db, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    static const char sql[] = "select @@global.log_bin, @@global.binlog_format,"
                              " @@global.binlog_row_image, @@global.binlog_row_metadata";
    if (!fx_db_select(db, sql, NULL, 0, 1, 4, &rows, err))
        return false;
    return check_setting(db, "log_bin", "1", fx_rows_at(&rows, 0, 0), err) &&
           check_setting(db, "binlog_format", "ROW", fx_rows_at(&rows, 0, 1), err) &&
           check_setting(db, "binlog_row_image", "FULL", fx_rows_at(&rows, 0, 2), err) &&
           check_setting(db, "binlog_row_metadata", "FULL", fx_rows_at(&rows, 0, 3), err);
}

/* Capability 4 is "understands GTID"; without it the server hides GTIDs behind dummies. */
static bool prepare_session(struct fx_db *db, const struct fx_pos *from, struct fx_err *err)
{
    fx_cell pos = fx_pos_str(from);
    static const char sql[] =
        "set @mariadb_slave_capability = 4,"
        " @master_binlog_checksum = @@global.binlog_checksum,"
        " @master_heartbeat_period = 1000000000,"
        " @slave_connect_state = ?, @slave_gtid_strict_mode = 1,"
        " net_write_timeout = 3600, net_read_timeout = 3600, wait_timeout = 28800";
    return fx_db_exec(db, sql, &pos, 1, NULL, err);
}

static bool send_all(const struct fx_db *db, int fd, const uint8_t *bytes, size_t len,
                     struct fx_err *err)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
            struct pollfd pfd = {.fd = fd, .events = POLLOUT};
            poll(&pfd, 1, 1000);
            continue;
        }
        if (n < 0)
            return fx_fail_errno(err, FX_E_DB_CONNECT, errno,
                                 "could not ask database \"%s\" for its binary log",
                                 db->conf->name);
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

/* A second reader with our server id would throw this
 * one out (error 4052), so it is drawn at random. */
static bool request_dump(const struct fx_db *db, int fd, struct fx_err *err)
{
    uint32_t id = (uint32_t)fx_rand_system() | 0x80000000u;
    uint8_t packet[FX_MY_PACKET_HEAD + 11] = {11, 0, 0, 0, COM_DUMP, 4, 0, 0, 0, 0, 0};
    for (int i = 0; i < 4; i++)
        packet[FX_MY_PACKET_HEAD + 7 + i] = (uint8_t)(id >> (8 * i));
    return send_all(db, fd, packet, sizeof packet, err);
}

bool fx_binlog_open(const struct fx_db_conf *conf, const struct fx_pos *from,
                    struct fx_binlog **ret_log, struct fx_err *err)
{
    struct fx_binlog *log = FX_NEW(struct fx_binlog);
    fx_my_packets_init(&log->packets, EVENT_MAX);
    log->heard = fx_mono_now();
    bool is_open = fx_db_open(conf, &log->db, err) && check_settings(log->db, err) &&
                   prepare_session(log->db, from, err);
    if (is_open) {
        log->fd = (int)mysql_get_socket(my_of(log->db)->mysql);
        is_open = request_dump(log->db, log->fd, err);
    }
    if (!is_open) {
        fx_binlog_close(log);
        return fx_ctx(err, "opening the binary log of database \"%s\" at \"%s\"", conf->name,
                      from->text);
    }
    *ret_log = log;
    return true;
}

void fx_binlog_close(struct fx_binlog *log)
{
    if (log == NULL)
        return;
    if (log->fd > 0)
        shutdown(log->fd, SHUT_RDWR); /* the server notices at once, not at its next event */
    fx_db_close(log->db);
    fx_my_packets_done(&log->packets);
    free(log);
}

/* --- packets ---------------------------------------------------------------------------------- */

static bool server_error(struct fx_binlog *log, const struct fx_my_refusal *r, struct fx_err *err)
{
    enum fx_code code = r->number == ER_MASTER_FATAL_READING_BINLOG ? FX_E_DRIFT
                        : r->number == ER_SLAVE_SAME_ID             ? FX_E_DB_CONNECT
                                                                    : fx_my_code(r->number);
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 20);
    fx_my_redact(r->number, r->state, r->text, &text);
    fx_fail(err, code, "database \"%s\" stopped sending its binary log: %s", log->db->conf->name,
            fx_buf_cstr(&text));
    fx_err_set_mysql(err, (int)r->number, r->state);
    if (code == FX_E_DRIFT)
        fx_hint(err,
                "The part of the log that the stream needs was purged or replaced: " FX_CMD_NEW_COPY
                ". Keep the log for longer: binlog_expire_logs_seconds.");
    else if (code == FX_E_DB_CONNECT)
        fx_hint(err, FX_SERVER_GONE);
    else
        fx_hint(err, "Correct what the server's text names, then run: " FX_CMD_START);
    return false;
}

/* Only the text distinguishes it from a log that was purged. */
static bool is_torn(const struct fx_my_refusal *r)
{
    return r->number == ER_MASTER_FATAL_READING_BINLOG &&
           fx_str_starts(r->text, FX_STR("binlog truncated in the middle of event"));
}

static bool fail_event_size(const struct fx_binlog *log, struct fx_err *err)
{
    fx_fail(err, FX_E_LIMIT,
            "the binary log of database \"%s\" has an event that is larger than %d MiB",
            log->db->conf->name, EVENT_MAX >> 20);
    return fx_hint(err, "The stream cannot pass it: " FX_CMD_NEW_COPY ".");
}

static bool unwrap(struct fx_binlog *log, struct fx_str payload, enum fx_binlog_got *ret_got,
                   struct fx_str *ret_bytes, struct fx_err *err)
{
    uint8_t kind = payload.len > 0 ? (uint8_t)payload.ptr[0] : 0xfe;
    if (log->packets.joined.has_failed)
        return fail_event_size(log, err);
    if (kind == 0xff) {
        struct fx_my_refusal refusal = fx_my_refusal_of(payload);
        *ret_got = FX_BINLOG_TORN;
        return is_torn(&refusal) || server_error(log, &refusal, err);
    }
    if (kind == 0xfe)
        return fx_fail(err, FX_E_DB_CONNECT,
                       "database \"%s\" ended its binary log stream, as a server does that shuts "
                       "down",
                       log->db->conf->name) ||
               fx_hint(err, FX_SERVER_GONE);
    if (kind != 0)
        return fx_fail(err, FX_E_PROTOCOL,
                       "database \"%s\" sent an unknown packet (0x%02x) in its binary log",
                       log->db->conf->name, kind);
    *ret_bytes = fx_str_sub(payload, 1, payload.len);
    return true;
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool lost(struct fx_binlog *log, int errnum, struct fx_err *err)
{
    if (errnum != 0)
        return fx_fail_errno(err, FX_E_DB_CONNECT, errnum,
                             "lost the connection for the binary log of database \"%s\"",
                             log->db->conf->name);
    return fx_fail(err, FX_E_DB_CONNECT, "database \"%s\" closed the connection of its binary log",
                   log->db->conf->name) ||
           fx_hint(err, FX_SERVER_GONE);
}

/* Reads what there is, without waiting. *ret_got false: nothing. */
static bool receive(struct fx_binlog *log, bool *ret_got, struct fx_err *err)
{
    struct fx_buf *in = &log->packets.in;
    if (!fx_my_packets_room(&log->packets, READ_AT_LEAST))
        return fail_event_size(log, err);
    ssize_t n = recv(log->fd, in->ptr + in->len, in->cap - in->len - 1, MSG_DONTWAIT);
    if (n == 0)
        return lost(log, 0, err);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return lost(log, errno, err);
    *ret_got = n > 0;
    if (n > 0) {
        in->len += (size_t)n;
        log->heard = fx_mono_now();
    }
    return true;
}

bool fx_binlog_next(struct fx_binlog *log, int64_t timeout_ms, int wake_fd,
                    enum fx_binlog_got *ret_got, struct fx_str *ret_bytes, struct fx_err *err)
{
    struct fx_mono deadline = fx_mono_add_ms(fx_mono_now(), timeout_ms);
    for (;;) {
        struct fx_str payload;
        if (fx_my_packets_next(&log->packets, &payload)) {
            *ret_got = FX_BINLOG_EVENT;
            return unwrap(log, payload, ret_got, ret_bytes, err);
        }
        bool has_more = false;
        if (!receive(log, &has_more, err))
            return false;
        if (has_more)
            continue;
        struct fx_mono now = fx_mono_now();
        if (fx_mono_since_us(log->heard, now) > SILENCE_MAX_MS * INT64_C(1000))
            return fx_fail(
                       err, FX_E_DB_CONNECT,
                       "database \"%s\" sent nothing for %d s on the connection of its binary log",
                       log->db->conf->name, SILENCE_MAX_MS / 1000) ||
                   fx_hint(err, FX_SERVER_GONE);
        int64_t left_ms = (fx_mono_since_us(now, deadline) + 999) / 1000;
        struct pollfd pfds[2] = {{.fd = log->fd, .events = POLLIN},
                                 {.fd = wake_fd, .events = POLLIN}};
        if (left_ms > 0 && poll(pfds, 2, (int)FX_MIN(left_ms, (int64_t)1000)) < 0 && errno != EINTR)
            return lost(log, errno, err);
        if (left_ms <= 0 || pfds[1].revents != 0) {
            *ret_got = FX_BINLOG_NOTHING;
            return true;
        }
    }
}

bool fx_binlog_has_transaction(const struct fx_binlog *log)
{
    enum { TYPE_QUERY = 2, TYPE_XID = 16, TYPE_GTID = 162 };
    bool has_begin = false;
    size_t at = log->packets.used, len;
    for (int i = 0; i < LOOK_AHEAD_EVENTS && fx_my_packets_look(&log->packets, at, &len); i++) {
        struct fx_bl_header head;
        struct fx_str event = {log->packets.in.ptr + at + FX_MY_PACKET_HEAD + 1,
                               len > 0 ? len - 1 : 0};
        at += FX_MY_PACKET_HEAD + len;
        if (!fx_bl_header_read(event, &head))
            return true; /* an error packet: `next` will not wait either */
        if (head.type == TYPE_GTID)
            has_begin = true;
        else if ((head.type == TYPE_XID || head.type == TYPE_QUERY) && has_begin)
            return true;
    }
    return false;
}
