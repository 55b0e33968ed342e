/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The causes that callers decide by. MySQL's SQLSTATE 42000 stands for a dozen different errors, so
 * there the number decides.
 */
#include "lib/db/db.h"

enum {
    MY_DISK_FULL = 1021,
    MY_ERROR_ON_WRITE = 1026, /* also of a binary log for which there is no room */
    MY_DATABASE_DENIED = 1044,
    MY_NO_DATABASE = 1049,
    MY_TABLE_FULL = 1114,
    MY_TABLE_DENIED = 1142,
    MY_COLUMN_DENIED = 1143,
    MY_NO_TABLE = 1146,
    MY_NEEDS_PRIVILEGE = 1227,
};

static bool has_number(const struct fx_err *err, int number)
{
    return err->cause_kind == FX_CAUSE_MYSQL && err->cause_number == number;
}

bool fx_db_is_no_table(const struct fx_err *err)
{
    return strcmp(err->sqlstate, "42P01") == 0 || strcmp(err->sqlstate, "3F000") == 0 ||
           has_number(err, MY_NO_TABLE) || has_number(err, MY_NO_DATABASE);
}

bool fx_db_is_denied(const struct fx_err *err)
{
    return strcmp(err->sqlstate, "42501") == 0 || has_number(err, MY_DATABASE_DENIED) ||
           has_number(err, MY_TABLE_DENIED) || has_number(err, MY_COLUMN_DENIED) ||
           has_number(err, MY_NEEDS_PRIVILEGE);
}

bool fx_db_is_full(const struct fx_err *err)
{
    return strcmp(err->sqlstate, "53100") == 0 || has_number(err, MY_DISK_FULL) ||
           has_number(err, MY_ERROR_ON_WRITE) || has_number(err, MY_TABLE_FULL);
}
