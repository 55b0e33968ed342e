/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes HTTP/1.1 heads and chunks into a buffer.
 *
 *     fx_h1_write_request_line(&out, method, target);
 *     fx_h1_write_field(&out, FX_STR("Host"), host);
 *     fx_h1_write_end(&out);
 *
 * A field whose name is no token or whose value holds CR, LF or NUL latches out->has_failed: no
 * response
 * splitting through a value from elsewhere. Ask once, at the end.   Thread: one.
 */
#ifndef FX_HTTP_H1_WRITE_H
#define FX_HTTP_H1_WRITE_H

#include "lib/http/head.h"

void fx_h1_write_request_line(struct fx_buf *out, struct fx_str method, struct fx_str target);
void fx_h1_write_status_line(struct fx_buf *out, int status,
                             struct fx_str reason); /* empty: ours */
void fx_h1_write_field(struct fx_buf *out, struct fx_str name, struct fx_str value);
void fx_h1_write_field_u64(struct fx_buf *out, const char *name, uint64_t value);
void fx_h1_write_date(struct fx_buf *out, int64_t unix_seconds); /* Date, IMF-fixdate */
/* All fields except hop-by-hop ones and those in `skip`
 * (FX_NAME_BIT), also when spelled with "_" for "-". */
void fx_h1_write_end_to_end(struct fx_buf *out, const struct fx_head *head, uint64_t skip);
/* The same without the other fields of which is_dropped(name) says so. */
void fx_h1_write_end_to_end_but(struct fx_buf *out, const struct fx_head *head, uint64_t skip,
                                bool (*is_dropped)(struct fx_str name));
void fx_h1_write_end(struct fx_buf *out); /* the empty line */

void fx_h1_write_chunk(struct fx_buf *out, struct fx_str data); /* empty data writes nothing */
void fx_h1_write_last_chunk(struct fx_buf *out);

/* A whole small response with Content-Length, Date and `Connection: close` when asked for. */
void fx_h1_write_response(struct fx_buf *out, int status, const char *content_type,
                          struct fx_str body, bool is_head_only, bool is_closing);

#endif
