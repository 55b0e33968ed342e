/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canonical value: what one column of one row holds, whichever server it came from.
 *
 * Streams, comparisons and mappings work on these and never on a server's text. Each kind has
 * exactly one form for each meaning, so equality is equality of the form (see fx_value_equal for
 * the two exceptions):
 *
 *   NULL       SQL NULL
 *   UNCHANGED  in a change only: a TOASTed column that the update did not touch (never in a
 *              row read)
 *   BOOL INT   int64
 *   DECIMAL    text: optional '-', digits, optional '.' and digits; no exponent, no leading zeros,
 *              no trailing zeros after the point, no "-0" (scale is a matter of the column, not
 *              of the value);
 *              or "NaN", "Infinity", "-Infinity", which only PostgreSQL's numeric can hold
 *   DOUBLE     IEEE 754 binary64; -0 is folded to 0 (MariaDB cannot keep it); NaN and infinities
 *              exist
 *   TEXT       UTF-8, byte for byte     BYTES  byte for byte
 *   DATE       days since 1970-01-01 (proleptic Gregorian)
 *   TIMESTAMP  microseconds since 1970-01-01 00:00:00, no zone     TIMESTAMPTZ  the same, in UTC
 *   UUID       16 bytes
 *   JSON       text as its server gave it; equality is structural with exact numbers
 *              (fx_json_canon)
 *   UNREADABLE in a comparison only: text of a value that its column's type, or the target's, has
 *              no form for
 *
 * Owns: nothing; text and bytes are borrowed from the arena or row that produced the value.
 */
#ifndef FX_VALUE_VALUE_H
#define FX_VALUE_VALUE_H

#include "lib/base/arena.h"
#include "lib/base/buf.h"
#include "lib/err/err.h"

enum fx_vkind {
    FX_V_NULL,
    FX_V_UNCHANGED,
    FX_V_BOOL,
    FX_V_INT,
    FX_V_DECIMAL,
    FX_V_DOUBLE,
    FX_V_TEXT,
    FX_V_BYTES,
    FX_V_DATE,
    FX_V_TIMESTAMP,
    FX_V_TIMESTAMPTZ,
    FX_V_UUID,
    FX_V_JSON,
    FX_V_UNREADABLE,
};

/* Days or microseconds that mean PostgreSQL's 'infinity'
 * and '-infinity' (DATE and both timestamps). */
#define FX_TIME_INFINITY     INT64_MAX
#define FX_TIME_NEG_INFINITY INT64_MIN

/* "UNCHANGED"; "?" for a number that is not a kind. */
const char *fx_vkind_name(enum fx_vkind kind);

struct fx_value {
    enum fx_vkind kind;
    union {
        int64_t i; /* BOOL (0, 1), INT, DATE (days), TIMESTAMP, TIMESTAMPTZ (microseconds) */
        double d;
        struct fx_str s; /* DECIMAL, TEXT, BYTES, JSON, UNREADABLE */
        uint8_t uuid[16];
    };
};

/* The logical type of a column: which kind it yields and what fits. */
struct fx_type {
    enum fx_vkind kind;   /* NULL: a type that Ficus cannot carry (declared says which) */
    int bits;             /* INT: 16, 32, 64 (8 and 24 on MariaDB); 0 otherwise */
    bool is_unsigned;     /* INT on MariaDB */
    int precision;        /* DECIMAL: digits, 0 unlimited; times: fractional digits 0…6 */
    int scale;            /* DECIMAL */
    int64_t length_max;   /* TEXT: characters, BYTES: bytes; 0 unlimited */
    bool is_float;        /* DOUBLE stored as 4 bytes */
    int char_bytes_max;   /* TEXT: UTF-8 bytes of one character, 1 (ascii) or 3 (utf8mb3); 0: any */
    bool is_fixed_char;   /* CHAR(n): trailing spaces are padding; BINARY(n): trailing NULs are */
    const char *declared; /* as the server calls it, for messages: "numeric(12,2)" */
    const char *family;   /* of types that users make: "enum", "domain", "array", "composite",
                           * "range"; NULL: the server's own, or not known */
};

/*
 * Structural equality of two values of one mapped column. NULL equals only NULL; kinds must agree,
 * except that INT and DECIMAL compare as numbers. UNCHANGED and UNREADABLE equal nothing.
 */
bool fx_value_equal(const struct fx_value *a, const struct fx_value *b);
/* Total order for keys (INT, DECIMAL, TEXT and BYTES
 * bytewise, UUID bytewise, times); kinds must agree. */
int fx_value_key_cmp(const struct fx_value *a, const struct fx_value *b);
/* Deep copy into the arena. */
struct fx_value fx_value_copy(const struct fx_value *v, struct fx_arena *arena);
/* For people: 42, 'text', \x00ff, NULL; long values are cut with their length said. Hidden without
 * --show-values (lib/err/redact.h): "[hidden text, 12 characters]". */
void fx_value_show(const struct fx_value *v, struct fx_buf *out);
/* The same, never hidden: only for what goes back into the customer's own databases. */
void fx_value_show_whole(const struct fx_value *v, struct fx_buf *out);

#endif
