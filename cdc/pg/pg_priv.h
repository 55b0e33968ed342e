/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of cdc/pg share: the members of
 * cdc_engine_pg (engine.c). What each does says cdc/engine.h.
 */
#ifndef CDC_PG_PG_PRIV_H
#define CDC_PG_PG_PRIV_H

#include "cdc/engine.h"

bool cdc_pg_check_server(const struct cdc_side *side, struct fx_findings *f, struct fx_err *err);
bool cdc_pg_check_rights(const struct cdc_side *side, struct fx_findings *f, bool *ret_sees_rows,
                         struct fx_err *err);
bool cdc_pg_check_applier(const struct cdc_side *side, struct fx_findings *f, struct fx_err *err);
/* May the session, as who applies, keep triggers and foreign keys from firing? */
bool cdc_pg_check_replica(const struct cdc_side *side, struct fx_findings *f, struct fx_err *err);
bool cdc_pg_grant(const struct cdc_side *side, struct fx_db *applier, struct fx_err *err);
bool cdc_pg_warn(const struct cdc_side *side, struct fx_findings *f, struct fx_err *err);
bool cdc_pg_check_silent_loss(const struct cdc_side *side, struct fx_findings *f,
                              struct fx_err *err);
void cdc_pg_check_table(const struct fx_table *table, struct fx_findings *f);
bool cdc_pg_read_keys(const struct cdc_side *side, const char *schema, const char *table,
                      struct fx_rows *ret_rows, struct fx_err *err);
bool cdc_pg_install(const struct cdc_side *side, struct fx_err *err);
bool cdc_pg_uninstall(const struct cdc_side *side, struct fx_err *err);

bool cdc_pg_look_log(struct fx_db *db, const char *slot, const struct fx_pos *at,
                     struct cdc_log_look *ret, struct fx_err *err);
bool cdc_pg_source_open(const struct cdc_binding *binding, const struct fx_pos *from, int wake_fd,
                        struct cdc_source **ret_src, struct fx_err *err);
bool cdc_pg_snapshot_begin(const struct cdc_binding *binding, struct fx_db *reader,
                           struct cdc_snapshot **ret_snapshot, struct fx_err *err);
bool cdc_pg_estimate_rows(struct fx_db *db, const struct fx_table *table, int64_t *ret_rows,
                          struct fx_err *err);
void cdc_pg_update_many_begin(const char *table, const char *const *columns, size_t n_columns,
                              size_t n_key, struct fx_buf *out);
void cdc_pg_update_many_end(const char *table, const char *const *columns, size_t n_columns,
                            size_t n_key, struct fx_buf *out);
bool cdc_pg_prepare(const struct cdc_binding *binding, struct fx_db *db, size_t *ret_text_max,
                    struct fx_err *err);

/*
 * Runs `sql`, which removes what is called `name`, again while the server says that it is in use:
 * the walsender of a process that has just ended holds its slot for a moment.
 */
bool cdc_pg_remove(struct fx_db *db, const char *sql, const char *name,
                   struct fx_err *err) FX_MUST_CHECK;
/* Two arrays of text as parameters: the schemas and the names of the side's tables. */
void cdc_pg_table_arrays(const struct cdc_side *side, struct fx_arena *arena, fx_cell ret[2]);

#endif
