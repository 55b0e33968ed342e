/* SPDX-License-Identifier: Apache-2.0 */
/* See type_advice.h: one row a type. A new type that is carried leaves this table. */
#include "lib/db/type_advice.h"

#include <string.h>

#define REWRITES " (PostgreSQL rewrites the table under an exclusive lock)"
#define AS_TEXT  "ALTER TABLE t ALTER COLUMN c TYPE text USING c::text;" REWRITES

static const struct advice {
    enum fx_engine engine;
    const char *group, *text;
} rows[] = {
    {FX_PG, "enum",
     "Make it text and keep the labels with a check: ALTER TABLE t ALTER COLUMN c TYPE text USING "
     "c::text, ADD CHECK (c IN ('…'));" REWRITES ". Labels then sort as texts."},
    {FX_PG, "domain",
     "Give it the domain's base type, and the domain's checks to the table: ALTER TABLE t ALTER "
     "COLUMN c TYPE base_type, ADD CHECK (…);"},
    {FX_PG, "array",
     "Make it jsonb: ALTER TABLE t ALTER COLUMN c TYPE jsonb USING to_jsonb(c);" REWRITES
     "; or move the elements to a table of their own."},
    {FX_PG, "composite",
     "Make it jsonb: ALTER TABLE t ALTER COLUMN c TYPE jsonb USING to_jsonb(c);" REWRITES
     "; or give each part a column of its own."},
    {FX_PG, "range",
     "Give each bound a column of its own: ALTER TABLE t ADD COLUMN c_from …, ADD COLUMN c_to …; "
     "then drop c. Or make it text: " AS_TEXT "."},
    {FX_PG, "inet",
     "Make it text: ALTER TABLE t ALTER COLUMN c TYPE text USING c::text;" REWRITES
     ". Addresses then compare and sort as texts."},
    {FX_PG, "cidr", "Make it text: " AS_TEXT ". Networks then compare and sort as texts."},
    {FX_PG, "time", "Make it text, which sorts as the time does: " AS_TEXT "."},
    {FX_PG, "interval",
     "Make it a number of seconds: ALTER TABLE t ALTER COLUMN c TYPE numeric(20,6) USING "
     "extract(epoch FROM c);" REWRITES ". Months and days then count as 30 days and 24 hours."},
    {FX_PG, "money",
     "Make it numeric: ALTER TABLE t ALTER COLUMN c TYPE numeric(19,2) USING c::numeric;" REWRITES
     "."},
    {FX_PG, "citext",
     "Make it text and keep it unique by an index: ALTER TABLE t ALTER COLUMN c TYPE text; CREATE "
     "UNIQUE INDEX ON t (lower(c)); queries then compare lower(c)."},
    {FX_PG, "hstore",
     "Make it jsonb: ALTER TABLE t ALTER COLUMN c TYPE jsonb USING hstore_to_jsonb(c);" REWRITES
     "."},
    {FX_PG, "tsvector",
     "Let the server compute it, then it needs no counterpart: drop c, and ALTER TABLE t ADD "
     "COLUMN c tsvector GENERATED ALWAYS AS (to_tsvector('simple', …)) STORED;"},
    {FX_PG, NULL, "Make it text: " AS_TEXT "."},
    {FX_MY, "time",
     "Make it varchar(17) where the old side has text: ALTER TABLE t MODIFY c varchar(17) "
     "COLLATE utf8mb4_nopad_bin;"},
    {FX_MY, "bit", "Make it bigint, or tinyint(1) for bit(1): ALTER TABLE t MODIFY c bigint;"},
    {FX_MY, "inet4",
     "Make it varchar(43): ALTER TABLE t MODIFY c varchar(43) COLLATE utf8mb4_nopad_bin;"},
    {FX_MY, "inet6",
     "Make it varchar(43): ALTER TABLE t MODIFY c varchar(43) COLLATE utf8mb4_nopad_bin;"},
    {FX_MY, "double",
     "Without digits in its type it does not round: ALTER TABLE t MODIFY c double;"},
    {FX_MY, "float", "Without digits in its type it does not round: ALTER TABLE t MODIFY c float;"},
    {FX_MY, "character set",
     "Give it a character set whose bytes are UTF-8: ALTER TABLE t MODIFY c … CHARACTER SET "
     "utf8mb4 COLLATE utf8mb4_nopad_bin;"},
    {FX_MY, NULL,
     "Give it the type that the old side's column needs (ficus.yaml(5), `contexts`), for example "
     "longtext or longblob: ALTER TABLE t MODIFY c …;"},
};

