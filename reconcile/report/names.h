/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a report, the same in text and JSON. */
#ifndef REC_REPORT_NAMES_H
#define REC_REPORT_NAMES_H

#include "reconcile/reconcile.h"

#define REC_REPORT_FORMAT "ficus-reconcile/" /* and the version */

const char *rec_verdict_name(enum rec_verdict verdict); /* "equal" */
const char *rec_kind_name(enum rec_kind kind);          /* "missing" */
const char *rec_direction_name(enum fx_direction direction);

#endif
