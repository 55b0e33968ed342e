/* SPDX-License-Identifier: Apache-2.0 */
/* The two ends of what a stream answers: struct cdc_status and positions, as JSON. */
#ifndef CDC_STATUS_H
#define CDC_STATUS_H

#include "cdc/cdc.h"
#include "lib/fmt/json_doc.h"

/* The other end of cdc_status_write (cdc.h). What
 * *ret held before is released. Errors: PROTOCOL. */
bool cdc_status_read(struct fx_str json, struct cdc_status *ret, struct fx_err *err) FX_MUST_CHECK;
/* A member that is a position; one that is not there is the empty one. Errors: PROTOCOL. */
bool cdc_pos_read(const struct fx_json *root, const char *key, struct fx_pos *ret,
                  struct fx_err *err) FX_MUST_CHECK;

#endif
