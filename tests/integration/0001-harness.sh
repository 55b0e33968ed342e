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

# The same of the run for a change, which a machine ends when it takes too long.
mkdir -p "$FX_DIR/repo/.ci" "$FX_DIR/repo/lib/mk"
cp "$FX_ROOT/.ci/run" "$FX_DIR/repo/.ci/run"
cat >"$FX_DIR/repo/lib/mk/deps.sh" <<STAGE
#!/bin/bash
setsid sleep 1000 &
echo "\$TMPDIR" >"$FX_DIR/stage"
sleep 1000
STAGE
chmod +x "$FX_DIR/repo/lib/mk/deps.sh"
bash "$FX_DIR/repo/.ci/run" >"$FX_DIR/ci.log" 2>&1 &
ci=$!
until_ok 10 test -s "$FX_DIR/stage"
dir=$(cat "$FX_DIR/stage")
kill -TERM "$ci"
status=0; wait "$ci" || status=$?
same "a run ended by SIGTERM says so" 143 "$status"
check "its directory is gone" test ! -e "$dir"
carrying() { grep -slzx -e "TMPDIR=$1" /proc/[0-9]*/environ; }
same "its stage and whoever the stage left are gone" "" "$(carrying "$dir")"
fx_done
