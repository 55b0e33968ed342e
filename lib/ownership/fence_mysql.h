/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fence that the servers of MySQL's family share, and what one flavour of them has of its own.
 * A flavour is a file with these fields and a row (mariadb.c), and the row's name in engine.c.
 */
#ifndef FX_OWNERSHIP_FENCE_MYSQL_H
#define FX_OWNERSHIP_FENCE_MYSQL_H

#include "lib/ownership/fence.h"

struct fx_fence_my_flavour {
    int timeout_number; /* the error of a statement over the session's time limit */
    /* Statements: the server ends a transaction that is left idle for a second; it does not. */
    const char *idle_limit, *no_idle_limit;
    const char *trigger; /* template: sql/my_trigger.sql says which names it has */
    /* "… replace into", for a row of which only the id is given and which will be rolled back */
    const char *replace_unchecked;
    const char *counter;    /* (database, table): the next value of its counter, 0: it has none */
    const char *writer_age; /* whole seconds since the oldest open writer began, 0: there is none */
    /* Findings: (database or NULL, database, table); (microseconds); (database, table). */
    const char *check_rights, *check_server, *check_cascades;
};

extern const struct fx_fence_ops fx_fence_my;

#endif
