/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mappings between the tables of the old and the new side, and the small language of column
 * expressions (lib/map/expr.h). One compiled form serves the applier and the comparison, so they
 * cannot disagree.
 */
#ifndef FX_MAP_MAP_H
#define FX_MAP_MAP_H

#include "lib/conf/doc.h"
#include "lib/db/db.h"
#include "lib/fmt/findings.h"
#include "lib/map/root.h"

struct fx_expr;       /* lib/map/expr.h */
struct fx_controller; /* lib/ownership/controller.h */

/* One column pair. Without expressions the value goes over as it is. */
struct fx_map_column {
    const char *old_name, *new_name;
    struct fx_expr *forward;    /* over old columns -> new column, or NULL */
    struct fx_expr *back;       /* over new columns -> old column, or NULL */
    const struct fx_node *node; /* for messages, NULL: by name */
};

/* Key of a table in ficus.yaml that may change while a stream runs: it says nothing of its rows. */
#define FX_MAP_DROPPED_KEY "dropped_partitions"

struct fx_map_table {
    const char *old_schema, *old_name;
    const char *new_schema, *new_name;
    struct fx_map_column *renames; /* as written in ficus.yaml; others map by equal name */
    size_t n_renames;
    bool keeps_dropped; /* rows of a partition that goes on one side stay on the other */
    const struct fx_node *node;
    /* Filled by fx_map_bind from both catalogs: */
    struct fx_table *old_table, *new_table;
    struct fx_map_column *columns; /* all column pairs, primary key included */
    size_t n_columns;
    int *old_index, *new_index; /* of each pair, into old_table/new_table columns */
    const char *digest;         /* 32 hex digits over the mapping as bound */
    bool is_bound; /* nothing was found wrong. Else the tables are NULL where there is none, and
                    * `columns` has only what has a counterpart */
};

/* A bounded context of ficus.yaml: what moves together. `name` is the group of ownership. */
struct fx_context {
    const char *name;
    const struct fx_db_conf *old_db, *new_db;
    const char *old_upstream, *new_upstream;
    struct fx_map_table *tables;
    size_t n_tables;
    const struct fx_node *node; /* the facade reads routes, sticky, shadow from it */
    const char *digest;
    const struct fx_controller *controller; /* who changes it; NULL: the caller only reads */
};

/* The project file, as far as databases and contexts
 * go. Secrets are read when a database is opened. */
struct fx_project {
    struct fx_root root;
    const char *path, *state_dir; /* as in root */
    struct fx_db_conf *databases;
    size_t n_databases;
    struct fx_context *contexts;
    size_t n_contexts;
};
bool fx_project_load(const char *path, struct fx_arena *arena, struct fx_project **ret_project,
                     struct fx_err *err) FX_MUST_CHECK;
/* The same for a caller that reads further sections: problems are only collected, and *ret_project
 * is valid only if there are none. Fails when the file cannot be read at all. */
bool fx_project_read(const char *path, struct fx_arena *arena, struct fx_problems *problems,
                     struct fx_project **ret_project, struct fx_err *err) FX_MUST_CHECK;
struct fx_context *fx_project_context(struct fx_project *project, const char *name); /* or NULL */
void fx_project_markdown(struct fx_buf *out); /* the keys read here, for docs/reference */

/*
 * Binds mappings to the catalogs of two open sessions. Errors (all of them in one): a table or
 * column that is missing, a key that differs, types that cannot hold each other (MAPPING, with both
 * declared types), an expression without `back`, an expression whose round trip loses (named, with
 * an example).
 */
bool fx_map_bind(struct fx_context *ctx, struct fx_db *old_db, struct fx_db *new_db,
                 struct fx_arena *arena, struct fx_err *err) FX_MUST_CHECK;

/* The same as findings, for whoever lists all of them: every table is looked at, whatever is wrong
 * with others. Fails only when a database did not answer. */
bool fx_map_find(struct fx_context *ctx, struct fx_db *old_db, struct fx_db *new_db,
                 struct fx_arena *arena, struct fx_findings *f, struct fx_err *err) FX_MUST_CHECK;

enum fx_direction { FX_FORWARD, FX_REVERSE }; /* old -> new, new -> old */

/*
 * Maps one row. `in` holds a value for each column of the source-side table (catalog order), `out`
 * gets one for each pair of map->columns, canonical for the target column's type. UNCHANGED and
 * UNREADABLE stay so, under an expression, too. Errors: SOURCE_DATA naming table, column and value.
 */
bool fx_map_row(const struct fx_map_table *map, enum fx_direction dir, const struct fx_value *in,
                struct fx_value *out, struct fx_arena *arena, struct fx_err *err) FX_MUST_CHECK;

/* One pair of it: `in` is the source's value of that
 * pair. Errors: as fx_map_row, without the column's name. */
bool fx_map_pair(const struct fx_map_table *map, size_t pair, enum fx_direction dir,
                 const struct fx_value *in, struct fx_value *out, struct fx_arena *arena,
                 struct fx_err *err) FX_MUST_CHECK;

/*
 * Can a column of `to` hold every value of `v`'s kind exactly as it is? Checks this one value;
 * fills in the canonical form for `to` (1 -> true for BOOL …). Errors: SOURCE_DATA, the reason as
 * message.
 */
bool fx_value_check(const struct fx_value *v, const struct fx_type *to, struct fx_arena *arena,
                    struct fx_value *ret, struct fx_err *err) FX_MUST_CHECK;

#endif
