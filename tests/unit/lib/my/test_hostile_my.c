/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A MariaDB server that answers anything: broken greetings, other ways to log in, requests for our
 * files and passwords, silence, single bytes, floods, columns and events that do not exist. What
 * it says is an error that names the server and what to do, or a result: soon, in bounded memory,
 * never the end of the program. A failure of the last test names its seed: FX_SEED=17 repeats it.
 */
#define FX_STRTO_ALLOWED /* of the seed */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/db/db.h"
#include "lib/my/binlog.h"
#include "lib/my/binlog_event.h"
#include "lib/ownership/fence.h"
#include "lib/ownership/own.h"
#include "lib/ownership/schema.h"

/*
 * Under AddressSanitizer: libmariadb asks for as much memory as a server names and bears it when
 * there is none; and when it gives up within the columns of a result it keeps their memory.
 */
const char *__asan_default_options(void);
const char *__lsan_default_suppressions(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__lsan_default_suppressions(void)
{
    return "leak:libmariadb.so";
}

enum { SEEDS = 10, PINS_MAX = 200, CONNECT_MS = 1000, MEMORY_MIB = 700 };
#ifdef __SANITIZE_ADDRESS__ /* 64 MiB of empty packets are read one by one, each with its checks */
enum { SOON_MS = 180000 };
#else
enum { SOON_MS = 30000 };
#endif

#define PASSWORD "the-password-in-clear"
#define SECRET   "a line of our own file"

/* What a fake server does after its client has connected; false: it hangs up. */
struct server;
typedef bool (*act)(struct server *s);

struct server {
    int fd, client;
    uint64_t state; /* of the generator */
    uint8_t sequence;
    act greets;                    /* NULL: an honest greeting and login */
    act answers;                   /* each statement after the session's own settings */
    bool has_password, has_secret; /* what must never arrive here */
    char statement[1 << 16];
    char dir[64], path[108];
    pthread_t thread;
};

/* --- learnt: the values that each session asks its server for --------------------------------- */

static struct pin {
    char name[64], value[512];
} pins[PINS_MAX];
static size_t n_pins;

static const char *pin_of(const char *name, size_t len)
{
    for (size_t i = 0; i < n_pins; i++)
        if (strlen(pins[i].name) == len && strncmp(pins[i].name, name, len) == 0)
            return pins[i].value;
    return "?";
}

/* variable "NAME" is "?", but Ficus needs "VALUE" */
static bool learn(const char *message)
{
    struct pin *pin = &pins[n_pins];
    const char *name = strstr(message, "variable \"");
    const char *needs = strstr(message, "Ficus needs \"");
    if (name == NULL || needs == NULL || n_pins == PINS_MAX)
        return false;
    name += strlen("variable \"");
    needs += strlen("Ficus needs \"");
    const char *end = strrchr(needs, '"');
    snprintf(pin->name, sizeof pin->name, "%.*s", (int)strcspn(name, "\""), name);
    snprintf(pin->value, sizeof pin->value, "%.*s", (int)(end - needs), needs);
    n_pins++;
    return true;
}

/* --- packets ---------------------------------------------------------------------------------- */

static uint32_t draw(struct server *s, uint32_t n)
{
    s->state = s->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(s->state >> 33) % n;
}

static bool send_bytes(struct server *s, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t n = send(s->client, at, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static bool send_head(struct server *s, size_t len)
{
    uint8_t head[4] = {(uint8_t)len, (uint8_t)(len >> 8), (uint8_t)(len >> 16), s->sequence++};
    return send_bytes(s, head, sizeof head);
}

static bool packet(struct server *s, const void *bytes, size_t len)
{
    return send_head(s, len) && send_bytes(s, bytes, len);
}

static bool packet_of(struct server *s, const struct fx_buf *body)
{
    return packet(s, body->ptr, body->len);
}

/* Reads one packet, at most what `statement` holds; looks for what must not be in it. */
static bool read_packet(struct server *s)
{
    uint8_t head[4];
    if (recv(s->client, head, sizeof head, MSG_WAITALL) != sizeof head)
        return false;
    size_t len = (size_t)head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16;
    s->sequence = (uint8_t)(head[3] + 1);
    if (len >= sizeof s->statement ||
        recv(s->client, s->statement, len, MSG_WAITALL) != (ssize_t)len)
        return false;
    s->statement[len] = '\0';
    s->has_password |= memmem(s->statement, len, PASSWORD, strlen(PASSWORD)) != NULL;
    s->has_secret |= memmem(s->statement, len, SECRET, strlen(SECRET)) != NULL;
    return true;
}

static bool ok_packet(struct server *s)
{
    return packet(s, "\0\0\0\2\0\0\0", 7);
}

static bool eof_packet(struct server *s)
{
    return packet(s, "\xfe\0\0\2\0", 5);
}

static bool refuse(struct server *s, unsigned number, const char *text)
{
    FX_AUTO(fx_buf) struct fx_buf body = FX_BUF(1 << 24);
    fx_buf_add_char(&body, '\xff');
    fx_buf_add_char(&body, (char)(uint8_t)number);
    fx_buf_add_char(&body, (char)(uint8_t)(number >> 8));
    fx_buf_add_c(&body, "#HY000");
    fx_buf_add_c(&body, text);
    return packet_of(s, &body);
}

static void add_cell(struct fx_buf *body, const char *text)
{
    size_t len = strlen(text);
    if (len < 251) {
        fx_buf_add_char(body, (char)(uint8_t)len);
    } else {
        fx_buf_add_char(body, '\xfc');
        fx_buf_add_char(body, (char)(uint8_t)len);
        fx_buf_add_char(body, (char)(uint8_t)(len >> 8));
    }
    fx_buf_add_bytes(body, text, len);
}

static bool column(struct server *s)
{
    FX_AUTO(fx_buf) struct fx_buf body = FX_BUF(1024);
    static const char *const names[] = {"def", "", "", "", "c", ""};
    static const char rest[] = {12, 45, 0, 0, 1, 0, 0, '\xfd', 0, 0, 0, 0, 0};
    for (size_t i = 0; i < FX_ARRAY_LEN(names); i++)
        add_cell(&body, names[i]);
    fx_buf_add_bytes(&body, rest, sizeof rest);
    return packet_of(s, &body);
}

static bool columns(struct server *s, size_t n)
{
    uint8_t count = (uint8_t)n;
    bool is_ok = packet(s, &count, 1);
    for (size_t i = 0; is_ok && i < n; i++)
        is_ok = column(s);
    return is_ok && eof_packet(s);
}

static bool row_of(struct server *s, size_t n, const char *const *cells)
{
    FX_AUTO(fx_buf) struct fx_buf body = FX_BUF(1 << 20);
    for (size_t i = 0; i < n; i++)
        add_cell(&body, cells[i]);
    return packet_of(s, &body);
}

/* --- honest ----------------------------------------------------------------------------------- */

static bool greet_as(struct server *s, const char *version, const char *method)
{
    FX_AUTO(fx_buf) struct fx_buf body = FX_BUF(1024);
    static const char middle[] =
        "\1\0\0\0abcdefgh\0\xff\xf7\x2d\2\0\xff\x81\x15\0\0\0\0\0\0\0\0\0\0";
    s->sequence = 0;
    fx_buf_add_char(&body, 10);
    fx_buf_add_bytes(&body, version, strlen(version) + 1);
    fx_buf_add_bytes(&body, middle, sizeof middle - 1);
    fx_buf_add_bytes(&body, "ijklmnopqrst", 13);
    fx_buf_add_bytes(&body, method, strlen(method) + 1);
    return packet_of(s, &body);
}

static bool greet(struct server *s)
{
    return greet_as(s, "5.5.5-10.11.0-MariaDB", "mysql_native_password") && read_packet(s);
}

static bool log_in(struct server *s)
{
    return greet(s) && ok_packet(s);
}

/* "set session …; select @@session.a, @@session.b": an OK, then the row. */
static bool answer_pins(struct server *s)
{
    const char *values[PINS_MAX];
    size_t n = 0;
    for (const char *at = strstr(s->statement, "@@session."); at != NULL && n < PINS_MAX;
         at = strstr(at, "@@session.")) {
        at += strlen("@@session.");
        values[n++] = pin_of(at, strcspn(at, ", ;"));
    }
    return packet(s, "\0\0\0\x0a\0\0\0", 7) && columns(s, n) && row_of(s, n, values) &&
           eof_packet(s);
}

static bool serve_one(struct server *s)
{
    if (!read_packet(s) || s->statement[0] == 1)
        return false;
    if (strstr(s->statement, "@@session.sql_mode") != NULL)
        return answer_pins(s);
    if (strncmp(s->statement + 1, "set session max_statement_time", 30) == 0)
        return ok_packet(s);
    return s->answers(s);
}

static void *serve(void *arg)
{
    struct server *s = arg;
    while ((s->client = accept(s->fd, NULL, NULL)) >= 0) {
        if ((s->greets != NULL ? s->greets : log_in)(s))
            while (serve_one(s))
                ;
        shutdown(s->client, SHUT_RDWR);
        close(s->client);
    }
    return NULL;
}

static void open_server(struct server *s, act greets, act answers)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    *s = (struct server){.greets = greets, .answers = answers, .state = 1};
    snprintf(s->dir, sizeof s->dir, "/tmp/fx_hostile_my.XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    snprintf(s->path, sizeof s->path, "%s/s", s->dir);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", s->path);
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(s->fd, 16), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void close_server(struct server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
    unlink(s->path);
    rmdir(s->dir);
}

static struct fx_db_conf conf_of(const struct server *s)
{
    return (struct fx_db_conf){.name = "shop",
                               .engine = FX_MY,
                               .socket_dir = s->path,
                               .user = "u",
                               .password = PASSWORD,
                               .dbname = "d",
                               .connect_timeout_ms = CONNECT_MS};
}

/* --- what every case must keep ---------------------------------------------------------------- */

static long memory_mib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss >> 10;
}

static void assert_helps(struct fx_err *err)
{
    fx_err_need_hint(err, "ficus help");
    if (strstr(err->message, "\"shop\"") == NULL || err->hint[0] == '\0')
        print_error("message: %s\nhint: %s\n", err->message, err->hint);
    assert_non_null(strstr(err->message, "\"shop\""));
    assert_true(err->hint[0] != '\0');
}

static void assert_soon(struct fx_mono began)
{
    assert_true(fx_mono_since_us(began, fx_mono_now()) < SOON_MS * INT64_C(1000));
}

/* Reads what the statement gives back; true: it was an answer. */
static bool ask_once(const struct fx_db_conf *conf, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    struct fx_db *db = NULL;
    bool is_ok = fx_db_open(conf, &db, err) && fx_db_set_timeout(db, CONNECT_MS, err) &&
                 fx_db_select(db, "select 1", NULL, 0, 1, 1, &rows, err);
    fx_db_close(db);
    return is_ok;
}

static void try_one(const char *name, act greets, act answers)
{
    struct server s;
    struct fx_err err = FX_ERR_INIT;
    struct fx_mono began = fx_mono_now();
    open_server(&s, greets, answers);
    struct fx_db_conf conf = conf_of(&s);
    bool is_ok = ask_once(&conf, &err);
    close_server(&s);
    if (is_ok || s.has_password || s.has_secret)
        print_error("%s: %s%s%s\n", name, is_ok ? "no error" : "", s.has_password ? "password" : "",
                    s.has_secret ? "file" : "");
    assert_false(is_ok);
    assert_false(s.has_password);
    assert_false(s.has_secret);
    if (getenv("FX_SHOW") != NULL)
        print_message("%s: %s\n    %s\n", name, err.message, err.hint);
    assert_helps(&err);
    assert_soon(began);
}

static bool say_one(struct server *s)
{
    static const char *const one[] = {"1"};
    return columns(s, 1) && row_of(s, 1, one) && eof_packet(s);
}

static void learn_all(void)
{
    struct server s;
    open_server(&s, NULL, say_one);
    struct fx_db_conf conf = conf_of(&s);
    struct fx_err err = FX_ERR_INIT;
    bool is_ok = ask_once(&conf, &err);
    while (!is_ok && learn(err.message)) {
        fx_err_clear(&err);
        is_ok = ask_once(&conf, &err);
    }
    close_server(&s);
    if (!is_ok)
        print_error("%s\n", err.message);
    assert_true(is_ok);
    assert_true(n_pins > 10);
}

static int setup(void **state)
{
    (void)state;
    learn_all();
    return 0;
}

/* --- until the session is open ---------------------------------------------------------------- */

static bool silent(struct server *s)
{
    char byte;
    while (recv(s->client, &byte, 1, 0) == 1)
        ;
    return false;
}

static bool hang_up(struct server *s)
{
    (void)s;
    return false;
}

static bool greet_noise(struct server *s)
{
    uint8_t noise[512];
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)draw(s, 256);
    return send_bytes(s, noise, sizeof noise) && silent(s);
}

static bool greet_giant(struct server *s)
{
    return send_bytes(s, "\xfe\xff\xff\0\x0a", 5) && silent(s);
}

static bool greet_flood(struct server *s)
{
    static char much[1 << 20];
    while (send_head(s, 0xffffff))
        for (int i = 0; i < 16; i++)
            if (!send_bytes(s, much, i < 15 ? sizeof much : sizeof much - 1))
                return false;
    return false;
}

/* One byte after another, each long before a read times out. */
static bool greet_drip(struct server *s)
{
    uint8_t byte = 0x50;
    while (send_bytes(s, &byte, 1)) {
        fx_sleep_ms(50);
        byte = byte == 0x50 || byte == 1 ? 0 : 1;
    }
    return false;
}

static bool greet_protocol_9(struct server *s)
{
    return packet(s,
                  "\x09"
                  "3.20\0\1\0\0\0abcdefgh",
                  18) &&
           silent(s);
}

static bool greet_short(struct server *s)
{
    return packet(s,
                  "\x0a"
                  "5.5.5-10.11.0-Maria",
                  20) &&
           silent(s);
}

static bool greet_empty(struct server *s)
{
    return packet(s, "", 0) && silent(s);
}

static bool greet_refusal(struct server *s)
{
    return refuse(s, 1040, "Too many \033[2J connections") && silent(s);
}

static bool greet_mysql(struct server *s)
{
    return greet_as(s, "8.0.36", "mysql_native_password") && read_packet(s) && ok_packet(s);
}

static bool silent_after_login(struct server *s)
{
    return greet(s) && silent(s);
}

static bool rows_after_login(struct server *s)
{
    return greet(s) && columns(s, 3) && silent(s);
}

/* "Send the password again, by this method", and the scramble of it. */
static bool switch_to(struct server *s, const char *method)
{
    FX_AUTO(fx_buf) struct fx_buf body = FX_BUF(256);
    fx_buf_add_char(&body, '\xfe');
    fx_buf_add_bytes(&body, method, strlen(method) + 1);
    fx_buf_add_bytes(&body, "abcdefghijklmnopqrst", 21);
    return greet(s) && packet_of(s, &body) && read_packet(s) && read_packet(s) && read_packet(s);
}

static bool wants_clear(struct server *s)
{
    return switch_to(s, "mysql_clear_password");
}

static bool wants_dialog(struct server *s)
{
    return switch_to(s, "dialog");
}

static bool wants_sha256(struct server *s)
{
    return switch_to(s, "sha256_password");
}

static bool wants_caching(struct server *s)
{
    return switch_to(s, "caching_sha2_password");
}

static bool wants_unknown(struct server *s)
{
    return switch_to(s, "../../../../tmp/evil");
}

static bool wants_old(struct server *s)
{
    return greet(s) && packet(s, "\xfe", 1) && read_packet(s);
}

static bool greets_clear(struct server *s)
{
    return greet_as(s, "5.5.5-10.11.0-MariaDB", "mysql_clear_password") && read_packet(s) &&
           ok_packet(s);
}

static bool wants_forever(struct server *s)
{
    static const char again[] = "\xfemysql_native_password\0abcdefghijklmnopqrst";
    bool is_ok = greet(s);
    while (is_ok)
        is_ok = packet(s, again, sizeof again) && read_packet(s);
    return false;
}

static bool wants_file_at_login(struct server *s)
{
    char ask[128];
    int n = snprintf(ask, sizeof ask, "\xfb%s/secret", s->dir);
    return greet(s) && packet(s, ask, (size_t)n) && read_packet(s) && ok_packet(s);
}

#define CASE(name)  \
    {               \
#name, name \
    }

static void test_hostile_my__nothing_but_an_open_session_comes_of_connecting(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        act greets;
    } cases[] = {
        CASE(silent),        CASE(hang_up),          CASE(greet_noise),
        CASE(greet_giant),   CASE(greet_flood),      CASE(greet_drip),
        CASE(greet_short),   CASE(greet_protocol_9), CASE(greet_empty),
        CASE(greet_refusal), CASE(greet_mysql),      CASE(silent_after_login),
        CASE(wants_clear),   CASE(wants_dialog),     CASE(wants_sha256),
        CASE(wants_caching), CASE(wants_unknown),    CASE(wants_old),
        CASE(wants_forever), CASE(rows_after_login), CASE(wants_file_at_login),
        CASE(greets_clear),
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(cases); i++)
        try_one(cases[i].name, cases[i].greets, say_one);
}

