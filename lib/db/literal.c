/* SPDX-License-Identifier: Apache-2.0 */
/* A canonical value as SQL text: each engine's type map writes its own. */
#include "lib/db/db.h"

#include "lib/value/map_my.h"
#include "lib/value/map_pg.h"

bool fx_db_value_literal(enum fx_engine engine, const struct fx_value *v,
                         const struct fx_type *type, struct fx_buf *out, struct fx_err *err)
{
    switch (engine) {
    case FX_PG: return fx_pg_literal(v, type, out, err);
    case FX_MY: return fx_my_value_literal(v, type, out, err);
    }
    return false;
}
