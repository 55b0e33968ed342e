/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ficus.yaml says about the facade: sections `facade`, `upstreams` and, of each context,
 * `old`, `new`, `routes`, `sticky` and `shadow`. Read once at start, immutable afterwards,
 * everything in one arena.
 *
 * What changes at run time (weights, owners, holds) is not here but in state.h.
 * Errors: CONFIG with every problem of the file, SECRET.
 */
#ifndef FCD_CONFIG_H
#define FCD_CONFIG_H

#include "lib/conf/schema.h"
#include "lib/io/sock.h"
#include "strangler/conf/admin.h"
#include "strangler/route/match.h"
#include "strangler/route/split.h"

struct fx_root;

struct fcd_conf_endpoint {
    const char *url;  /* "http://127.0.0.1:8081" */
    const char *host; /* "127.0.0.1:8081": the Host of health checks */
    struct fx_addr addr;
};
struct fcd_conf_upstream {
    const char *name;
    struct fcd_conf_endpoint *endpoints;
    size_t n_endpoints;
    const char *health_path; /* NULL: no active check */
    int64_t health_ms;       /* between two checks */
};

struct fcd_conf_route {
    const char *id;
    const char *path;
    size_t context;
    unsigned methods;
    int is_write; /* enum index of `kind` */
};

struct fcd_conf_shadow {
    struct fx_node *ignore;
    const char **pointers; /* JSON pointers whose difference does not count */
    size_t n_pointers;
};

struct fcd_conf_context {
    const char *name;
    size_t old_upstream, new_upstream; /* SIZE_MAX: none, the context has no routes */
    struct fcd_key_source *keys;       /* in the order in which they are tried */
    size_t n_keys;
    struct fcd_conf_shadow shadow;
};

struct fcd_conf_limits {
    int64_t connections;
    int64_t upstream_connections; /* for each upstream */
    int64_t head_bytes;
    int64_t body_rate; /* bytes a second that a client must send of a body */
};
struct fcd_conf_timeouts {
    int64_t head_ms;     /* from a request's first byte to the end of its head */
    int64_t idle_ms;     /* between two requests of a connection */
    int64_t connect_ms;  /* to an upstream */
    int64_t response_ms; /* from the request's end to the head of its answer */
    int64_t stall_ms;    /* no byte of a body moved */
    int64_t stream_ms;   /* the same, of a text/event-stream */
    int64_t drain_ms;    /* after SIGTERM; then the remaining connections are closed */
};
struct fcd_conf_hold {
    int64_t requests, bytes;
    int64_t release_per_s;
    int64_t unanswered_ms; /* so long a write that got no answer counts as in flight */
    int64_t body_ms;       /* time for the body of a write in flight when a hold begins */
};
struct fcd_conf_mirror {
    int64_t connections; /* to each side, apart from those of customers */
    int64_t queue;       /* comparisons that wait */
    int64_t bytes;       /* memory of all comparisons */
    int64_t body_bytes;  /* a larger answer is not compared */
    int64_t timeout_ms;
    int64_t exemplars; /* latest differences that the status shows for each route */
    bool shows_values; /* … with what the two answers have there */
};

struct fcd_config {
    struct fx_addr *listen;
    size_t n_listen;
    struct fcd_conf_admin admin;
    const char *state_dir;  /* absolute */
    bool is_state_required; /* without its state the facade knows no owner */
    size_t default_upstream;
    struct fcd_conf_limits limits;
    struct fcd_conf_timeouts timeouts;
    struct fcd_conf_hold hold;
    struct fcd_conf_mirror mirror;
    struct fcd_conf_upstream *upstreams;
    size_t n_upstreams;
    struct fcd_conf_context *contexts;
    size_t n_contexts;
    struct fcd_conf_route *routes; /* in file order, over all contexts */
    size_t n_routes;
    struct fcd_rule *rules; /* sorted */
};

bool fcd_config_load(const char *path, struct fx_arena *arena, struct fcd_config **ret_config,
                     struct fx_err *err) FX_MUST_CHECK;
/* What is wrong in the facade's sections, without secrets and without resolving names. */
void fcd_config_problems(const struct fx_root *root, struct fx_arena *arena,
                         struct fx_problems *problems);
/* The keys of the facade's sections as Markdown. */
void fcd_config_table(struct fx_buf *out);

#endif
