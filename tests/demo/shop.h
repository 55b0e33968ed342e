/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demo's shop: what its monolith (PostgreSQL) and its orders service (MariaDB) have in common.
 *
 *     GET  /orders/{id}             one order with its lines and facts
 *     GET  /orders?customer=N       the newest orders of a customer
 *     POST /orders                  {"customer":N,"ref":"…","note":"…",
 *                                    "lines":[{"product":N,"quantity":N,"price_cents":N}]}
 *     POST /orders/{id}/increment   {"by":N}: a write that is not idempotent, on purpose
 *     GET  /healthz
 *
 * How a write is answered is what the ledger rests on: 2xx after the commit; 503 with Retry-After
 * when it is certain that nothing was written (a fence, a deadlock, no connection); 500 when the
 * outcome is unknown. The client's reference has no unique key: one would hide duplicates.
 */
#ifndef DEMO_SHOP_H
#define DEMO_SHOP_H

#include "lib/db/db.h"
#include "lib/http/serve.h"

struct shop;

/* One side's name and SQL; parameters are said beside each. */
struct shop_side {
    const char *name;
    const char *insert_order; /* customer, ref, cents -> id */
    const char *insert_line;  /* order, product, quantity, cents */
    const char *insert_facts; /* order, message */
    const char *increment;    /* by, order */
    const char *find_order;  /* order -> customer, ref, status, total "12.34", hits, message, due */
    const char *find_lines;  /* order -> product, quantity, price "1.20" */
    const char *find_newest; /* customer -> id, total */
    /* Routes that only this side has; NULL: none. false: not mine. */
    bool (*extra)(const struct fx_serve_request *request, struct fx_serve_reply *reply);
};

/* The whole life of one side: options from argv, serve until SIGTERM or SIGINT, exit status. */
int shop_main(const struct shop_side *side, int argc, char **argv);

#endif
