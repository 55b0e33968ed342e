/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stage for stories about the facade: the real ficusd as a child process, scripted upstreams in
 * threads of the test, raw clients. Everything on free ports of 127.0.0.1 and in a directory of its
 * own.
 *
 * The stories stand in test_facade_<subject>.c, each a program of its own that ends with STAGE_RUN.
 * They need the daemon: FX_FICUSD is its path (tests/integration/1002-facade-stories.sh sets it),
 * else they are skipped.
 */
#ifndef TEST_STAGE_H
#define TEST_STAGE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "lib/base/buf.h"

enum { SEEN_MAX = 4096 };

/* What an upstream does with a request. Fields may be changed while it runs. */
struct upstream {
    const char *name; /* is in the default body: {"side":"NAME"} */
    int port, listen_fd;
    pthread_t thread;
    atomic_int status;   /* 0: 200 */
    atomic_int delay_ms; /* before the answer */
    atomic_int idle_ms; /* closes a connection that is idle between requests for so long; 0: 10 s */
    atomic_int hang;    /* reads requests, answers nothing */
    atomic_int drop;    /* closes instead of answering */
    atomic_int big_bytes;       /* answers with a body of that size, chunked */
    atomic_int no_length;       /* answers without length and closes */
    atomic_int cut_short;       /* answers half of a chunked body and closes */
    atomic_int is_full;         /* its accept queue is full: new connections wait (upstream_fill) */
    atomic_int is_deaf;         /* reads no bodies */
    _Atomic(const char *) body; /* JSON body instead of the default */
    _Atomic(const char *) fields;  /* further lines of the answer's head, or NULL */
    atomic_int quiet_ms;           /* in the middle of the answer's body */
    _Atomic(const char *) parting; /* sent before an idle connection is closed, or NULL */
    int fillers[4];                /* connections that fill its accept queue */
    atomic_int requests;           /* seen */
    atomic_int connections;
    atomic_llong body_bytes; /* received, over all requests */
    pthread_mutex_t lock;
    char seen[SEEN_MAX][48];      /* "POST /orders/7", in the order in which they arrived */
    int64_t arrived_ms[SEEN_MAX]; /* of each, by the kernel: threads may have slept since */
    char last_head[16384];
};
void upstream_start(struct upstream *up, const char *name);
void upstream_stop(struct upstream *up);
/* From now on a connection to it waits until upstream_empty, as when its accept queue is full. */
void upstream_fill(struct upstream *up);
void upstream_empty(struct upstream *up);

struct stage {
    char dir[128];
    struct upstream old, new_side;
    int port, admin_port;
    int pid;
    int descriptors; /* the daemon's limit; 0: that of the test */
};
/* `facade_extra`: further lines of the section facade, indented by two. */
void stage_open(struct stage *stage, const char *facade_extra);
void stage_close(struct stage *stage);
void stage_start_facade(struct stage *stage);
int stage_stop_facade(struct stage *stage, int signal); /* exit status, or -signal */
long stage_rss_kb(const struct stage *stage);
long stage_cpu_ms(const struct stage *stage); /* used so far */

/* The status of a program of stories. */
#define STAGE_RUN(tests) \
    (getenv("FX_FICUSD") == NULL ? stage_skip() : cmocka_run_group_tests(tests, NULL, NULL))
int stage_skip(void);

struct reply {
    int status; /* 0: the connection ended without an answer */
    char head[16384];
    struct fx_buf body;
    bool is_kept; /* the connection was not closed by "Connection: close" */
};
int client_open(int port);
void client_send(int fd, const char *text);
void client_reset(int fd); /* closes with a reset */
/* Reads one answer; `method` decides whether it has a body. Frees what *reply held before. */
void client_read(int fd, const char *method, struct reply *reply);
void reply_done(struct reply *reply);
bool reply_is_from(const struct reply *reply, const char *side); /* the body names it */
/* A whole request on a connection of its own; `fields` are header lines, each with CR LF. */
void request(int port, const char *method, const char *target, const char *fields, const char *body,
             struct reply *reply);
/* Same, only the status; asserts nothing. */
int request_status(int port, const char *method, const char *target, const char *body);
#define STAGE_TOKEN "0123456789abcdef0123456789abcdef" /* of the admin API */
/* An admin call with the token; `fields` as of request. */
void admin_reply(struct stage *stage, const char *method, const char *path, const char *fields,
                 const char *body, struct reply *reply);
int admin(struct stage *stage, const char *path, const char *body); /* POST; the status */
/* The number of "key": in the status of the group or route called `name`. */
double status_number(struct stage *stage, const char *name, const char *key);
void wait_number(struct stage *stage, const char *name, const char *key, double want);
int64_t now_ms(void);
/* Who answers "METHOD /orders/1": 'o'ld, 'n'ew or '?'. */
char stage_side(struct stage *stage, const char *method, const char *fields);
/* Calls of a controller; the status. */
int stage_weight(struct stage *stage, double percent); /* of orders-read, epoch 1 */
int stage_give(struct stage *stage, int epoch, const char *owner);
void stage_hold(struct stage *stage, int epoch, int deadline_ms); /* prepare, then hold */

#endif
