/* SPDX-License-Identifier: Apache-2.0 */
/* See log_end.h. */
#include "cdc/mysql/log_end.h"

enum { BACK_MS = 1000 }; /* a log that reaches less far than what was read, for so long */

/* A domain that the server has forgotten says nothing;
 * one whose numbers are lower than what was read does. */
static bool is_behind(const struct fx_gtid_pos *end, const struct fx_gtid_pos *at)
{
    for (size_t i = 0; i < at->n_domains; i++)
        for (size_t k = 0; k < end->n_domains; k++)
            if (end->domains[k].domain == at->domains[i].domain &&
                end->domains[k].seq < at->domains[i].seq)
                return true;
    return false;
}

/*
 * RESET MASTER leaves us waiting in a file that is deleted, and everything that is written from
 * then on passes by. A number that was set back by hand looks the same until it is read, which does
 * not take long.
 */
static bool check_goes_on(struct cdc_my_log_end *e, const struct fx_db_conf *conf,
                          const struct fx_gtid_pos *read, const struct fx_pos *end,
                          struct fx_err *err)
{
    struct fx_gtid_pos reached;
    struct fx_mono now = fx_mono_now();
    if (!fx_gtid_pos_parse(end, &reached, err))
        return false;
    if (!is_behind(&reached, read)) {
        e->back_since = (struct fx_mono){0};
        return true;
    }
    if (e->back_since.us == 0)
        e->back_since = now;
    if (fx_mono_since_us(e->back_since, now) < BACK_MS * INT64_C(1000))
        return true;
    FX_AUTO(fx_pos) struct fx_pos at = {0};
    fx_gtid_pos_text(read, &at);
    fx_fail(
        err, FX_E_DRIFT,
        "the binary log of database \"%s\" was reset: it ends at %s, the stream had read up to %s",
        conf->name, fx_pos_text(end), fx_pos_text(&at));
    return fx_hint(err, "RESET MASTER was run, or the server was restored from a backup. The "
                        "stream cannot continue: " FX_CMD_NEW_COPY ".");
}

bool cdc_my_log_end_ask(struct cdc_my_log_end *e, const struct fx_db_conf *conf,
                        const struct fx_gtid_pos *read, struct fx_pos *ret_end, struct fx_err *err)
{
    if (e->db != NULL && fx_db_is_broken(e->db)) {
        fx_db_close(e->db);
        e->db = NULL;
    }
    if ((e->db == NULL && !fx_db_open(conf, &e->db, err)) || !fx_db_pos_now(e->db, ret_end, err)) {
        fx_err_as_source(err);
        return fx_ctx(err, "reading the end of the binary log of database \"%s\"", conf->name);
    }
    return check_goes_on(e, conf, read, ret_end, err);
}

void cdc_my_log_end_done(struct cdc_my_log_end *e)
{
    fx_db_close(e->db);
    e->db = NULL;
}
