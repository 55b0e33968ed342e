#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A value that one side's type cannot express is a difference like any other: it is named with its key, and what else
# differs is still found. A key that cannot be read leaves its table out and says where; the other tables are compared. Two
# comparisons of one context take turns.
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
streams_tables
pg_sql mono shop "insert into orders(id, customer, total, paid, placed) select n, 'c' || n, n, true, timestamp '2026-01-01' from generate_series(1, 5000) n;
    create table flags(on_off boolean, n integer, primary key (n)); create table pairs(on_off boolean, n integer, primary key (n, on_off));
    insert into flags values (true, 1), (false, 2); insert into pairs values (true, 1), (false, 2)"
my_sql orders orders "create table flags(on_off tinyint(1), n int, primary key (n)); create table pairs(on_off tinyint(1), n int, primary key (n, on_off))"
sed -i 's/^      - public.order_lines$/&\n      - public.flags\n      - public.pairs/' "$FX_DIR/ficus.yaml"
reconcile() { "$FICUS" reconcile run --context orders --show-values --report "$FX_DIR/out" -f "$FX_DIR/ficus.yaml"; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }

exits 0 "both streams start" "$FICUS" cdc start --context orders --execute -f "$FX_DIR/ficus.yaml"
check "live" until_ok 30 streams_phase reverse stream
streams_caught_up
exits 0 "equal" reconcile
my_sql orders orders "set sql_log_bin = 0; update customer_orders set paid = 2 where id = 4000;
    update customer_orders set note = 'planted' where id = 4500; set sql_mode = ''; update customer_orders set placed = '0000-00-00' where id = 4600;
    update flags set on_off = 7 where n = 2"
exits 1 "odd values on the target are differences" reconcile
report=$(reconcile)
check "the first" says "id = 4000" "$report"
check "with its text as it stands there" says "paid: true, on the target '2' (unreadable)" "$report"
check "the one behind it is found, too" says "id = 4500" "$report"
check "a zero date" says "on the target '0000-00-00 00:00:00.000000' (unreadable)" "$report"
check "and the other table's" says "'7' (unreadable)" "$report"
check "in the file, too" grep -q '"divergent": *4' "$FX_DIR/out/report.json"
my_sql orders orders "set sql_log_bin = 0; update pairs set on_off = 3 where n = 1"
exits 1 "a key that cannot be read leaves the other tables' differences" reconcile
report=$(reconcile)
check "its table is left out" says "incomplete: not compared: " "$report"
check "with its text" says "value '3' of MariaDB type tinyint(1)" "$report"
check "its table and column" says 'column "on_off"' "$report"
check "its side" says "target orders.pairs" "$report"
check "and what to do" says "by hand, then run: ficus reconcile run" "$report"
check "all that differs elsewhere is counted" grep -q '"divergent": *4' "$FX_DIR/out/report.json"
gate() { "$FICUS" reconcile gate "$FX_DIR/out/report.json" --unsigned -f "$FX_DIR/ficus.yaml" "$@"; }
exits 3 "rows that may differ do not make up for a table that was not read" gate --divergent 4
exits 1 "fewer allowed is a finding" gate
# The rows without the binary log, as the target would have got them.
my_sql orders orders "set sql_log_bin = 0; set sql_mode = ''; update customer_orders set paid = 1 where id = 4000; update customer_orders set note = null where id = 4500;
    update customer_orders set placed = '2026-01-01' where id = 4600; update flags set on_off = 0 where n = 2"
exits 3 "equal in all others is inconclusive" reconcile
check "it says so" says "inconclusive  orders (forward): " "$(reconcile)"
exits 3 "and passes no gate" gate
exits 3 "not for any number of rows, nor without coverage" gate --divergent 1000000 --coverage 0%
my_sql orders orders "set sql_log_bin = 0; update pairs set on_off = 1 where n = 1"
exits 0 "repaired by hand, all are equal" reconcile
exits 0 "and pass" gate

# --- two at once -------------------------------------------------------------------------------------
rm "$FX_DIR/st/contexts/orders.compare.lock"
FICUS_FAILPOINT=reconcile.advance.after:sleep=3000 reconcile >"$FX_DIR/first" 2>&1 &
first=$!
until_ok 10 test -s "$FX_DIR/st/contexts/orders.compare.lock"
holder=$(sed -n 's/^pid=//p' "$FX_DIR/st/contexts/orders.compare.lock")
sed 's/^state:.*/&\nreconcile: {lock_wait: 100ms}/' "$FX_DIR/ficus.yaml" >"$FX_DIR/hasty.yaml"
out=$("$FICUS" reconcile run --context orders -f "$FX_DIR/hasty.yaml" 2>&1)
same "a second comparison that may not wait is refused" 9 $?
check "it names the process" says "is being compared by process $holder on host $(hostname), since 20" "$out"
out=$(reconcile 2>&1)
same "one that may wait is equal afterwards" 0 $?
check "and says for whom it waits" says "waiting: the context is being compared by process" "$out"
wait $first
same "the first was not disturbed" 0 $?
fx_done
