/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a statement in the binary log is about, as far as a reader of row events must know: does it
 * end a transaction, does it change the schema of a table, is it a change that should have been
 * rows.
 *
 * Not a parser: it looks at words and names. Where it cannot be sure it says the more careful
 * thing. What comes before the verb (SET STATEMENT … FOR, comments) is passed over, executable
 * comments are code.
 * Thread: any.
 */
#ifndef FX_MY_STATEMENT_H
#define FX_MY_STATEMENT_H

#include "lib/base/str.h"

enum fx_my_statement {
    /* grants, views, indexes, temporary tables, BEGIN, SAVEPOINT, ANALYZE, … */
    FX_MY_STMT_HARMLESS,
    FX_MY_STMT_COMMIT,
    FX_MY_STMT_ROLLBACK,
    FX_MY_STMT_ROLLBACK_TO, /* a savepoint: part of the transaction is taken back */
    FX_MY_STMT_XA,          /* a step of a two-phase transaction */
    /* INSERT, UPDATE, DELETE, REPLACE, LOAD, or SELECT of a function: rows in statement format */
    FX_MY_STMT_CHANGE,
    FX_MY_STMT_TRUNCATE,
    FX_MY_STMT_SHAPE, /* ALTER, DROP or RENAME TABLE, CREATE OR REPLACE TABLE, CREATE TRIGGER */
    FX_MY_STMT_DROP_DATABASE,
};

/* The bits of sql_mode that decide what quotes and backslashes mean. */
enum { FX_MY_MODE_ANSI_QUOTES = 1 << 2, FX_MY_MODE_NO_BACKSLASH_ESCAPES = 1 << 20 };

/* The log keeps a statement in the character set of the client that sent it. */
enum fx_my_charset {
    FX_MY_CHARSET_UTF8,
    FX_MY_CHARSET_OTHER, /* bytes from 0x80 on are other characters than in UTF-8, or unknown */
    FX_MY_CHARSET_WIDE,  /* also, an ASCII byte may be the second half of a character */
};

/* A statement and the session that it was written in. */
struct fx_my_sql {
    struct fx_str text;
    struct fx_str schema; /* the session's default database */
    uint64_t mode;        /* its sql_mode */
    enum fx_my_charset charset;
};

/* `number`: of a collation of it, as in the log; 0: the log does not say. */
enum fx_my_charset fx_my_charset_of(uint64_t number);
/* May quotes and words of it be elsewhere than where they seem to be? */
bool fx_my_statement_is_unreadable(const struct fx_my_sql *sql);
/* Is that name in the statement the name `name` (in UTF-8)? In another character set than UTF-8
 * any characters beyond ASCII may be any others. */
bool fx_my_is_named(const struct fx_my_sql *sql, struct fx_str in_statement, struct fx_str name);

enum fx_my_statement fx_my_statement_kind(const struct fx_my_sql *sql);
/* Does it carry our tag, a comment that says "ficus"? */
bool fx_my_statement_is_ours(const struct fx_my_sql *sql);
/*
 * Does it name that table, alone (then the session's schema must be `schema`) or with its schema in
 * front? DROP DATABASE names all tables of it, and an unreadable statement may name any.
 */
bool fx_my_statement_names(const struct fx_my_sql *sql, struct fx_str schema, struct fx_str table);
/*
 * Is it a TRUNCATE of exactly that table and nothing else? Unlike the others, where it cannot be
 * sure it says no: names must be the same to the byte.
 */
bool fx_my_statement_truncates(const struct fx_my_sql *sql, const char *schema, const char *table);
/* Does it name that schema, or is it the session's: may
 * triggers and functions take it to any table there? */
bool fx_my_statement_reaches(const struct fx_my_sql *sql, struct fx_str schema);

#endif
