/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of cdc/mysql share: the members of
 * cdc_engine_mysql (engine.c). What each does says cdc/engine.h.
 */
#ifndef CDC_MYSQL_MY_PRIV_H
#define CDC_MYSQL_MY_PRIV_H

#include "cdc/engine.h"
#include "cdc/mysql/flavour.h"

bool cdc_my_check_rights(const struct cdc_side *side, struct fx_findings *f, bool *ret_sees_rows,
                         struct fx_err *err);
bool cdc_my_warn(const struct cdc_side *side, struct fx_findings *f, struct fx_err *err);
bool cdc_my_source_open(const struct cdc_binding *binding, const struct fx_pos *from, int wake_fd,
                        struct cdc_source **ret_src, struct fx_err *err);

#endif
