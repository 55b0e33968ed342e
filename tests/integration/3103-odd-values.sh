#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A value that one side's type cannot express is a difference like any other: it is named with its key, and what else
# differs is still found. Only a key that cannot be read ends the comparison, and says where.
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
reconcile() { "$FICUS" reconcile run --context orders --report "$FX_DIR/out" -f "$FX_DIR/ficus.yaml"; }
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
exits 6 "a key that cannot be read is the target's fault" reconcile
report=$(reconcile 2>&1)
check "with its text" says "value '3' of MariaDB type tinyint(1)" "$report"
check "its table and column" says 'column "on_off"' "$report"
check "its side" says "target orders.pairs" "$report"
check "and what to do" says "by hand, then run: ficus reconcile run" "$report"
fx_done
