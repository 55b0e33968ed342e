/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an ALTER TABLE of MariaDB or MySQL does to the rows of its table, as far as that can be
 * known from the statement and from what the columns were before it.
 *
 * Strict: only what is on a list here counts as harmless, and one part that is not makes the whole
 * statement FX_MY_ALTER_OTHER. On the list are indexes, comments, defaults, storage options, ORDER
 * BY, partitions that come empty or are cut anew (ADD, REORGANIZE, REBUILD, OPTIMIZE, ANALYZE), and
 * MODIFY, CHANGE (without a new name) and CONVERT TO CHARACTER SET that keep every value a column
 * can hold: the same type or a wider one of its family, text in utf8mb4. Not on it, among others:
 * IGNORE (drops rows), EXCHANGE PARTITION (moves rows without a row event), columns that come, go
 * or change places, NOT NULL, generated columns, checks and foreign keys. DROP and TRUNCATE
 * PARTITION, which only take rows away, have a value of their own.
 *
 * The catalog alone could not say it: it shows the table after all DDL up to now, and a column
 * that was made narrower and wide again looks as if nothing had happened.
 * Thread: any.
 */
#ifndef FX_MY_ALTER_H
#define FX_MY_ALTER_H

#include "lib/db/table.h"
#include "lib/my/statement.h"

enum fx_my_alter {                        /* the later, the more */
                   FX_MY_ALTER_NO_EFFECT, /* neither rows nor columns */
                   FX_MY_ALTER_WIDENS,    /* columns take more than before, rows are as they were */
                   /* Partitions go, or what is in them, and nothing else happens. */
                   FX_MY_ALTER_DROPS_PARTITIONS,
                   FX_MY_ALTER_OTHER, /* anything else, and what is not known */
};

/* The table before the statement. */
struct fx_my_alter_before {
    const char *schema, *name;
    struct fx_table *columns; /* NULL: not known; after WIDENS the types' texts are the new ones */
    bool is_utf8mb4;          /* what a text column without a character set of its own gets */
    struct fx_arena *arena;   /* for those texts */
};

/* Of a statement of any kind; NO_EFFECT may make is_utf8mb4 false (another default). */
enum fx_my_alter fx_my_alter_effect(const struct fx_my_sql *sql, struct fx_my_alter_before *before);

#endif
