/* SPDX-License-Identifier: Apache-2.0 */
/* The table of engines. A new engine is one row here and one driver in db.c. */
#include "lib/db/engine.h"

#include "lib/base/panic.h"

static const struct fx_engine_row rows[] = {
    [FX_PG] = {.title = "PostgreSQL",
               .family = "PostgreSQL",
               .schemes = {"postgresql://", "postgres://"},
               .default_schema = "public",
               .default_port = 5432,
               .side = FX_SIDE_OLD},
    [FX_MY] = {.title = "MariaDB",
               .family = "MySQL or MariaDB",
               .schemes = {"mysql://", "mariadb://"},
               .default_port = 3306,
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

bool fx_engine_pair_check(const struct fx_db_conf *old_db, const struct fx_db_conf *new_db,
                          struct fx_err *err)
{
    const struct fx_engine_row *from = fx_engine_row(old_db->engine);
    const struct fx_engine_row *to = fx_engine_row(new_db->engine);
    if (from->side == FX_SIDE_OLD && to->side == FX_SIDE_NEW)
        return true;
    (void)fx_fail(err, FX_E_UNSUPPORTED,
                  "this release cannot move a context from database \"%s\" (%s) to database "
                  "\"%s\" (%s)",
                  old_db->name, from->family, new_db->name, to->family);
    return fx_hint(err,
                   "It moves contexts from %s to %s and back. In ficus.yaml, set the context's "
                   "old.database to a database on %s and new.database to one on %s.",
                   fx_engine_of_side(FX_SIDE_OLD)->title, fx_engine_of_side(FX_SIDE_NEW)->title,
                   fx_engine_of_side(FX_SIDE_OLD)->title, fx_engine_of_side(FX_SIDE_NEW)->title);
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
