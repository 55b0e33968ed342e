/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MariaDB's column types and value forms <-> the canonical ones of lib/value/value.h.
 *
 *   tinyint(1)            BOOL      a stored 2 is an error when read, never "true"
 *   tinyint … bigint      INT       bits 8 … 64; year is an unsigned INT of 16 bits; a bigint
 *                                   unsigned above 2^63-1 is a DECIMAL value (value.h compares
 *                                   them as numbers)
 *   decimal(p,s)          DECIMAL
 *   float, double         DOUBLE
 *   char, varchar, text   TEXT      also enum and set (labels, comma between those of a set)
 *   json                  JSON      a longtext with the check json_valid(`column`)
 *   binary, varbinary, blob  BYTES  binary(n) is always n bytes long
 *   date, datetime, timestamp  DATE, TIMESTAMP, TIMESTAMPTZ (of a session in UTC)
 *   uuid                  UUID
 *
 * A type that is not in this list (time, bit, inet4, inet6, geometry) gets kind FX_V_NULL and its
 * declared name, so that fx_map_bind can refuse the column by name. Thread: any.
 */
#ifndef FX_VALUE_MAP_MY_H
#define FX_VALUE_MAP_MY_H

#include "lib/value/value.h"

/* A column as information_schema.columns describes it. Texts are borrowed for the life of the
 * type. */
struct fx_my_column {
    const char *data_type;   /* "varchar" */
    const char *column_type; /* "varchar(64)", "int(10) unsigned" */
    int64_t char_length_max; /* characters of char and varchar, bytes of others; -1: none */
    int precision, scale;    /* decimal */
    int fraction_digits;     /* of datetime and timestamp */
    const char *charset;     /* "" for what is not text */
    bool is_json;            /* has the check json_valid(`column`) */
};

void fx_my_type(const struct fx_my_column *column, struct fx_type *ret_type);

/*
 * One cell of a text-protocol result -> value; ptr NULL is NULL. FLOAT must have been widened with
 * cast(… as double) by the query. TEXT, BYTES and JSON borrow the cell, DECIMAL goes to the arena.
 * Errors: SOURCE_DATA (zero dates, tinyint(1) beyond 0 and 1).
 */
bool fx_my_value(const struct fx_type *type, struct fx_str cell, struct fx_arena *arena,
                 struct fx_value *ret, struct fx_err *err) FX_MUST_CHECK;

/*
 * Appends a literal that stores exactly `v` in a column of `type`, for sessions as lib/db/db.h pins
 * them.
 * Errors: SOURCE_DATA when the server would refuse, round, cut or pad the value.
 */
bool fx_my_value_literal(const struct fx_value *v, const struct fx_type *type, struct fx_buf *out,
                         struct fx_err *err) FX_MUST_CHECK;

/* MariaDB's uuid type refuses some combinations of version and variant bits that PostgreSQL
 * takes. */
bool fx_my_holds_uuid(const uint8_t uuid[16]);

/* Appends 'text', quotes doubled: correct under NO_BACKSLASH_ESCAPES only. */
void fx_my_quote(struct fx_str text, struct fx_buf *out);

#endif
