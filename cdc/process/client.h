/* SPDX-License-Identifier: Apache-2.0 */
/* What starting a stream shares with talking to one. */
#ifndef CDC_PROCESS_CLIENT_H
#define CDC_PROCESS_CLIENT_H

#include "cdc/cdc.h"

/* The error object that a process has answered, or left, as an error here. Always false. */
bool cdc_fail_answer(struct fx_str body, struct fx_err *err);

#endif
