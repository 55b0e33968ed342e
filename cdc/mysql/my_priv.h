/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of cdc/mysql share: the members of
 * cdc_engine_mysql (engine.c). What each does says cdc/engine.h.
 */
#ifndef CDC_MYSQL_MY_PRIV_H
#define CDC_MYSQL_MY_PRIV_H

#include "cdc/engine.h"
#include "cdc/mysql/flavour.h"
#include "lib/my/grants.h"

bool cdc_my_check_rights(const struct cdc_side *side, struct fx_findings *f, bool *ret_sees_rows,
                         struct fx_err *err);
/* Which of `rights` (ends with NULL) the session's user lacks on tables of the context. */
void cdc_my_check_tables(struct fx_findings *f, const struct cdc_side *side,
                         const struct fx_my_grants *grants, const char *const *rights);
bool cdc_my_check_applier(const struct cdc_side *side, struct fx_findings *f, struct fx_err *err);
bool cdc_my_grant(const struct cdc_side *side, struct fx_db *applier, struct fx_err *err);
bool cdc_my_warn(const struct cdc_side *side, struct fx_findings *f, struct fx_err *err);
bool cdc_my_look_log(struct fx_db *db, const char *slot, const struct fx_pos *at,
                     struct cdc_log_look *ret, struct fx_err *err);
bool cdc_my_source_open(const struct cdc_binding *binding, const struct fx_pos *from, int wake_fd,
                        struct cdc_source **ret_src, struct fx_err *err);

#endif
