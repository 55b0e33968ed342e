/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin API (docs/protocols/admin.md): status, metrics, and the only writer of the durable
 * state. A change is worked out on a copy, saved, and only then becomes what the facade does.
 * Thread: the loop's; a change blocks it for one fsync.
 */
#ifndef FCD_ADMIN_API_H
#define FCD_ADMIN_API_H

#include "strangler/admin/status.h"

struct fcd_api_call {
    const struct fcd_view *view;
    const char *peer;   /* who calls, for the log */
    unsigned method;    /* FCD_M_* */
    struct fx_str path; /* raw */
    struct fx_str body;
    int status;               /* of the answer */
    const char *content_type; /* of the answer */
    const char *allow;        /* with 405: the methods; else NULL */
    struct fx_buf out;        /* body of the answer; the caller frees */
};

void fcd_api_answer(struct fcd_api_call *call);

#endif
