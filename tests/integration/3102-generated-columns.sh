#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Generated columns: each server computes its own, so no stream carries them; both sides have them, so the comparison
# looks at them. One that exists on one side only is named, and does not make the comparison incomplete.
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
streams_tables
pg_sql mono shop "alter table order_lines add twice integer generated always as (qty * 2) stored,
    add old_only integer generated always as (qty + 1) stored;
    insert into order_lines(order_id, line_no, sku, qty) select n, 1, 's' || n, n from generate_series(1, 100) n"
my_sql orders orders "alter table order_lines add twice int generated always as (qty * 2) virtual,
    add new_only int generated always as (qty + 2) stored"
reconcile() { "$FICUS" reconcile run --context orders --show-values -f "$FX_DIR/ficus.yaml"; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }

exits 0 "both streams start" "$FICUS" cdc start --context orders --execute -f "$FX_DIR/ficus.yaml"
check "live" until_ok 30 streams_phase reverse stream
pg_sql mono shop "update order_lines set qty = 700 where order_id = 7; delete from order_lines where order_id = 8"
streams_caught_up
my_sql orders orders "update order_lines set qty = 900 where order_id = 9; insert into order_lines(order_id, line_no, qty) values (500, 1, 5)"
streams_probe_back
same "streamed there, and computed there" 1400 "$(my_sql orders orders "select twice from order_lines where order_id = 7")"
same "and back" "1800 10" "$(pg_sql mono shop "select string_agg(twice::text, ' ' order by order_id) from order_lines where order_id in (9, 500)")"
exits 0 "equal" reconcile
report=$(reconcile)
check "with full coverage" says "100 % coverage" "$report"
check "of five columns" says "5 columns" "$report"
check "the one-sided ones are named" says "public.order_lines.old_only, orders.order_lines.new_only" "$report"
my_sql orders orders "set sql_log_bin = 0; alter table order_lines modify twice int generated always as (qty * 2 + if(qty = 50, 1, 0)) virtual"
exits 1 "another expression is found" reconcile
check "at its value" says "twice: 100, on the target 101" "$(reconcile)"
fx_done
