/* SPDX-License-Identifier: Apache-2.0 */
/* MariaDB as an owner: its row of the table of engines, and what its fence has of its own. */
#include "lib/ownership/engine.h"
#include "lib/ownership/fence_mysql.h"

extern const char lib_ownership_sql_my_version[];
extern const char lib_ownership_sql_my_guard[];
extern const char lib_ownership_sql_my_schema_2[];
extern const char lib_ownership_sql_my_schema_3[];
extern const char lib_ownership_sql_my_schema_4[];
extern const char lib_ownership_sql_my_trigger[];
extern const char lib_ownership_sql_my_writer_age[];
extern const char lib_ownership_sql_my_check_rights[];
extern const char lib_ownership_sql_my_check_server[];
extern const char lib_ownership_sql_my_check_cascades[];

static const struct fx_fence_my_flavour mariadb = {
    .timeout_number = 1969, /* max_statement_time */
    .idle_limit = "set session idle_transaction_timeout = 1",
    .no_idle_limit = "set session idle_transaction_timeout = 0",
    .trigger = lib_ownership_sql_my_trigger,
    .replace_unchecked = "set statement sql_mode = '', foreign_key_checks = 0, "
                         "check_constraint_checks = 0 for replace into",
    .counter = "select coalesce(auto_increment, 0) from information_schema.tables "
               "where table_schema = ? and table_name = ?",
    .writer_age = lib_ownership_sql_my_writer_age,
    .check_rights = lib_ownership_sql_my_check_rights,
    .check_server = lib_ownership_sql_my_check_server,
    .check_cascades = lib_ownership_sql_my_check_cascades,
};

static const char *const delete_rows[] = {
    "delete from ficus.own where grp = ?",
    "delete from ficus.gate where grp = ?",
    "delete from ficus.marker where grp = ?",
    NULL,
};

static const struct fx_schema_step schema_steps[] = {
    {lib_ownership_sql_my_schema_2,
     "create table ficus.version; positions in ficus.progress, ficus.barrier and ficus.leak may be "
     "longer than 255 characters"},
    {lib_ownership_sql_my_schema_3,
     "create table ficus.controller: which controller holds a context"},
    {lib_ownership_sql_my_schema_4, "create table ficus.dead: rows that are set aside"},
};

const struct fx_own_engine fx_own_mariadb = {
    .engine = FX_MY,
    .version_has = "MariaDB",
    .name = "MariaDB",
    .is_new_side = true,
    .pin = "set session innodb_lock_wait_timeout = 1, lock_wait_timeout = 1, "
           "tx_isolation = 'REPEATABLE-READ'",
    .row = "select state, epoch, coalesce(operator, ''), "
           "coalesce(ceil(timestampdiff(microsecond, utc_timestamp(6), until) / 1000), 0) "
           "from ficus.own where grp = ?",
    .insert = "insert ignore into ficus.own (grp, state, epoch) values (?, ?, ?)",
    .insert_more = "insert ignore into ficus.gate (grp, epoch) "
                   "select grp, epoch from ficus.own where grp = ?",
    .delete_rows = delete_rows,
    .drop_objects = "drop table /* ficus */ if exists ficus.own, ficus.gate, ficus.marker",
    .share_lock = "lock in share mode",
    .no_idle_limit = "set session idle_transaction_timeout = 0",
    .holder = "select id, host, login, run, date_format(since, '%Y-%m-%d %H:%i:%s'), "
              "timestampdiff(second, since, current_timestamp), "
              "timestampdiff(second, seen, current_timestamp), "
              "cast(unix_timestamp(since) * 1000000 as signed) "
              "from ficus.controller where grp = ?",
    .claim = "insert ignore into ficus.controller (grp, id, host, login, run, plan) "
             "values (?, ?, ?, ?, ?, ?)",
    .guard = lib_ownership_sql_my_guard,
    .create_version = lib_ownership_sql_my_version,
    .create_controller = lib_ownership_sql_my_schema_3,
    .create_dead = lib_ownership_sql_my_schema_4,
    .limit_locks = "set session lock_wait_timeout = 1, innodb_lock_wait_timeout = 1",
    .find_locks = "select trx_mysql_thread_id, trx_started, trx_query from "
                  "information_schema.innodb_trx order by trx_started",
    .grant = "grant alter, create, select, insert, update on ficus.* to USER",
    .schema_steps = schema_steps,
    .n_schema_steps = FX_ARRAY_LEN(schema_steps),
    .identity = "select concat(@@hostname, ':', @@port, '/', @@server_id)",
    .fence = &fx_fence_my,
    .flavour = &mariadb,
};
