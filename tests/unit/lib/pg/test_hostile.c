/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PostgreSQL server that answers anything: nothing, rows of other columns, NULL, giants, other
 * messages than belong. Whatever it says is an error of the call or a result, never the end of the
 * program. Each seed is one server; a failure names it: FX_SEED=17 repeats that one alone.
 */
#define FX_STRTO_ALLOWED /* of the seed */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/alloc.h"
#include "lib/db/db.h"
#include "lib/ownership/own.h"
#include "lib/ownership/schema.h"
#include "lib/ownership/fence.h"

enum { SEEDS = 400, CLIENTS = 16 };

struct server {
    int fd;
    uint64_t state; /* of the generator */
    bool is_honest; /* until the session is open */
    char options[8192];
    char path[108];
    pthread_t thread;
};

/* --- the generator ---------------------------------------------------------------------------- */

static uint32_t draw(struct server *s, uint32_t n)
{
    s->state = s->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(s->state >> 33) % n;
}

/* --- messages --------------------------------------------------------------------------------- */

static void be32(struct fx_buf *b, uint32_t v)
{
    for (int i = 24; i >= 0; i -= 8)
        fx_buf_add_char(b, (char)(uint8_t)(v >> i));
}

static void be16(struct fx_buf *b, uint32_t v)
{
    fx_buf_add_char(b, (char)(uint8_t)(v >> 8));
    fx_buf_add_char(b, (char)(uint8_t)v);
}

static void message(struct fx_buf *out, char type, const struct fx_buf *body)
{
    fx_buf_add_char(out, type);
    be32(out, (uint32_t)body->len + 4);
    fx_buf_add(out, (struct fx_str){body->ptr, body->len});
}

static void text(struct fx_buf *b, const char *s)
{
    fx_buf_add(b, (struct fx_str){s, strlen(s) + 1});
}

static void simple(struct fx_buf *out, char type, const char *content)
{
    FX_AUTO(fx_buf) struct fx_buf body = FX_BUF(1 << 20);
    if (content != NULL)
        text(&body, content);
    message(out, type, &body);
}

static void row_description(struct fx_buf *out, size_t n)
{
    FX_AUTO(fx_buf) struct fx_buf body = FX_BUF(1 << 20);
    be16(&body, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        text(&body, "c");
        be32(&body, 0);
        be16(&body, 0);
        be32(&body, 25);
        be16(&body, 0xffff);
        be32(&body, 0xffffffff);
        be16(&body, 0);
    }
    message(out, 'T', &body);
}

static const char *const cells[] = {"",
                                    "t",
                                    "f",
                                    "1",
                                    "0",
                                    "-1",
                                    "99999999999999999999",
                                    "9223372036854775807",
                                    "4294967296",
                                    "r",
                                    "p",
                                    "UTF8",
                                    "HERE",
                                    "AWAY",
                                    "FENCED",
                                    "true",
                                    "false",
                                    "public.t",
                                    "0/0",
                                    "FFFFFFFF/FFFFFFFF",
                                    "{}",
                                    "{1,2",
                                    "\033[31m",
                                    "'; drop table x; --",
                                    "integer",
                                    "2147483647",
                                    "-2147483648",
                                    "ficus_fence_g",
                                    "O"};

static void data_row(struct server *s, struct fx_buf *out, size_t n)
{
    FX_AUTO(fx_buf) struct fx_buf body = FX_BUF(1 << 24);
    be16(&body, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        uint32_t kind = draw(s, 12);
        if (kind == 0) {
            be32(&body, 0xffffffff); /* NULL */
        } else if (kind == 1) {
            be32(&body, 100000);
            for (int k = 0; k < 100000; k++)
                fx_buf_add_char(&body, (char)('0' + k % 10));
        } else {
            const char *cell = cells[draw(s, (uint32_t)FX_ARRAY_LEN(cells))];
            be32(&body, (uint32_t)strlen(cell));
            fx_buf_add_c(&body, cell);
        }
    }
    message(out, 'D', &body);
}

/* Rows of any shape; libpq itself sees to rows that do not fit their description. */
static void rows(struct server *s, struct fx_buf *out)
{
    static const uint32_t usual[] = {1, 2, 3, 4, 7, 9, 13};
    size_t n = draw(s, 3) == 0 ? draw(s, 20) : usual[draw(s, FX_ARRAY_LEN(usual))];
    row_description(out, n);
    for (uint32_t i = draw(s, 4); i > 0; i--)
        data_row(s, out, n);
    simple(out, 'C', draw(s, 2) == 0 ? "SELECT 3" : "UPDATE 99999999999999999999999");
}

