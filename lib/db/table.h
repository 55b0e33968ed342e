/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog's view of a table, the same for every engine: columns in order, primary key, and what
 * migrations must know about (identity columns, generated columns, partitions' leaves).
 */
#ifndef FX_DB_TABLE_H
#define FX_DB_TABLE_H

#include "lib/value/value.h"

struct fx_column {
    const char *name;
    struct fx_type type;
    bool is_nullable;
    bool is_generated;    /* computed by the server: never written */
    bool is_identity;     /* filled from a sequence or auto-increment counter */
    const char *sequence; /* PostgreSQL: "schema.name" of the owned sequence, else NULL */
    int key_index;        /* 0-based position in the primary key, -1: not in it */
};

struct fx_table {
    const char *schema; /* PostgreSQL schema, MariaDB database */
    const char *name;
    struct fx_column *columns;
    size_t n_columns;
    int *key; /* column indexes of the primary key, in key order */
    size_t n_key;
    char replica_identity; /* PostgreSQL: 'd','n','f','i'; MariaDB: 'f' */
    const char **leaves; /* PostgreSQL: "schema.name" quoted, of leaf partitions; NULL-terminated */
    const char *fingerprint; /* 32 hex digits over everything above that matters for mapping */
};

/* -1 when there is none. */
int fx_table_column(const struct fx_table *table, const char *name);
/* For drivers: fills in `fingerprint` when everything else is there. */
void fx_table_fingerprint(struct fx_table *table, struct fx_arena *arena);

#endif