/* --- answers ---------------------------------------------------------------------------------- */

static bool wants_file(struct server *s)
{
    char path[128], ask[160];
    snprintf(path, sizeof path, "%s/secret", s->dir);
    FILE *file = fopen(path, "w");
    if (file != NULL) {
        fputs(SECRET "\n", file);
        fclose(file);
    }
    int n = snprintf(ask, sizeof ask, "\xfb%s", path);
    bool is_ok = packet(s, ask, (size_t)n) && read_packet(s);
    if (is_ok && s->sequence > 2) /* a file's end */
        is_ok = ok_packet(s);
    unlink(path);
    return is_ok;
}

static bool ok_instead_of_rows(struct server *s)
{
    return ok_packet(s);
}

static bool too_many_columns(struct server *s)
{
    return packet(s, "\xfe\xff\xff\xff\xff\xff\xff\xff\x7f", 9) && column(s) && eof_packet(s) &&
           silent(s);
}

static bool many_columns(struct server *s)
{
    return packet(s, "\xfd\xff\xff\xff", 4) && column(s) && eof_packet(s) && silent(s);
}

static bool columns_forever(struct server *s)
{
    bool is_ok = packet(s, "\1", 1);
    while (is_ok)
        is_ok = column(s);
    return false;
}

static bool rows_forever(struct server *s)
{
    static char much[1 << 16];
    FX_AUTO(fx_buf) struct fx_buf body = FX_BUF(1 << 20);
    memset(much, 'x', sizeof much - 1);
    fx_buf_add_bytes(&body, "\xfd\0\0\1", 4); /* 65536 bytes */
    fx_buf_add_bytes(&body, much, sizeof much);
    bool is_ok = columns(s, 1);
    while (is_ok)
        is_ok = packet_of(s, &body);
    return false;
}

