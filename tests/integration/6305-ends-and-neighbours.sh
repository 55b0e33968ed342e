#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What one run leaves to the next, and what it must not: a side that has given its tables away stays closed when the streams
# are dropped; a comparison of an earlier run opens no gate; a finished run is not rolled back under another one; a start
# that comes second changes nothing.
# seconds: 75
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
. "$FX_ROOT/tests/demo/lib.sh"
RATE=60 CUSTOMERS=4 shop_up 400
ficusd_start
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
run() { "$FICUS" run "$@" -f "$SHOP/ficus.yaml"; }
owns() { echo "$(pg_sql mono shop "select state from ficus.own where grp = 'orders'")/$(my_sql orders ficus "select state from own where grp = 'orders'")"; }
empty_new() { my_sql orders orders "delete from order_lines; delete from order_facts; delete from customer_orders"; }
direct_write() { PG_USER=shop pg_sql mono shop "update orders set hits = hits + 1 where id = 1"; }
write() { curl -sf -m 2 -o /dev/null -H 'content-type: application/json' --data-binary '{"by":1}' "http://127.0.0.1:$PORT_FACADE/orders/2/increment"; }
ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }
COPY='{id: copy, do: stream.start, undo: stream.drop}'
EQUAL='{id: equal, do: reconcile, gate: {divergent: 0, coverage: 100%}}'
plan() { # NAME STEP…: its file
    local file=$SHOP/$1.yaml
    printf 'apiVersion: ficus/v1\nkind: Migration\nmetadata: {name: %s}\ncontext: orders\npolicy: {gate_wait: 2s, retry: 10s}\nsteps:\n' "$1" >"$file"
    shift
    printf '  - %s\n' "$@" >>"$file"
    echo "$file"
}

# --- a finished run, and another of the same context ---------------------------------------------------------------------
exits 0 "a run comes to its end" run start "$(plan one "$COPY" "$EQUAL")" --execute
"$FICUS" run start "$(plan two "$COPY" '{id: soak, do: {wait: 60s}}')" --execute -f "$SHOP/ficus.yaml" >"$SHOP/two.log" 2>&1 &
pid=$!
check "another one begins" until_ok 20 grep -q "soak: wait" "$SHOP/two.log"
kill -INT "$pid"
wait "$pid"
exits 9 "the finished one is not rolled back under it" run rollback one --execute
check "and says which one is in its way" says 'run "two"' "$(run rollback one --execute 2>&1)"
exits 9 "nor are the streams dropped that it needs" "$FICUS" cdc drop --context orders --execute --confirm=orders -f "$SHOP/ficus.yaml"
same "they live" 1 "$(pg_sql mono shop 'select count(*) from pg_replication_slots')"
exits 0 "the other one goes back first" run rollback two --execute
exits 0 "then it may" run rollback one --execute
empty_new

# --- a plan that only goes back ----------------------------------------------------------------------------------------------
exits 0 "one plan cuts over" run start "$(plan over "$COPY" "$EQUAL" '{id: cutover, do: cutover, undo: cutover.fallback}')" --execute
same "the new side has the tables" AWAY/HERE "$(owns)"
check "the picture says migrated" says "over  migrated" "$("$FICUS" status over -f "$SHOP/ficus.yaml")"
exits 0 "a plan of its own falls back" run start "$(plan return "$COPY" "$EQUAL" '{id: back, do: cutover.fallback, undo: cutover}')" --execute
same "the old side has them" HERE/AWAY "$(owns)"
check "the picture of the way back does not say migrated" says "return  finished: the old side serves" "$("$FICUS" status return -f "$SHOP/ficus.yaml")"
check "nor does that of the first any more" says "over  finished, but since then the tables were moved back: the old side serves" "$("$FICUS" status over -f "$SHOP/ficus.yaml")"
check "and takes writes" until_ok 5 write
exits 9 "the first is not rolled back under it" run rollback over --execute
check "and says which one comes first" says 'ficus run rollback return' "$(run rollback over --execute 2>&1)"
check "the later one says that it drops nothing" says 'nothing: the streams existed before this run' "$(run rollback return)"
exits 0 "it can be rolled back" run rollback return --execute
same "the streams stay, they are the first one's way back" 1 "$(pg_sql mono shop 'select count(*) from pg_replication_slots')"
same "to what it found" AWAY/HERE "$(owns)"
exits 0 "and so can the first" run rollback over --execute
same "whose streams go with it" 0 "$(pg_sql mono shop 'select count(*) from pg_replication_slots')"
check "the old side takes writes" until_ok 5 write
empty_new

# --- a comparison of an earlier run ------------------------------------------------------------------------------------------
exits 3 "the report of a run before this one opens no gate" \
    run start "$(plan one "$COPY" '{id: cutover, do: cutover, undo: cutover.fallback, gate: {equal: {max_age: 30m}}}')" --execute
exits 3 "nor when it is resumed" run resume one
same "nothing has moved" HERE/AWAY "$(owns)"
exits 0 "back" run rollback one --execute
empty_new

