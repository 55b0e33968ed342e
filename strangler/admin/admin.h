/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service of the admin listener: each call is collected whole, answered by admin/api and sent.
 *
 *     HEAD -> COLLECT --body complete--> REPLY --sent--> OVER
 *      |         +------- refused ---------^
 *      +--> SLOW --------------------------+   (guard.h: many were refused lately)
 *
 * Admin connections are not counted against customers: the operator must get in. Thread: the
 * loop's.
 */
#ifndef FCD_ADMIN_ADMIN_H
#define FCD_ADMIN_ADMIN_H

#include "strangler/admin/guard.h"
#include "strangler/admin/status.h"

struct fcd_admin {
    struct fcd_service service;
    struct fcd_guard guard;
    struct fcd_view view;
};

void fcd_admin_init(struct fcd_admin *admin, const struct fcd_view *view);

#endif