static bool giant_packet(struct server *s)
{
    static char much[0xffffff];
    bool is_ok = columns(s, 1);
    while (is_ok)
        is_ok = packet(s, much, sizeof much);
    return false;
}

static bool cell_past_its_packet(struct server *s)
{
    return columns(s, 1) && packet(s, "\xfe\xff\xff\xff\xff\xff\xff\xff\x7fx", 10) && eof_packet(s);
}

static bool column_past_its_packet(struct server *s)
{
    return packet(s, "\1", 1) &&
           packet(s,
                  "\xfc\xff\xff"
                  "def",
                  6) &&
           eof_packet(s) && eof_packet(s);
}

static bool half_an_answer(struct server *s)
{
    return columns(s, 1) && send_bytes(s, "\5\0\0", 3) && silent(s);
}

static bool giant_refusal(struct server *s)
{
    static char much[1 << 20];
    memset(much, 'e', sizeof much - 1);
    return refuse(s, 1105, much);
}

static bool no_refusal(struct server *s)
{
    return packet(s, "\xff", 1);
}

static bool results_forever(struct server *s)
{
    bool is_ok = true;
    while (is_ok)
        is_ok = packet(s, "\0\0\0\x0a\0\0\0", 7);
    return false;
}

static bool empty_packets(struct server *s)
{
    return packet(s, "", 0) && packet(s, "", 0) && packet(s, "", 0) && silent(s);
}