# --- a comparison that finds something ------------------------------------------------------------------------------------------
run start "$(plan apart "$COPY" '{id: soak, do: {wait: 3s}}' "$EQUAL")" --execute >"$SHOP/apart.log" 2>&1 &
pid=$!
check "a run waits before it compares" until_ok 20 grep -q "soak: wait" "$SHOP/apart.log"
MY_USER=ficus my_sql orders orders "set sql_log_bin = 0; update customer_orders set hits = hits + 5 where id = 2" # past fence and stream
wait "$pid"
same "it is rolled back when the sides differ" 1 $?
found=$SHOP/state/runs/apart/reports/equal/report.txt
check "the report names the row" grep -q customer_orders "$found"
check "the last words name the report" says "$found" "$(cat "$SHOP/apart.log")"
check "the journal does" says "$found" "$(run journal show apart)"
check "and the picture" says "$found" "$("$FICUS" status apart -f "$SHOP/ficus.yaml" 2>&1)"
empty_new

# --- a new side that is not empty ------------------------------------------------------------------------------------------
# The way out is a DELETE there, while the run waits and both streams live: none of it may reach the old side.
was=$(pg_sql mono shop "select count(*) from order_lines")
one_line="insert into order_lines (id, order_id, product_id, quantity, price) values ($(pg_sql mono shop "select min(id) from order_lines"), 1, 1, 1, 1)"
held=$(plan one '{id: copy, do: stream.start, undo: stream.drop, on_fail: hold}' "$EQUAL")
my_sql orders orders "$one_line"
exits 4 "a table that is not empty is refused before the run begins" run start "$held" --execute
my_sql orders orders "delete from order_lines"
FICUS_FAILPOINT=copy.empty.before:sleep=2000 FICUS_FAILPOINT_LOG=$FX_DIR/empty "$FICUS" run start "$held" --execute \
    -f "$SHOP/ficus.yaml" >"$SHOP/held.log" 2>&1 &
pid=$!
until_ok 10 grep -q copy.empty.before "$FX_DIR/empty" || not_ok "the copy is about to look"
MY_USER=ficus my_sql orders orders "$one_line"
status=0; wait "$pid" || status=$?
same "one that is filled behind the preflight holds it" 3 "$status"
check "and names the table" grep -q '"orders.order_lines" is not empty' "$SHOP/held.log"
MY_USER=ficus my_sql orders orders "delete from orders.order_lines"
exits 0 "then it goes on to its end" run resume one
same "what was emptied before the copy is still on the old side" "$was" "$(pg_sql mono shop "select count(*) from order_lines")"
exits 0 "back" run rollback one --execute
empty_new

# --- two starts at once --------------------------------------------------------------------------------------------------------
second=$(plan one "$COPY" "$EQUAL" '{id: soak, do: {wait: 2s}}')
cp "$second" "$SHOP/second.yaml"
FICUS_FAILPOINT=run.start.checked:sleep=4000 FICUS_FAILPOINT_LOG=$FX_DIR/points "$FICUS" run start "$SHOP/second.yaml" --execute \
    -f "$SHOP/ficus.yaml" >"$SHOP/second.log" 2>&1 &
second_pid=$!
until_ok 10 grep -q run.start.checked "$FX_DIR/points" || not_ok "the second start has looked round"
kill -STOP "$second_pid" # however slow the first one is
"$FICUS" run start "$(plan one "$COPY" '{id: soak, do: {wait: 1s}}')" --execute -f "$SHOP/ficus.yaml" >"$SHOP/one.log" 2>&1 &
pid=$!
check "meanwhile the first begins" until_ok 20 grep -q "soak: wait" "$SHOP/one.log"
kill -KILL "$pid"
wait "$pid" 2>/dev/null
kill -CONT "$second_pid"
status=0; wait "$second_pid" || status=$?
same "the second is refused, although nobody holds the lock" 2 "$status"
exits 0 "and has left the first one's plan alone" run resume one
exits 0 "back" run rollback one --execute
empty_new

# --- a resume that comes when the run has just ended ------------------------------------------------------------------------------
FICUS_FAILPOINT=journal.DONE.after:kill:1 run start "$(plan one "$COPY" '{id: soak, do: {wait: 1s}}')" --execute >"$SHOP/one.log" 2>&1
same "killed behind its copy" 137 "$?"
rm -f "$FX_DIR/points"
FICUS_FAILPOINT=run.reopen.checked:sleep=4000 FICUS_FAILPOINT_LOG=$FX_DIR/points "$FICUS" run resume one -f "$SHOP/ficus.yaml" >"$SHOP/late.log" 2>&1 &
late=$!
until_ok 10 grep -q run.reopen.checked "$FX_DIR/points" || not_ok "the late one has looked round"
exits 0 "another one takes the run back to its beginning" run rollback one --execute
n=$(run journal show one | wc -l)
status=0; wait "$late" || status=$?
same "the late one is refused" 9 "$status"
same "and leaves the journal as it is" "$n" "$(run journal show one | wc -l)"
empty_new

