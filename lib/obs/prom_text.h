/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text form in which Prometheus reads metrics (exposition format 0.0.4).
 */
#ifndef FX_OBS_PROM_TEXT_H
#define FX_OBS_PROM_TEXT_H

#include "lib/base/buf.h"
#include "lib/obs/metrics.h"

#define FX_PROM_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
void fx_prom_text(struct fx_metrics *metrics, struct fx_buf *out);

#endif
