#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The harness keeps its own promises: servers up within seconds, back after SIGKILL, and nothing left
# behind after SIGTERM, not even a grandchild that outlived its parent. The runner starts scripts side by side and mixes
# neither their output nor their counts.
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

# --- the runner ------------------------------------------------------------------------------------------
# Two scripts that wait for each other, one that counts who else runs, and one that leaves a process and a file behind.
mkdir "$FX_DIR/scripts"
for i in 1 2; do
    cat >"$FX_DIR/scripts/$i.sh" <<SCRIPT
# seconds: $i
. "$FX_ROOT/tests/harness/servers.sh"
touch "$FX_DIR/scripts/runs.$i"
echo "# $i begins"
until_ok 20 test -e "$FX_DIR/scripts/runs.$((3 - i))" && ok "$i meets the other"
sleep "0.$i"
echo "# $i ends"
touch "$FX_DIR/scripts/ended.$i"
fx_done
SCRIPT
done
cat >"$FX_DIR/scripts/3.sh" <<SCRIPT
# alone
[ -e "$FX_DIR/scripts/ended.1" ] && [ -e "$FX_DIR/scripts/ended.2" ] && echo "ok - 3 is alone"
SCRIPT
cat >"$FX_DIR/scripts/4.sh" <<SCRIPT
echo "ok - 4"
touch "\$TMPDIR/forgotten"
sleep 1000 &
echo \$! >"$FX_DIR/scripts/forgotten"
SCRIPT
scripts() { JOBS=2 "$FX_ROOT/tests/integration/run" "${@/#/$FX_DIR/scripts/}"; }
exits 0 "scripts that wait for each other run side by side" scripts 3.sh 1.sh 2.sh
same "what a script prints stays together" "# 1 begins,ok - 1 meets the other,# 1 ends" \
    "$(scripts 1.sh 2.sh | sed -n '/^== 1/,/ends/p' | tail -n +2 | paste -sd ,)"
out=$(scripts 1.sh 2.sh 3.sh 4.sh)
same "what is left behind is a failure of its script" "integration: 4 passed, 1 failed, 0 skipped" "$(tail -n 1 <<<"$out")"
check "the script is named" grep -q "not ok - 4.sh left something behind: forgotten" <<<"$out"
check "and the process is ended" fx_wait_gone 5 "$(cat "$FX_DIR/scripts/forgotten")"
same "a number of jobs that is none is refused" 2 "$(JOBS=no "$FX_ROOT/tests/integration/run" >/dev/null 2>&1; echo $?)"

# Asked to end, it asks all of them: two wait beside a server, and inside a command.
for i in 5 6; do
    cat >"$FX_DIR/scripts/$i.sh" <<SCRIPT
. "$FX_ROOT/tests/harness/servers.sh"
fx_tmp
start_pg a
echo "\$TMPDIR" >"$FX_DIR/scripts/tmp.$i"
sleep 1000
SCRIPT
done
JOBS=2 "$FX_ROOT/tests/integration/run" "$FX_DIR"/scripts/[56].sh >"$FX_DIR/scripts/out" 2>&1 &
runner=$!
until_ok 20 test -s "$FX_DIR/scripts/tmp.5" && until_ok 20 test -s "$FX_DIR/scripts/tmp.6"
kill -TERM "$runner"
status=0; wait "$runner" || status=$?
same "a runner ended by SIGTERM says so" 143 "$status"
carrying() { grep -slzx -e "TMPDIR=$1" /proc/[0-9]*/environ; }
for i in 5 6; do
    dir=$(cat "$FX_DIR/scripts/tmp.$i")
    same "script $i and its server are gone" "" "$(carrying "$dir")"
    check "and its directory" test ! -e "${dir%/*}"
done

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
same "its stage and whoever the stage left are gone" "" "$(carrying "$dir")"
fx_done