static void error(struct server *s, struct fx_buf *out)
{
    static const char *const states[] = {"42P01", "42501", "40001", "57014", "XX000", "", "55P03"};
    FX_AUTO(fx_buf) struct fx_buf body = FX_BUF(1 << 20);
    if (draw(s, 4) > 0) {
        fx_buf_add_char(&body, 'C');
        text(&body, states[draw(s, FX_ARRAY_LEN(states))]);
    }
    if (draw(s, 4) > 0) {
        fx_buf_add_char(&body, 'M');
        text(&body, "no\nwith more\033[2J");
    }
    fx_buf_add_char(&body, 0);
    message(out, 'E', &body);
}

static void answer(struct server *s, struct fx_buf *out)
{
    switch (draw(s, 10)) {
    case 0: simple(out, 'C', "SELECT 1"); break; /* done, without a row */
    case 1: simple(out, 'I', NULL); break;
    case 2: error(s, out); break;
    case 3:
        rows(s, out);
        rows(s, out);
        break;
    case 4: simple(out, 'C', draw(s, 2) == 0 ? "UPDATE 5" : "nonsense"); break;
    default: rows(s, out); break;
    }
}

/* --- a session -------------------------------------------------------------------------------- */

/* What a setting has: as the start-up packet wants it, or as it is by itself. */
static void add_setting(struct server *s, const char *name, struct fx_buf *body)
{
    char key[96];
    FX_AUTO(fx_buf) struct fx_buf value = FX_BUF(1024);
    snprintf(key, sizeof key, "-c %s=", name);
    const char *at = strstr(s->options, key);
    const char *plain = strcmp(name, "session_replication_role") == 0 ? "origin"
                        : strcmp(name, "client_encoding") == 0        ? "UTF8"
                        : strcmp(name, "restrict_nonsystem_relation_kind") == 0
                            ? "view, foreign-table"
                            : "off";
    if (at == NULL)
        fx_buf_add_c(&value, plain);
    for (at = at != NULL ? at + strlen(key) : ""; *at != '\0' && *at != ' '; at++) {
        at += *at == '\\';
        fx_buf_add_char(&value, *at);
    }
    be32(body, (uint32_t)value.len);
    fx_buf_add(body, fx_buf_str(&value));
}

static void settings(struct server *s, const char *sql, struct fx_buf *out)
{
    FX_AUTO(fx_buf) struct fx_buf cells_of = FX_BUF(1 << 16), body = FX_BUF(1 << 16);
    uint32_t n = 0;
    for (const char *at = strstr(sql, "current_setting('"); at != NULL;
         at = strstr(at, "current_setting('")) {
        char name[80];
        at += strlen("current_setting('");
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at, "'"), at);
        add_setting(s, name, &cells_of);
        n++;
    }
    row_description(out, n);
    be16(&body, n);
    fx_buf_add(&body, fx_buf_str(&cells_of));
    message(out, 'D', &body);
    simple(out, 'C', "SELECT 1");
}

static bool read_all(int fd, char *to, size_t n)
{
    for (size_t got = 0; got < n;) {
        ssize_t r = read(fd, to + got, n - got);
        if (r <= 0)
            return false;
        got += (size_t)r;
    }
    return true;
}