# --- a disk that fails under the journal ---------------------------------------------------------------------------------------------
FICUS_FAILPOINT=journal.sync:error:3 run start "$(plan one "$COPY" '{id: soak, do: {wait: 1s}}')" --execute >"$SHOP/one.log" 2>&1
same "a record that is perhaps not on the disk ends the run" 11 "$?"
check "the reason is said, also by what came after it" says "Input/output error" "$(grep error: "$SHOP/one.log")"
check "and not that space is missing" says "dmesg" "$(cat "$SHOP/one.log")"
exits 0 "when the disk is well again it goes on" run resume one
exits 0 "back" run rollback one --execute
empty_new

# --- a neighbour whose journal is damaged -------------------------------------------------------------------------------------------
mkdir "$SHOP/state/runs/hurt"
printf 'FXRLdamaged, and not by a crash' >"$SHOP/state/runs/hurt/journal"
printf 'FXRLdamaged, and not by a crash, again and again' >>"$SHOP/state/runs/hurt/journal"
exits 11 "a run that nobody can read may be in progress" run start "$(plan two "$COPY" '{id: soak, do: {wait: 1s}}')" --execute
check "the way out is named" says "move $SHOP/state/runs/hurt away" "$(run start "$(plan two "$COPY" '{id: soak, do: {wait: 1s}}')" --execute 2>&1)"
exits 11 "its streams are not dropped either" "$FICUS" cdc drop --context orders --execute --confirm=orders -f "$SHOP/ficus.yaml"
rm -r "$SHOP/state/runs/hurt"
J=$SHOP/state/runs/one/journal
rm -rf "$SHOP/state/runs/two"
cp "$J" "$SHOP/journal.good"
printf '\001' | dd of="$J" bs=1 seek=$(($(stat -c %s "$J") / 2)) conv=notrunc 2>/dev/null
exits 11 "status does not pass over a run whose journal is damaged" "$FICUS" status -f "$SHOP/ficus.yaml"
check "and says what can be done" says "from a backup of the state directory" "$("$FICUS" status -f "$SHOP/ficus.yaml" 2>&1)"
mv "$SHOP/journal.good" "$J"
exits 11 "a watch that nobody can see ends" bash -c 'timeout 10 "$@" >/dev/full' - "$FICUS" status -w -f "$SHOP/ficus.yaml"

# --- the facade dies right before the commit of which it was told ------------------------------------------------------------------
cut=$(plan away "$COPY" "$EQUAL" '{id: cutover, do: cutover, undo: cutover.fallback}')
sed -i 's/retry: 10s/retry: 2s/' "$cut"
rm -f "$FX_DIR/points"
FICUS_FAILPOINT_LOG=$FX_DIR/points FICUS_FAILPOINT=cutover.step.move.end:sleep=500 run start "$cut" --execute >"$SHOP/away.log" 2>&1 &
pid=$!
check "a run comes to its commit" until_ok 30 grep -q "^cutover.step.move.end" "$FX_DIR/points"
kill -KILL "${FX_PID[facade]}"
began=$(ms) status=0
wait "$pid" || status=$?
took=$(($(ms) - began))
same "the exit status is that of a facade that does not answer" 8 "$status"
check "after policy.retry, not after a minute ($took ms)" [ "$took" -lt 6000 ]
same "the commit is done all the same" AWAY/HERE "$(owns)"
check "it says who serves and what to do" says 'The new side owns group "orders" and accepts its writes. Start the facade' "$(cat "$SHOP/away.log")"
ficusd_start
exits 0 "with the facade back it is finished" run resume away
check "customers write on the new side" until_ok 5 write
exits 0 "back" run rollback away --execute
empty_new

# --- the streams are dropped behind the cut-over ---------------------------------------------------------------------------------
drop=$(plan one "$COPY" "$EQUAL" '{id: cutover, do: cutover, undo: cutover.fallback}' \
    '{id: drop, do: stream.drop, point_of_no_return: true}')
FICUS_FAILPOINT=journal.DONE.before:kill:4 run start "$drop" --execute >"$SHOP/drop.log" 2>&1
same "killed when the streams were dropped" 137 "$?"
exits 0 "the run ends behind its point of no return" run resume one
exits 11 "from there it is not rolled back" run rollback one --execute
check "it stays finished, and the message names the step" says 'step "drop" was its point of no return' "$(run rollback one --execute 2>&1)"
exits 0 "as resume says" run resume one
same "the streams are gone" 0 "$(pg_sql mono shop 'select count(*) from pg_replication_slots')"
exits 4 "no copy begins over the side that owns the tables" "$FICUS" cdc start --context orders --execute -f "$SHOP/ficus.yaml"
check "and nobody is told to empty them" says "this database owns the tables" \
    "$("$FICUS" cdc preflight --context orders -f "$SHOP/ficus.yaml" 2>&1 | grep -v -e "--empty-target")"
check "a direct writer is refused by the side that gave its tables away" grep -q "owned by the other side" <(direct_write 2>&1)
check "customers write on the other side" write
check "without a trigger in their way" [ "$(my_sql orders orders "select count(*) from information_schema.triggers where trigger_name like 'ficus%'")" = 0 ]
fx_done
