/* SPDX-License-Identifier: Apache-2.0 */
/* The server's part is asked by the engine's row; the holder's is the row of ficus.controller. */
#include "lib/ownership/identity.h"

#include "lib/db/conf.h"
#include "lib/ownership/engine.h"
#include "lib/ownership/holder.h"
#include "lib/ownership/schema.h"

void fx_identity_of_conf(const struct fx_db_conf *conf, struct fx_arena *arena,
                         struct fx_identity *ret)
{
    *ret = (struct fx_identity){
        .name = conf->name, .address = fx_db_conf_address(conf, arena), .server = "", .holder = ""};
}

/* A user who may not ask compares nevertheless; a gate does not believe the report. */
static bool read_server(struct fx_db *db, struct fx_arena *arena, struct fx_identity *ret,
                        struct fx_err *err)
{
    const struct fx_own_engine *engine = fx_own_engine_of(db);
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (engine == NULL)
        return true;
    if (fx_db_select(db, engine->identity, NULL, 0, 1, 1, &rows, err)) {
        ret->server = fx_arena_str(arena, fx_rows_at(&rows, 0, 0)).ptr;
        return true;
    }
    bool is_denied = fx_db_is_denied(err);
    if (is_denied)
        fx_err_clear(err);
    return is_denied;
}

bool fx_identity_read(struct fx_db *db, const char *context, struct fx_arena *arena,
                      struct fx_identity *ret, struct fx_err *err)
{
    struct fx_holder holder = {0};
    fx_identity_of_conf(db->conf, arena, ret);
    if (!fx_schema_guard(db, err) || !read_server(db, arena, ret, err) ||
        !fx_holder_read(db, context, &holder, err))
        return fx_ctx(err, "asking database \"%s\" which one it is", db->conf->name);
    ret->holder = fx_arena_strdup(arena, holder.id);
    ret->held_since_us = holder.since_us;
    return true;
}

bool fx_identity_same_address(const struct fx_identity *was, const struct fx_identity *wanted,
                              struct fx_buf *why)
{
    if (strcmp(was->address, wanted->address) == 0)
        return true;
    fx_buf_printf(why, "the report is about database \"%s\" at %s, expected %s", was->name,
                  was->address, wanted->address);
    return false;
}

bool fx_identity_has_server(const char *context, const struct fx_identity *side, struct fx_buf *why)
{
    if (side->server != NULL && side->server[0] != '\0')
        return true;
    fx_buf_printf(why,
                  "it is not known which server database \"%s\" was on: ficus cdc preflight "
                  "--context %s names the right that its user lacks",
                  side->name, context);
    return false;
}

static bool has_holder(const char *context, const struct fx_identity *side, struct fx_buf *why)
{
    if (side->holder[0] != '\0' && side->held_since_us != 0)
        return true;
    fx_buf_printf(why,
                  "nobody holds context \"%s\" in database \"%s\", so it is not known whether its "
                  "streams are those of the report: ficus upgrade --execute, then ficus run resume",
                  context, side->name);
    return false;
}

static const char *short_id(const struct fx_identity *side)
{
    return side->holder[0] != '\0' ? side->holder : "nobody";
}

static bool same_server(const char *context, const struct fx_identity *was,
                        const struct fx_identity *is, struct fx_buf *why)
{
    if (!fx_identity_has_server(context, was, why) || !fx_identity_has_server(context, is, why))
        return false;
    if (strcmp(was->server, is->server) == 0)
        return true;
    fx_buf_printf(why, "the report is about another server: at %s was server %s, now it is %s",
                  was->address, was->server, is->server);
    return false;
}

bool fx_identity_same(const char *context, const struct fx_identity *was,
                      const struct fx_identity *is, struct fx_buf *why)
{
    if (!fx_identity_same_address(was, is, why) || !same_server(context, was, is, why))
        return false;
    if (strcmp(was->holder, is->holder) != 0) {
        fx_buf_printf(why,
                      "the context was taken over since the report: database \"%s\" was held by "
                      "controller %.8s, now by %.8s",
                      is->name, short_id(was), short_id(is));
        return false;
    }
    if (was->held_since_us == is->held_since_us)
        return has_holder(context, is, why);
    fx_buf_printf(why,
                  "the streams were dropped and made again since the report, says database \"%s\"",
                  is->name);
    return false;
}
