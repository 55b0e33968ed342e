/* SPDX-License-Identifier: Apache-2.0 */
/* The flavour MariaDB, 10.5 and newer. */
#include "cdc/mysql/flavour.h"
#include "lib/db/pos.h"

extern const char cdc_mysql_sql_preflight[];
extern const char cdc_mysql_sql_silent_loss[];
extern const char cdc_mysql_sql_keys[];
extern const char cdc_mysql_sql_install[];
extern const char cdc_mysql_sql_applier[];

/* "0-1-1000,1-1-5": one GTID for each domain. */
static bool is_position(struct fx_str text)
{
    struct fx_gtid gtid;
    while (text.len > 0)
        if (!fx_gtid_next(&text, &gtid))
            return false;
    return true;
}

const struct cdc_my_flavour cdc_my_flavour_mariadb = {
    .name = "MariaDB",
    .probe_sql = "select 1 from information_schema.tables where table_schema = "
                 "'information_schema' and table_name = 'SYSTEM_VARIABLES'",
    .is_position = is_position,
    .check_server_sql = cdc_mysql_sql_preflight,
    .check_silent_loss_sql = cdc_mysql_sql_silent_loss,
    .keys_sql = cdc_mysql_sql_keys,
    .install_sql = cdc_mysql_sql_install,
    .applier_sql = cdc_mysql_sql_applier,
    .json_is_checked_text = true,
    .prepare_sql = "set foreign_key_checks = 0, time_zone = '+00:00', innodb_lock_wait_timeout = "
                   "10, sql_mode = concat(@@sql_mode, ',NO_AUTO_VALUE_ON_ZERO')",
    .text_max_sql = "select @@max_allowed_packet - 1",
    .text_max_setting = "max_allowed_packet",
};
