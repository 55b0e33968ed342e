#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `cdc start` says "live" of a stream that is, and otherwise why not, with the exit status of the cause.
# seconds: 30
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
streams_tables
F=$FX_DIR/ficus.yaml
start() { "$FICUS" cdc start --context orders --execute -f "$F" "$@" 2>&1; }
stop() { "$FICUS" cdc stop --context orders --execute -f "$F" >/dev/null 2>&1; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
ends() { # STATUS TEXT: a start that says why
    local status=0
    out=$(start --quick) || status=$?
    same "$2: the exit status is that of the cause" "$1" "$status"
    case $out in *"is live"*) says "not live" "$out" ;; esac
}
again() {
    "$FICUS" cdc drop --context orders --execute --confirm=orders -f "$F" >/dev/null 2>&1
    pg_sql mono shop "delete from orders; delete from ficus.canary; insert into orders(id) select g from generate_series(1, 10) g" 2>/dev/null
    my_sql orders orders "delete from customer_orders; delete from ficus.canary" 2>/dev/null
    out=$(start) || not_ok "start again: $out"
}

pg_sql mono shop "insert into orders(id) select g from generate_series(1, 10) g"
out=$(start)
check "a short copy is waited for" says "stream orders-forward is live" "$out"
check "in both directions" says "stream orders-reverse is live" "$out"
same "and the phase is so at once" "stream stream" "$(streams_status forward phase) $(streams_status reverse phase)"

stop
pg_sql mono shop "select pg_drop_replication_slot(slot_name) from pg_replication_slots where not active" >/dev/null
ends 12 "the slot is gone"
check "which it says" says "slot" "$out"

again
stop
pg_sql mono shop "insert into orders(id) values (20); update orders set score = 'NaN' where id = 20"
ends 5 "a value that cannot be carried waits in the log"
check "which it names by its column" says 'column "public.orders.score"' "$out"
check "and hides" says "(id)=([hidden integer])" "$out"

again
stop
my_sql orders orders "insert into customer_orders(id) values (30); alter table customer_orders add column extra int; insert into customer_orders(id) values (31)"
my_sql orders orders "alter table customer_orders drop column extra"
ends 12 "drift of the reverse stream"
check "which it names" says "customer_orders" "$out"

again
"$FICUS" cdc drop --context orders --execute --confirm=orders -f "$F" >/dev/null 2>&1
my_sql orders orders "delete from customer_orders; delete from ficus.canary"
pg_sql mono shop "insert into orders(id) select g from generate_series(100, 4000) g"
echo "cdc: {copy_batch_rows: 100}" >>"$F"
out=$(FICUS_FAILPOINT=copy.batch:sleep=6000:3 start --quick)
same "a long copy is begun: status" 0 $?
check "which it says" says "stream orders-forward is copying" "$out"
check "with rows and percent" grep -q 'is copying: [0-9]* of about [0-9]* rows ([0-9]* %)' <<<"$out"
check "and the table" says "; table 2 of 3, public.orders: " "$out"
check "and the reverse stream is live" says "stream orders-reverse is live" "$out"
until_ok 60 streams_phase forward stream || not_ok "the copy ends"
same "and then its numbers are counted ones" "3911 3911 0 0 3" \
    "$(for f in copied_rows copy_total_rows copy_left_ms copy_table_number copy_tables; do echo "$(streams_status forward $f)"; done | paste -sd' ')"

# --- rows in the way of a copy -------------------------------------------------------------------------------------------------
cure() { # runs what the hint says
    local cmd
    cmd=$(printf '%s\n' "$1" | grep -o 'ficus cdc start --context orders --empty-target --execute --confirm=orders' | head -n 1)
    [ -n "$cmd" ] && "$FICUS" ${cmd#ficus } -f "$F" 2>&1
}
"$FICUS" cdc drop --context orders --execute --confirm=orders -f "$F" >/dev/null 2>&1
pg_sql mono shop "delete from orders where id < 3000"
exits 4 "what an earlier copy left is in the way" start
exits 2 "it is not emptied without the name" "$FICUS" cdc start --context orders --execute --empty-target -f "$F"
out=$(cure "$(start)")
same "the command of the hint works" 0 $?
until_ok 60 streams_phase forward stream || not_ok "the copy ends: $out"
streams_same "and the copy is whole"
streams_probe_back
same "the old side keeps its rows" 1001 "$(pg_sql mono shop "select count(*) from orders")"

# The forward stream's row is gone (a restored backup), the reverse stream lives: what is deleted is not carried back.
pid=$(streams_pid forward)
kill -KILL "$pid"
fx_wait_gone 5 "$pid"
my_sql orders ficus "update progress set phase = 'new', position = '' where stream = 'orders-forward'"
out=$(start)
check "rows without a copy are refused" says "is not empty" "$out"
out=$(cure "$out")
same "the command of the hint works beside a live reverse stream" 0 $?
until_ok 60 streams_phase forward stream || not_ok "the copy ends: $out"
streams_probe_back
streams_same "both sides are whole"
same "the old side keeps its rows again" 1001 "$(pg_sql mono shop "select count(*) from orders")"

# A copy begins between two questions of a preflight: its rows are not somebody else's.
"$FICUS" cdc drop --context orders --execute --confirm=orders -f "$F" >/dev/null 2>&1
my_sql orders orders "delete from customer_orders; delete from ficus.canary"
start --quick >/dev/null & first=$!
until_ok 20 test -e "$FX_DIR/st/streams/orders-forward.log"
FICUS_FAILPOINT=preflight.empty.before:sleep=1500 "$FICUS" cdc preflight --quick --context orders -f "$F" >"$FX_DIR/pre.out" 2>&1
same "a copy that begins in the middle of a preflight is ours: $(tail -n 1 "$FX_DIR/pre.out")" 0 $?
wait "$first"

# --- keys that differ in trailing spaces only -------------------------------------------------------------------------------------
"$FICUS" cdc drop --context orders --execute --confirm=orders -f "$F" >/dev/null 2>&1
my_sql orders orders "delete from customer_orders; delete from ficus.canary; drop table order_lines;
    create table order_lines(order_id bigint, line_no int, sku varchar(64) not null, qty int, primary key (sku))"
pg_sql mono shop "delete from public.orders where id > 3020; drop table public.order_lines; create table public.order_lines(order_id bigint, line_no integer, sku varchar(64) primary key, qty integer)"
out=$(start --quick) || not_ok "start: $out"
pg_sql mono shop "insert into order_lines values (1, 1, 'k1', 1), (1, 2, 'k1 ', 2)"
check "a key that is another by a space only stops the stream" until_ok 20 test -s "$FX_DIR/st/streams/orders-forward.error"
check "which names the cause" says "differ only in trailing spaces" "$(cat "$FX_DIR/st/streams/orders-forward.error")"
out=$("$FICUS" cdc preflight --context orders --show-values -f "$F" 2>&1)
check "preflight names the row, if asked" says "(sku)=('k1 ')" "$out"
check "and the cause" says "PAD SPACE" "$out"
alter=$(printf '%s\n' "$out" | grep -o 'ALTER TABLE orders.order_lines MODIFY[^;]*;' | head -n 1)
my_sql orders orders "$alter" || not_ok "the ALTER works: $alter"
out=$(start --quick)
same "after the ALTER that it prints the stream goes on" 0 $?
streams_caught_up
same "with both keys" 2 "$(my_sql orders orders "select count(*) from order_lines")"
fx_done
