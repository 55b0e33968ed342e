/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs between servers that speak MySQL's protocol. A flavour is one file with one struct
 * of this kind and one row in flavours.c; nothing else asks which server it is.
 */
#ifndef CDC_MYSQL_FLAVOUR_H
#define CDC_MYSQL_FLAVOUR_H

#include "lib/db/db.h"

struct cdc_my_flavour {
    const char *name;      /* for messages: "MariaDB" */
    const char *probe_sql; /* returns one row exactly on a server of this flavour; fails on none */

    /* GTID form: is the text a position in the log of
     * such a server? "" is one: before everything. */
    bool (*is_position)(struct fx_str text);

    /* Catalog queries; cdc/mysql/sql/ has MariaDB's, with
     * their columns and parameters in the head of each file. */
    const char *check_server_sql;
    const char *check_silent_loss_sql;
    const char *keys_sql; /* names the collation that compares byte by byte, too */
    const char *install_sql;
    const char *applier_sql;   /* rights that an applier must not have */
    bool json_is_checked_text; /* a JSON column is a LONGTEXT with a check */

    /* Settings of the applier's session. */
    const char *prepare_sql;

    /* Limits: bytes that the server takes in one text, and the setting to raise. */
    const char *text_max_sql;
    const char *text_max_setting;
};

/* Asks the server. Errors: UNSUPPORTED when no row of the table fits. */
bool cdc_my_flavour_of(struct fx_db *db, const struct cdc_my_flavour **ret,
                       struct fx_err *err) FX_MUST_CHECK;

#endif