static void test_hostile_my__whatever_is_answered_ends_soon_in_bounded_memory(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        act answers;
    } cases[] = {
        CASE(silent),
        CASE(hang_up),
        CASE(wants_file),
        CASE(many_columns),
        CASE(too_many_columns),
        CASE(ok_instead_of_rows),
        CASE(columns_forever),
        CASE(rows_forever),
        CASE(giant_packet),
        CASE(half_an_answer),
        CASE(cell_past_its_packet),
        CASE(giant_refusal),
        CASE(no_refusal),
        CASE(column_past_its_packet),
        CASE(results_forever),
        CASE(empty_packets),
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(cases); i++)
        try_one(cases[i].name, NULL, cases[i].answers);
    if (getenv("FX_SHOW") != NULL)
        print_message("memory: %ld MiB\n", memory_mib());
#ifndef __SANITIZE_ADDRESS__ /* which keeps freed memory for a while */
    assert_true(memory_mib() < MEMORY_MIB);
#endif
}

/* --- the binary log --------------------------------------------------------------------------- */

enum { COM_DUMP = 0x12 };

static bool event(struct server *s)
{
    uint8_t bytes[512];
    size_t len = 1 + draw(s, sizeof bytes - 1);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)draw(s, 256);
    bytes[0] = draw(s, 20) == 0 ? (uint8_t)draw(s, 256) : 0;
    if (len > 20) { /* a kind that exists, and sometimes the right length */
        static const uint8_t kinds[] = {2,  4,  15,  16,  19,  23,  24,  25,  30, 31,
                                        32, 33, 160, 161, 162, 163, 164, 165, 166};
        bytes[5] = kinds[draw(s, FX_ARRAY_LEN(kinds))];
        uint32_t size = draw(s, 3) == 0 ? draw(s, 0xffffffff) : (uint32_t)len - 1;
        for (int i = 0; i < 4; i++)
            bytes[10 + i] = (uint8_t)(size >> (8 * i));
    }
    return packet(s, bytes, len);
}

