/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `?` of a statement, found as the engine's own scanner would: not inside string literals,
 * quoted identifiers, comments or PostgreSQL's dollar quotes. `??` is the operator ? of PostgreSQL.
 *
 *     struct fx_params_scan scan = fx_params_scan(FX_PG, sql);
 *     struct fx_str text;
 *     while (fx_params_next(&scan, &text)) { add text; a parameter follows it }
 *     add text; the rest
 *
 * Not for: checking SQL. A literal without an end swallows the rest, and the server will say so.
 * Thread: any.
 */
#ifndef FX_DB_PARAMS_H
#define FX_DB_PARAMS_H

#include "lib/db/db.h"

struct fx_params_scan {
    enum fx_engine engine;
    struct fx_str rest;
};

struct fx_params_scan fx_params_scan(enum fx_engine engine, const char *sql);
/*
 * *ret_text: the statement's text up to the next piece border. true: a parameter follows; false: it
 * was the last piece. A `??` ends a piece too: *ret_text ends in one `?` and FX_PARAMS_TEXT is
 * returned.
 */
enum fx_params_piece { FX_PARAMS_END, FX_PARAMS_TEXT, FX_PARAMS_PARAM };
enum fx_params_piece fx_params_next(struct fx_params_scan *scan, struct fx_str *ret_text);

/* How many parameters a statement has. */
size_t fx_params_count(enum fx_engine engine, const char *sql);
/* Writes the statement with $1, $2, … (PostgreSQL). */
void fx_params_number(const char *sql, struct fx_buf *out);

#endif
