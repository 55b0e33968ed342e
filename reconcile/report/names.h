/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of a report share: its words, the same in text and JSON, and its bytes. */
#ifndef REC_REPORT_NAMES_H
#define REC_REPORT_NAMES_H

#include "reconcile/reconcile.h"

#define REC_REPORT_FORMAT "ficus-reconcile/" /* and the version */
#define REC_TOOL          "ficus " FICUS_VERSION

enum { REC_REPORT_MAX_BYTES = 32 << 20 };

/* The report as that version has it, without the closing brace. */
void rec_report_body(const struct rec_report *report, int64_t version, struct fx_buf *out);

const char *rec_verdict_name(enum rec_verdict verdict); /* "equal" */
const char *rec_kind_name(enum rec_kind kind);          /* "missing" */
const char *rec_direction_name(enum fx_direction direction);

#endif