/* "time(3) without time zone" -> "time": the first words up to what differs between columns. */
const char *fx_type_group(const struct fx_type *type, struct fx_arena *arena)
{
    if (type->family != NULL)
        return type->family;
    struct fx_str name = fx_str_from(type->declared != NULL ? type->declared : "?");
    if (fx_str_find(name, ' ') >= 0 && strstr(type->declared, "character set") != NULL)
        return "character set";
    struct fx_str rest;
    name = fx_str_cut(fx_str_cut(name, '(', &rest), ' ', &rest);
    return fx_arena_str(arena, name).ptr;
}

const char *fx_type_advice(enum fx_engine engine, const struct fx_type *type)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    const char *group = fx_type_group(type, &arena);
    for (size_t i = 0; i < FX_ARRAY_LEN(rows); i++)
        if (rows[i].engine == engine &&
            (rows[i].group == NULL || strcmp(rows[i].group, group) == 0))
            return rows[i].text;
    return "Give it a type that both sides have.";
}

enum { KEY_CHARS_MAX = 768 }; /* of utf8mb4 in 3072 bytes of an index */

static const char *text_counterpart(const struct fx_type *type, bool is_key, struct fx_arena *arena)
{
    if (type->length_max > 0 && type->length_max <= (is_key ? KEY_CHARS_MAX : 4000))
        return fx_arena_printf(arena, "%s(%lld) COLLATE utf8mb4_nopad_bin",
                               type->is_fixed_char && type->length_max <= 255 ? "char" : "varchar",
                               (long long)type->length_max);
    return is_key ? NULL : "longtext COLLATE utf8mb4_nopad_bin";
}

static const char *decimal_counterpart(const struct fx_type *type, struct fx_arena *arena)
{
    bool is_held = type->precision > 0 && type->precision <= 65 && type->scale >= 0 &&
                   type->scale <= 38 && type->scale <= type->precision;
    return is_held ? fx_arena_printf(arena, "decimal(%d,%d)", type->precision, type->scale) : NULL;
}

const char *fx_type_counterpart(enum fx_engine engine, const struct fx_type *type, bool is_key,
                                struct fx_arena *arena)
{
    if (engine != FX_MY)
        return NULL;
    switch (type->kind) {
    case FX_V_BOOL: return "tinyint(1)";
    case FX_V_INT: return type->bits == 16 ? "smallint" : type->bits == 32 ? "int" : "bigint";
    case FX_V_DECIMAL: return decimal_counterpart(type, arena);
    case FX_V_DOUBLE: return type->is_float ? "float" : "double";
    case FX_V_TEXT: return text_counterpart(type, is_key, arena);
    case FX_V_BYTES: return is_key ? NULL : "longblob";
    case FX_V_DATE: return "date";
    case FX_V_TIMESTAMP: return fx_arena_printf(arena, "datetime(%d)", type->precision);
    case FX_V_TIMESTAMPTZ: return fx_arena_printf(arena, "datetime(%d)", type->precision);
    case FX_V_UUID: return "uuid";
    case FX_V_JSON: return is_key ? NULL : "json";
    case FX_V_NULL:
    case FX_V_UNREADABLE:
    case FX_V_UNCHANGED: break;
    }
    return NULL;
}
