/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the readers of the sections share: facade.c calls upstreams.c and contexts.c, and all of
 * them use read.c. Thread: one.
 */
#ifndef FCD_CONF_READ_H
#define FCD_CONF_READ_H

#include "strangler/conf/config.h"

struct fcd_reader {
    struct fx_arena *arena;
    struct fx_problems *problems;
    struct fcd_config *conf;
    bool is_check;            /* another program asks: secrets are not read, names not resolved */
    struct fx_err secret_err; /* code NONE: none */
};

void fcd_read_section(struct fcd_reader *r, const struct fx_node *node, const struct fx_rule *rules,
                      void *object);
/* Children of a list or map, or NULL with a problem when `node` is something else. */
struct fx_node *fcd_read_children(struct fcd_reader *r, struct fx_node *node,
                                  enum fx_node_kind kind);
bool fcd_read_is_text(struct fcd_reader *r, const struct fx_node *node);
bool fcd_read_is_name(const char *text);
/* A problem at `at` when `text` is no address. */
void fcd_read_address(struct fcd_reader *r, const struct fx_node *at, const char *text,
                      struct fx_addr *ret_addr);

/* upstreams.c */
void fcd_read_upstreams(struct fcd_reader *r, struct fx_node *map);
/* The index of an upstream that has been read, or SIZE_MAX with a problem at `at`. */
size_t fcd_read_upstream_name(struct fcd_reader *r, const struct fx_node *at, const char *name);
void fcd_upstreams_table(struct fx_buf *out);

/* contexts.c. Upstreams have been read. */
void fcd_read_contexts(struct fcd_reader *r, struct fx_node *map);
void fcd_contexts_table(struct fx_buf *out);

#endif