static bool log_server(struct server *s)
{
    static const char *const settings[] = {"1", "ROW", "FULL", "FULL"};
    if (s->statement[0] == COM_DUMP) {
        bool is_ok = true;
        for (int i = 0; is_ok && i < 20; i++)
            is_ok = event(s);
        return false;
    }
    if (strstr(s->statement, "@@global.log_bin") == NULL)
        return ok_packet(s);
    return columns(s, 4) && row_of(s, 4, settings) && eof_packet(s);
}

static void read_log(struct fx_binlog *log)
{
    struct fx_err err = FX_ERR_INIT;
    struct fx_bl_decoder decoder;
    enum fx_binlog_got got = FX_BINLOG_EVENT;
    struct fx_str bytes = {0};
    struct fx_bl_event decoded;
    fx_bl_decoder_init(&decoder);
    for (int i = 0; i < 40; i++) {
        if (!fx_binlog_next(log, 2000, -1, &got, &bytes, &err))
            break;
        if (got != FX_BINLOG_EVENT)
            break;
        if (!fx_bl_decode(&decoder, bytes, &decoded, &err))
            break;
    }
    if (fx_err_is(&err))
        assert_true(err.message[0] != '\0');
    fx_bl_decoder_done(&decoder);
}

/* FX_SEEDS=1000 tests/unit/lib/my/test_hostile_my: the long round, by hand */
static uint64_t n_seeds(void)
{
    const char *asked = getenv("FX_SEEDS");
    return asked != NULL ? strtoull(asked, NULL, 10) : SEEDS;
}

