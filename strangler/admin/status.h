/* SPDX-License-Identifier: Apache-2.0 */
/* What the facade says about itself: the status document and the gauges. Thread: the loop's. */
#ifndef FCD_ADMIN_STATUS_H
#define FCD_ADMIN_STATUS_H

#include "strangler/admin/admin.h"

void fcd_status_json(struct fcd_admin *admin, struct fx_buf *out);
/* Sets the gauges before the metrics are written. */
void fcd_status_gauges(struct fcd_admin *admin);

#endif
