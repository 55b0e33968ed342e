/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL's types and their text <-> logical types and canonical values. Knows no libpq: the
 * text is the same in a result cell and in a pgoutput tuple, because both sessions are pinned to
 * the same output settings (ISO dates, UTC, hex bytea, extra_float_digits >= 1, UTF-8).
 *
 * The logical types (lib/value/value.h) are what both engines share; a type that is not in the
 * table here gets kind FX_V_NULL and its declared name, so that fx_map_bind can refuse the
 * column by name.
 * Thread: any.
 */
#ifndef FX_VALUE_MAP_PG_H
#define FX_VALUE_MAP_PG_H

#include "lib/value/value.h"

/*
 * `declared` (format_type) is borrowed: it must live as long as the type. NULL: a name is made for
 * built-in types ("numeric(12,2)") and lives in the arena.
 */
void fx_pg_type(uint32_t typoid, int32_t typmod, const char *declared, struct fx_arena *arena,
                struct fx_type *ret_type);

/*
 * Text of a cell -> canonical value; text.ptr NULL is SQL NULL. Text and JSON values borrow `text`,
 * others are in the arena. Errors: SOURCE_DATA when the text does not read as that type.
 */
bool fx_pg_value(const struct fx_type *type, struct fx_str text, struct fx_arena *arena,
                 struct fx_value *ret, struct fx_err *err) FX_MUST_CHECK;

/* Value -> text as PostgreSQL reads it for a parameter
 * of that type (no quotes); not for NULL, UNCHANGED. */
bool fx_pg_text(const struct fx_value *v, const struct fx_type *type, struct fx_buf *out,
                struct fx_err *err) FX_MUST_CHECK;
/* Value -> literal in SQL: quoted text without a
 * cast, so the column decides the type; NULL as NULL. */
bool fx_pg_literal(const struct fx_value *v, const struct fx_type *type, struct fx_buf *out,
                   struct fx_err *err) FX_MUST_CHECK;

#endif
