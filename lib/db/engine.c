/* SPDX-License-Identifier: Apache-2.0 */
/* The table of engines. A new engine is one row here and one driver in db.c. */
#include "lib/db/engine.h"

#include "lib/base/panic.h"

static const struct fx_engine_row rows[] = {
    [FX_PG] = {.title = "PostgreSQL",
               .family = "PostgreSQL",
               .schemes = {"postgresql://", "postgres://"},
               .default_schema = "public",
               .side = FX_SIDE_OLD},
    [FX_MY] = {.title = "MariaDB",
               .family = "MySQL or MariaDB",
               .schemes = {"mysql://", "mariadb://"},
               .side = FX_SIDE_NEW},
};

const struct fx_engine_row *fx_engine_row(enum fx_engine engine)
{
    FX_ASSERT((size_t)engine < FX_ARRAY_LEN(rows));
    return &rows[engine];
}

const struct fx_engine_row *fx_engine_of_side(enum fx_side side)
{
    for (size_t i = 0; i < FX_ARRAY_LEN(rows); i++)
        if (rows[i].side == side)
            return &rows[i];
    FX_BUG("no engine for side %d", (int)side);
}

static bool has_scheme(const struct fx_engine_row *row, struct fx_str url, struct fx_str *ret_rest)
{
    for (size_t i = 0; i < FX_ENGINE_SCHEMES_MAX && row->schemes[i] != NULL; i++) {
        struct fx_str scheme = fx_str_from(row->schemes[i]);
        if (fx_str_starts(url, scheme)) {
            *ret_rest = fx_str_sub(url, scheme.len, url.len - scheme.len);
            return true;
        }
    }
    return false;
}

bool fx_engine_of_url(struct fx_str url, enum fx_engine *ret_engine, struct fx_str *ret_rest)
{
    for (size_t i = 0; i < FX_ARRAY_LEN(rows); i++) {
        if (has_scheme(&rows[i], url, ret_rest)) {
            *ret_engine = (enum fx_engine)i;
            return true;
        }
    }
    return false;
}
