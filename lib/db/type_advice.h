/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person can do about a column whose type Ficus does not carry, and which type of the new
 * side holds what the old one has. Texts for findings; nothing is decided by them.
 * Thread: any.
 */
#ifndef FX_DB_TYPE_ADVICE_H
#define FX_DB_TYPE_ADVICE_H

#include "lib/db/db.h"
#include "lib/db/table.h"

/* The name under which columns of this type are listed: "enum", "inet", "time"; without lengths. */
const char *fx_type_group(const struct fx_type *type, struct fx_arena *arena);
/* One or two sentences with the statement. Never NULL. */
const char *fx_type_advice(enum fx_engine engine, const struct fx_type *type);
/*
 * The type of `engine` that holds every value of `type`, as it stands in a CREATE TABLE, compared
 * byte by byte: "varchar(40) COLLATE utf8mb4_nopad_bin". `is_key`: it must be indexable. NULL:
 * there is none, or Ficus does not make tables for that engine.
 */
const char *fx_type_counterpart(enum fx_engine engine, const struct fx_type *type, bool is_key,
                                struct fx_arena *arena);

#endif
