#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The harness keeps its own promises: servers up within seconds, back after SIGKILL, and nothing left
# behind after SIGTERM, not even a grandchild that outlived its parent.
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
start_both mono orders
same "PostgreSQL answers and is ready for logical decoding" logical "$(pg_sql mono postgres 'show wal_level')"
same "MariaDB logs whole rows with metadata" "ROW FULL FULL" \
    "$(my_sql orders mysql "select concat_ws(' ', @@binlog_format, @@binlog_row_image, @@binlog_row_metadata)")"
same "the ficus user exists on MariaDB and nobody anonymous" ficus \
    "$(my_sql orders mysql "select group_concat(user) from user where user not in ('root', 'mariadb.sys')")"
crash_server mono
crash_server orders
restart_pg mono
restart_my orders
same "PostgreSQL is back after SIGKILL" 1 "$(pg_sql mono postgres 'select 1')"
same "MariaDB is back after SIGKILL" 1 "$(my_sql orders mysql 'select 1')"

cat >"$FX_DIR/inner.sh" <<INNER
. "$FX_ROOT/tests/harness/servers.sh"
fx_tmp
start_pg a
fx_spawn parent "\$FX_DIR/log" bash -c 'setsid sleep 1000 & exit 0'
echo "\$FX_DIR" >"$FX_DIR/inner"
while :; do sleep 0.1; done
INNER
bash "$FX_DIR/inner.sh" &
inner=$!
until_ok 10 test -s "$FX_DIR/inner"
dir=$(cat "$FX_DIR/inner")
kill -TERM "$inner"
wait "$inner"
same "a script ended by SIGTERM says so" 143 $?
check "its directory is gone" test ! -e "$dir"
left=$(FX_DIR=$dir fx_marked)
same "none of its processes is left" "" "$left"
fx_done