static void test_hostile_my__a_log_of_anything_is_an_error(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= n_seeds(); seed++) {
        struct server s;
        struct fx_err err = FX_ERR_INIT;
        struct fx_binlog *log = NULL;
        FX_AUTO(fx_pos) struct fx_pos from = {0};
        open_server(&s, NULL, log_server);
        s.state = seed;
        struct fx_db_conf conf = conf_of(&s);
        fx_pos_set(&from, FX_STR("0-1-1"));
        bool is_open = fx_binlog_open(&conf, &from, &log, &err);
        if (!is_open)
            print_error("seed %llu: %s\n", (unsigned long long)seed, err.message);
        assert_true(is_open);
        read_log(log);
        fx_binlog_close(log);
        close_server(&s);
    }
}

/* --- anything --------------------------------------------------------------------------------- */

static bool anything(struct server *s)
{
    static const char *const cells[] = {"",
                                        "1",
                                        "0",
                                        "-1",
                                        "99999999999999999999",
                                        "HERE",
                                        "AWAY",
                                        "FENCED",
                                        "t",
                                        "0-1-5",
                                        "YES",
                                        "PRI",
                                        "int",
                                        "utf8mb4_nopad_bin",
                                        "\033[31m",
                                        "'; drop table x; --"};
    const char *row[16];
    static const uint8_t usual[] = {1, 2, 3, 4, 7, 9, 13};
    if (draw(s, 12) == 0)
        return draw(s, 2) == 0 ? false : wants_file(s);
    if (draw(s, 6) == 0)
        return refuse(s, 1000 + draw(s, 1000), "no\nwith more\033[2J");
    if (draw(s, 5) == 0)
        return ok_packet(s);
    size_t n = draw(s, 3) == 0 ? 1 + draw(s, 15) : usual[draw(s, FX_ARRAY_LEN(usual))];
    bool is_ok = columns(s, n);
    for (uint32_t i = draw(s, 4); is_ok && i > 0; i--) {
        for (size_t k = 0; k < n; k++)
            row[k] = cells[draw(s, FX_ARRAY_LEN(cells))];
        is_ok = row_of(s, draw(s, 30) == 0 ? n - 1 : n, row);
    }
    return is_ok && eof_packet(s);
}

