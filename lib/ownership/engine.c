/* SPDX-License-Identifier: Apache-2.0 */
/* The table of engines. A flavour stands before the row that takes any version of its engine. */
#include "lib/ownership/engine.h"

#include <string.h>

#include "lib/base/panic.h"

/* One row for each engine, or for each flavour of it; the row is at the end of its own file. */
#define ENGINES(X)       \
    X(fx_own_postgresql) \
    X(fx_own_mariadb)

#define X(row) extern const struct fx_own_engine row;
ENGINES(X)
#undef X
#define X(row) &row,
static const struct fx_own_engine *const engines[] = {ENGINES(X)};
#undef X

static bool is_row_of(const struct fx_own_engine *row, const struct fx_db *db)
{
    return row->engine == fx_db_engine(db) &&
           (row->version_has == NULL || strstr(fx_db_version(db), row->version_has) != NULL);
}

const struct fx_own_engine *fx_own_engine_of(const struct fx_db *db)
{
    for (size_t i = 0; i < FX_ARRAY_LEN(engines); i++)
        if (is_row_of(engines[i], db))
            return engines[i];
    return NULL;
}

static bool may_be(const struct fx_own_engine *row, bool is_new_side)
{
    return is_new_side ? row->is_new_side : row->is_old_side;
}

bool fx_own_engine_may_be(enum fx_engine engine, bool is_new_side)
{
    for (size_t i = 0; i < FX_ARRAY_LEN(engines); i++)
        if (engines[i]->engine == engine && may_be(engines[i], is_new_side))
            return true;
    return false;
}

const char *fx_own_engine_name(enum fx_engine engine)
{
    for (size_t i = 0; i < FX_ARRAY_LEN(engines); i++)
        if (engines[i]->engine == engine)
            return engines[i]->name;
    return "an engine without a fence";
}

void fx_own_engine_names(bool is_new_side, struct fx_buf *out)
{
    const char *separator = "";
    for (size_t i = 0; i < FX_ARRAY_LEN(engines); i++) {
        if (!may_be(engines[i], is_new_side))
            continue;
        fx_buf_printf(out, "%s%s", separator, engines[i]->name);
        separator = ", ";
    }
}