static uint32_t u32(const char *at)
{
    const uint8_t *b = (const uint8_t *)at;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static bool send_out(int fd, const struct fx_buf *out)
{
    for (size_t sent = 0; sent < out->len;) {
        ssize_t n = send(fd, out->ptr + sent, out->len - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        sent += (size_t)n;
    }
    return true;
}

static bool start(struct server *s, int fd)
{
    char head[8], rest[10000];
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 16), body = FX_BUF(1024);
    if (!read_all(fd, head, 8) || u32(head) > sizeof rest || u32(head) < 9 ||
        !read_all(fd, rest, u32(head) - 8))
        return false;
    for (const char *at = rest; *at != '\0'; at += strlen(at) + 1) {
        bool is_options = strcmp(at, "options") == 0;
        at += strlen(at) + 1;
        if (is_options)
            snprintf(s->options, sizeof s->options, "%s", at);
    }
    be32(&body, 0);
    message(&out, 'R', &body);
    static const char *const params[][2] = {{"server_version", "15.9"},
                                            {"client_encoding", "UTF8"},
                                            {"standard_conforming_strings", "on"}};
    for (size_t i = 0; i < FX_ARRAY_LEN(params); i++) {
        fx_buf_clear(&body);
        text(&body, params[i][0]);
        text(&body, params[i][1]);
        message(&out, 'S', &body);
    }
    fx_buf_clear(&body);
    fx_buf_add_char(&body, 'I');
    message(&out, 'Z', &body);
    return send_out(fd, &out);
}

/* One statement: a query, or the messages up to a sync. */
static bool serve_one(struct server *s, int fd)
{
    static char content[1 << 20];
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 26), ready = FX_BUF(8);
    char head[5];
    do {
        if (!read_all(fd, head, 5) || u32(head + 1) > sizeof content - 1 || u32(head + 1) < 4 ||
            !read_all(fd, content, u32(head + 1) - 4) || head[0] == 'X')
            return false;
        content[u32(head + 1) - 4] = '\0';
        if (head[0] == 'P')
            simple(&out, '1', NULL);
        if (head[0] == 'B')
            simple(&out, '2', NULL);
    } while (head[0] != 'Q' && head[0] != 'S');
    if (head[0] == 'Q' && strstr(content, "current_setting('") != NULL && s->is_honest)
        settings(s, content, &out);
    else if (draw(s, 40) == 0)
        return false; /* hangs up */
    else
        answer(s, &out);
    s->is_honest = false;
    fx_buf_add_char(&ready, "IITE"[draw(s, 4)]);
    message(&out, 'Z', &ready);
    return send_out(fd, &out);
}

static void *serve(void *arg)
{
    struct server *s = arg;
    for (int fd; (fd = accept(s->fd, NULL, NULL)) >= 0; close(fd)) {
        s->is_honest = true;
        if (!start(s, fd))
            continue;
        while (serve_one(s, fd))
            ;
    }
    return NULL;
}

/* --- the callers ------------------------------------------------------------------------------ */

static void ask(struct server *s, const struct fx_db_conf *conf)
{
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db = NULL;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    if (!fx_db_open(conf, &db, &err))
        return;
    struct fx_table *table = NULL;
    FX_AUTO(fx_pos) struct fx_pos pos = {0};
    struct fx_own_look look;
    int64_t version, ids[2] = {1, 1};
    bool flag = false;
    struct fx_side_identity identity = {"id", "public.s"};
    struct fx_side_table tables[1] = {{"public", "t", &identity}};
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
    for (uint32_t i = 0; i < 30 && side.db != NULL && !fx_db_is_broken(side.db); i++) {
        fx_err_clear(&err);
        db = side.db;
        switch (draw(s, 14)) {
        case 0: flag = fx_db_table(db, "public", "t", &arena, &table, &err); break;
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
        case 11: flag = fence->check(&side, 100, &f, &flag, &err); break;
        case 12: flag = fx_own_commit(&side, 1, &flag, &err); break;
        default: flag = fx_db_snapshot_begin(db, &err); break;
        }
        if (!flag)
            assert_true(err.message[0] != '\0');
    }
    fx_side_close(&side);
}

static void run_seed(uint64_t seed)
{
    struct server s = {.state = seed * 2654435761u + 1};
    char dir[] = "/tmp/fx_hostile.XXXXXX";
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    assert_non_null(mkdtemp(dir));
    snprintf(s.path, sizeof s.path, "%s/.s.PGSQL.5432", dir);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", s.path);
    s.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s.fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(s.fd, CLIENTS), 0);
    assert_int_equal(pthread_create(&s.thread, NULL, serve, &s), 0);
    struct fx_db_conf conf = {.name = "mono",
                              .engine = FX_PG,
                              .socket_dir = dir,
                              .port = 5432,
                              .user = "u",
                              .dbname = "d",
                              .connect_timeout_ms = 2000};
    ask(&s, &conf);
    shutdown(s.fd, SHUT_RDWR);
    pthread_join(s.thread, NULL);
    close(s.fd);
    unlink(s.path);
    rmdir(dir);
}

static void test_hostile__whatever_a_server_answers_is_an_error_or_a_result(void **state)
{
    (void)state;
    const char *only = getenv("FX_SEED");
    if (only != NULL) {
        run_seed(strtoull(only, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        char text_of[32];
        snprintf(text_of, sizeof text_of, "%llu", (unsigned long long)seed);
        setenv("FX_SEED_NOW", text_of, 1); /* in the core, and below */
        run_seed(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile__whatever_a_server_answers_is_an_error_or_a_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