static void ask_all(struct server *s, const struct fx_db_conf *conf)
{
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db = NULL;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    if (!fx_db_open(conf, &db, &err) || !fx_db_set_timeout(db, CONNECT_MS, &err)) {
        fx_db_close(db);
        return;
    }
    struct fx_table *table = NULL;
    FX_AUTO(fx_pos) struct fx_pos pos = {0};
    struct fx_own_look look;
    int64_t version, ids[2] = {1, 1};
    bool flag = false;
    struct fx_side_identity identity = {"id", "d.t"};
    struct fx_side_table tables[1] = {{"d", "t", &identity}};
    struct fx_side side = {.conf = conf,
                           .group = "g",
                           .tables = tables,
                           .n_tables = 1,
                           .engine = fx_own_engine_of(db),
                           .db = db};
    const struct fx_fence_ops *fence = side.engine->fence;
    struct fx_fence_request request = {1, 1000, 100, "op"};
    FX_AUTO(fx_findings) struct fx_findings f;
    fx_findings_init(&f);
    for (uint32_t i = 0; i < 20 && side.db != NULL && !fx_db_is_broken(side.db); i++) {
        fx_err_clear(&err);
        db = side.db;
        switch (draw(s, 13)) {
        case 0: flag = fx_db_table(db, "d", "t", &arena, &table, &err); break;
        case 1: flag = fx_db_pos_now(db, &pos, &err); break;
        case 2: flag = fx_own_look(db, "g", &look, &err); break;
        case 3: flag = fx_schema_version(db, &version, &err); break;
        case 4: flag = fx_schema_prepare(db, conf, &err); break;
        case 5: flag = fence->arm(&side, 2, 100, &err); break;
        case 6: flag = fence->fence(&side, &request, &flag, &err); break;
        case 7: flag = fence->armed(&side, 2, &f, &err); break;
        case 8: flag = fence->disarm(&side, 100, &flag, &err); break;
        case 9: flag = fence->ids_read(&side, ids, &err); break;
        case 10: flag = fence->ids_raise(&side, ids, 3, &flag, &err); break;
        case 11: flag = fx_own_commit(&side, 1, &flag, &err); break;
        default: flag = fx_db_snapshot_begin(db, &err); break;
        }
        if (!flag)
            assert_true(err.message[0] != '\0');
    }
    fx_side_close(&side);
}

static void run_seed(uint64_t seed)
{
    struct server s;
    open_server(&s, NULL, anything);
    s.state = seed * 2654435761u + 1;
    struct fx_db_conf conf = conf_of(&s);
    ask_all(&s, &conf);
    close_server(&s);
    assert_false(s.has_password);
    assert_false(s.has_secret);
}

static void test_hostile_my__whatever_a_server_answers_is_an_error_or_a_result(void **state)
{
    (void)state;
    const char *only = getenv("FX_SEED");
    if (only != NULL) {
        run_seed(strtoull(only, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= n_seeds(); seed++) {
        char text_of[32];
        snprintf(text_of, sizeof text_of, "%llu", (unsigned long long)seed);
        setenv("FX_SEED_NOW", text_of, 1); /* in the core, and below */
        run_seed(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_my__nothing_but_an_open_session_comes_of_connecting),
        cmocka_unit_test(test_hostile_my__whatever_is_answered_ends_soon_in_bounded_memory),
        cmocka_unit_test(test_hostile_my__a_log_of_anything_is_an_error),
        cmocka_unit_test(test_hostile_my__whatever_a_server_answers_is_an_error_or_a_result),
    };
    if (getenv("FX_SEED") != NULL)
        cmocka_set_test_filter("*_is_*result*");
    return cmocka_run_group_tests(tests, setup, NULL);
}
