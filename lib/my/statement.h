/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a statement in the binary log is about, as far as a reader of row events must know: does it end a
 * transaction, does it change the shape of a table, is it a change that should have been rows.
 *
 * Not a parser: it looks at words and names. Where it cannot be sure it says the more careful thing.
 * Thread: any.
 */
#ifndef FX_MY_STATEMENT_H
#define FX_MY_STATEMENT_H

#include "lib/base/str.h"

enum fx_my_statement {
    FX_MY_STMT_HARMLESS, /* grants, views, indexes, temporary tables, BEGIN, SAVEPOINT, ANALYZE, … */
    FX_MY_STMT_COMMIT,
    FX_MY_STMT_ROLLBACK,
    FX_MY_STMT_ROLLBACK_TO, /* a savepoint: part of the transaction is taken back */
    FX_MY_STMT_XA,          /* a step of a two-phase transaction */
    FX_MY_STMT_CHANGE,      /* INSERT, UPDATE, DELETE, REPLACE, LOAD: rows in statement format */
    FX_MY_STMT_TRUNCATE,
    FX_MY_STMT_SHAPE, /* ALTER, DROP or RENAME TABLE, CREATE OR REPLACE TABLE, CREATE TRIGGER */
    FX_MY_STMT_DROP_DATABASE,
};

enum fx_my_statement fx_my_statement_kind(struct fx_str sql);
/* Does it carry our tag, a comment that says "ficus"? */
bool fx_my_statement_is_ours(struct fx_str sql);
/*
 * Does it name that table, alone (then `session_schema` must be `schema`) or with its schema in front?
 * DROP DATABASE names all tables of it.
 */
bool fx_my_statement_names(struct fx_str sql, struct fx_str session_schema, struct fx_str schema,
                           struct fx_str table);

#endif
