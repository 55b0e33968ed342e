#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# seconds: 40
# How a comparison takes its two snapshots: what is altered, truncated or replaced before it is read is never called equal;
# transactions of others are waited for while the applier runs; nothing is left behind, whatever ends the process; and rows
# that neither the stream nor the comparison sees make the table inconclusive.
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
streams_tables
echo 'reconcile: {cut_timeout: 3s}' >>"$FX_DIR/ficus.yaml"
pg_sql mono shop "insert into orders(id, customer, total, qty) select n, 'c' || n, n, n from generate_series(1, 500) n;
    insert into order_lines select n, 1, 's', n from generate_series(1, 500) n"
reconcile() { "$FICUS" reconcile run --context orders --show-values --report "$FX_DIR/out" -f "$FX_DIR/ficus.yaml"; }
# field SQL: over the report, r; table NAME FIELD
field() { pg_sql mono postgres "select $1 from (select \$report\$$(cat "$FX_DIR/out/report.json")\$report\$::json as r) x"; }
verdict() { field "r->>'verdict'"; }
table() { field "(select coalesce(t->>'$2', '') from json_array_elements(r->'tables') t where t->>'source_name' = 'public.$1' or t->>'source' = 'public.$1')"; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
slots() { pg_sql mono postgres "select count(*) from pg_replication_slots where slot_name like 'ficus_cut_%'"; }
has_slots() { [ "$(slots)" = "$1" ]; }
# during POINT MS COMMAND…: runs the comparison with a pause at a point, and the command in that pause. Its output: $FX_DIR/log
during() {
    local point=$1 ms=$2 status=0
    shift 2
    rm -f "$FX_DIR/passed" "$FX_DIR/once"
    (FICUS_FAILPOINT=$point:sleep=$ms FICUS_FAILPOINT_LOG="$FX_DIR/passed" FICUS_FAILPOINT_ONCE="$FX_DIR/once" reconcile >"$FX_DIR/log" 2>&1) &
    local pid=$!
    until_ok 10 grep -q "$point" "$FX_DIR/passed" || not_ok "the comparison reached $point"
    "$@"
    wait "$pid" || status=$?
    return $status
}

exits 0 "both streams start" "$FICUS" cdc start --context orders --execute -f "$FX_DIR/ficus.yaml"
check "live" until_ok 30 streams_phase reverse stream
exits 0 "equal" reconcile
same "with everything compared" "equal 1000" "$(field "concat_ws(' ', r->>'verdict', r->>'rows_compared')")"

# --- tables that are altered between the snapshot and the read; the binary log is off, so that the reverse stream lives
quiet_my() { my_sql orders orders "set sql_log_bin = 0; $1"; }
exits 3 "MariaDB: a table that was rebuilt" during reconcile.enter.before 1000 quiet_my "alter table order_lines force"
same "is inconclusive" inconclusive "$(verdict)"
check "by name" says "order_lines" "$(cat "$FX_DIR/log")"
check "and the other table is compared" says "500 rows against 500, 500 equal" "$(cat "$FX_DIR/log")"
quiet_my "create table l2 like order_lines"
exits 3 "MariaDB: a table that was replaced" during reconcile.enter.before 1000 quiet_my "rename table order_lines to l1, l2 to order_lines"
check "by name" says '"orders.order_lines" was altered or truncated while the comparison began' "$(cat "$FX_DIR/log")"
quiet_my "drop table order_lines; rename table l1 to order_lines"
exits 3 "MariaDB: a table that was truncated" during reconcile.enter.before 1000 quiet_my "create table l1 select * from order_lines; truncate order_lines"
check "by name" says 'order_lines' "$(cat "$FX_DIR/log")"
quiet_my "insert into order_lines select * from l1; drop table l1"
exits 0 "then equal again" reconcile

# --- a table that somebody has locked
lock_pg() { (pg_sql mono shop "begin; lock table order_lines; select pg_sleep(6)" >/dev/null 2>&1) & sleep 0.3; }
exits 3 "PostgreSQL: a table that somebody locks for longer" during reconcile.enter.before 1000 lock_pg
check "is named" says 'table "public.order_lines" of database "mono" is locked by a session' "$(table order_lines not_compared)"
check "the applier did not wait for it" test "$(field "r->>'applier_held_ms'")" -lt 1500
wait

# --- transactions that run: they are waited for while the applier runs
open_txn() { # SECONDS
    (pg_sql mono shop "begin; insert into orders(id) values (100000 + $RANDOM); select pg_sleep($1); rollback" >/dev/null 2>&1) &
    sleep 0.3
}
end_txn() { # SECONDS that it was to last
    pg_sql mono postgres "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep($1)%' and pid <> pg_backend_pid()" >/dev/null
    wait "$txn"
}
open_txn 60
txn=$!
before=$(streams_status forward applied_txns)
(exits 3 "an old transaction: the comparison gives up" reconcile >"$FX_DIR/old.log") &
old=$!
held=0
for _ in 1 2 3 4 5 6 7 8; do
    pg_sql mono shop "update orders set qty = qty + 1 where id = 1"
    if streams_phase forward held; then held=$((held + 1)); fi
    sleep 0.15
done
wait $old
cat "$FX_DIR/old.log"
grep -q '^ok' "$FX_DIR/old.log" && FX_PASSED=$((FX_PASSED + 1)) || FX_FAILED=$((FX_FAILED + 1))
same "and the applier was not paused" 0 "$held"
check "what was written meanwhile has arrived" until_ok 5 sh -c "[ \"$(streams_status forward applied_txns)\" -gt $before ]"
text=$(reconcile 2>&1)
check "it names the process" says "SELECT pg_terminate_backend(" "$text"
check "and the statement" says "pg_sleep" "$text"
end_txn 60
pg_sql mono shop "begin; insert into orders(id) values (99999); prepare transaction 'p 1'"
check "a prepared transaction is named" says "ROLLBACK PREPARED 'p 1'" "$(reconcile 2>&1)"
pg_sql mono shop "rollback prepared 'p 1'"
exits 0 "a transaction that begins in the pause is waited for without it" during reconcile.cut.before 400 open_txn 1.2
check "the applier was released meanwhile" test "$(field "r->>'applier_held_ms'")" -lt 3500
same "nothing is left" 0 "$(slots)"

# --- signals, while the server makes the slot
for signal in INT TERM KILL; do
    rm -f "$FX_DIR/passed"
    FICUS_FAILPOINT=reconcile.cut.before:sleep=600 FICUS_FAILPOINT_LOG="$FX_DIR/passed" env --default-signal=INT,TERM \
        "$FICUS" reconcile run --context orders -f "$FX_DIR/ficus.yaml" >/dev/null 2>&1 &
    pid=$!
    until_ok 10 grep -q reconcile.cut.before "$FX_DIR/passed"
    open_txn 40
    txn=$!
    check "SIG$signal: the slot is being made" until_ok 5 has_slots 1
    kill "-$signal" "$pid"
    wait "$pid" 2>/dev/null
    check "SIG$signal: the slot is gone before the transaction that it waited for" until_ok 4 has_slots 0
    same "SIG$signal: which still runs" 1 "$(pg_sql mono postgres "select count(*) from pg_stat_activity where query like '%pg_sleep(40)%' and pid <> pg_backend_pid()")"
    check "SIG$signal: the applier runs" until_ok 5 streams_phase forward stream
    end_txn 40
done
exits 0 "and a comparison after them says equal" reconcile

# --- last, because the stream stops: a rewritten table shows no row to an older snapshot, rows of a child are read by nobody,
# and what the preflight would refuse today proves nothing
pg_sql mono shop "create function public.noop() returns trigger language plpgsql as 'begin return new; end'"
change() {
    pg_sql mono shop "alter table orders alter qty type bigint; create table more() inherits (orders); insert into more(id) values (7000);
        create trigger always before insert on order_lines for each row execute function public.noop(); alter table order_lines enable always trigger always"
}
exits 3 "PostgreSQL: tables that are changed before they are read" during reconcile.enter.before 1000 change
check "one was rewritten, and given a child" says '"public.orders" was altered or truncated while the comparison began' "$(table orders not_compared)"
check "the other has a trigger for the applier, with its cure" says "ALTER TABLE public.order_lines ENABLE TRIGGER always;" "$(table order_lines not_compared)"
same "which is compared all the same" "500 500" "$(table order_lines rows_source) $(table order_lines rows_equal)"
same "nothing is called equal" "inconclusive 0" "$(field "concat_ws(' ', r->>'verdict', (r->>'coverage_percent')::float)")"
fx_done
