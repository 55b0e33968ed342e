/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many rows into one MariaDB table as few INSERT statements: the initial copy.
 *
 * Rows are put together until a statement is as long as is useful (about a megabyte, less where the server's
 * max_allowed_packet says so) or holds `rows_max` rows, then sent on the session that was given. Transactions
 * are the caller's: begin before the first row, flush and commit when it suits.
 *
 *     if (!fx_my_bulk_open(db, table, columns, n, 5000, &bulk, err)) …
 *     for each row: if (!fx_my_bulk_add(bulk, row, err)) …
 *     if (!fx_my_bulk_flush(bulk, err)) …
 *     fx_my_bulk_close(bulk);                       rows that were not flushed are dropped
 *
 * LOAD DATA LOCAL INFILE was not taken: it needs a right that servers withhold and turns errors into warnings.
 *
 * Errors: as lib/db/db.h; SOURCE_DATA for a value that the column cannot hold; LIMIT for a row that is
 * longer than max_allowed_packet. Thread: that of the session.
 */
#ifndef FX_MY_BULK_H
#define FX_MY_BULK_H

#include "lib/db/db.h"

struct fx_my_bulk;

/* `columns`: indexes into table->columns, copied. The session and the table outlive the bulk. */
bool fx_my_bulk_open(struct fx_db *db, const struct fx_table *table, const int *columns,
                     size_t n_columns, int64_t rows_max, struct fx_my_bulk **ret_bulk,
                     struct fx_err *err) FX_MUST_CHECK;
/* `row`: n_columns values, canonical for their columns; not kept. */
bool fx_my_bulk_add(struct fx_my_bulk *bulk, const struct fx_value *row,
                    struct fx_err *err) FX_MUST_CHECK;
bool fx_my_bulk_flush(struct fx_my_bulk *bulk, struct fx_err *err) FX_MUST_CHECK;
int64_t fx_my_bulk_sent(const struct fx_my_bulk *bulk); /* rows the server has taken */
void fx_my_bulk_close(struct fx_my_bulk *bulk);         /* NULL is fine */

#endif
