#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a stream must say although nothing comes to it: a server that has more in its log than it sends is late, and a table
# that a tool has swapped on the side that gave its tables away accepts writes, until its triggers are made again.
# seconds: 40
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
streams_tables
my_sql orders mysql "create user app; grant all on orders.* to app"
ficus() { "$FICUS" "$@" -f "$FX_DIR/ficus.yaml"; }
stopped() { [ -s "$FX_DIR/st/streams/orders-$1.error" ]; }
error_of() { cat "$FX_DIR/st/streams/orders-$1.error"; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
field() { streams_status "$1" "$2"; }
has() { [ "$(field "$1" "$2")" = "$3" ]; }
is_late() { [ "$(field forward lag_ms)" -ge 3000 ]; }
is_quick() { [ "$(field forward lag_ms)" -lt 1000 ]; }
metric() { curl -sf -m 5 --unix-socket "$FX_DIR/st/streams/orders-$1.sock" http://s/metrics | sed -n "s/^$2{.*} //p"; }
customer() { MY_USER=app my_sql orders orders "$1" 2>&1; }
customer_leaks() {
    local before
    before=$(field reverse leaks)
    customer "insert into order_lines values (8, 8, 'x', 8)" && until_ok 10 has reverse leaks $((before + 1))
}

same "ownership is installed" installed "$("$FX_BUILD/tests/integration/fence_tool" "$FX_DIR/ficus.yaml" orders install 2>"$FX_DIR/tool.log")"
ficus cdc start --context orders --execute --quick >"$FX_DIR/start.out" 2>&1 || not_ok "start: $(cat "$FX_DIR/start.out")"
check "live" until_ok 30 streams_phase forward stream
check "live back" until_ok 30 streams_phase reverse stream

# --- a server that sends nothing ------------------------------------------------------------------------------------------------
sleep 3
check "an idle stream is not late" is_quick
walsender=$(pg_sql mono postgres "select active_pid from pg_replication_slots where slot_name = 'ficus_orders'")
kill -STOP "$walsender"
pg_sql mono shop "insert into public.order_lines values (1, 1, 'a', 1)"
check "a server that does not send what its log has is late" until_ok 15 is_late
check "in the metric, too" awk -v lag="$(metric forward ficus_stream_lag_seconds)" 'BEGIN { exit !(lag >= 3) }'
kill -CONT "$walsender"
check "and is not, once it has" until_ok 15 is_quick
streams_caught_up
same "the row is there" 1 "$(my_sql orders orders "select count(*) from order_lines")"

# --- a table that is swapped ----------------------------------------------------------------------------------------------------
check "the side that does not own the tables refuses writers" says "ficus" "$(customer "insert into order_lines values (9, 9, 'x', 9)")"
same "and lacks no trigger" 0 "$(field reverse missing_fences)"
my_sql orders orders "create table _gho like order_lines; insert into _gho select * from order_lines;
    rename table order_lines to _del, _gho to order_lines; drop table _del"
check "a swap stops the stream that reads it" until_ok 15 stopped reverse
what=$(error_of reverse | grep -o 'accept-ddl=[0-9-]*' | head -n 1)
ficus cdc start --context orders --execute --quick "--$what" >/dev/null 2>&1
for _ in 1 2 3; do # each statement of the swap by itself
    until_ok 5 streams_phase reverse stream && break
    what=$(error_of reverse | grep -o 'accept-ddl=[0-9-]*' | head -n 1)
    ficus cdc start --context orders --execute --quick "--$what" >/dev/null 2>&1
done
check "the stream can go on" until_ok 15 streams_phase reverse stream
check "and says that the table which came lacks its triggers" until_ok 30 has reverse missing_fences 3
check "a write that it accepts meanwhile is a leak" customer_leaks
ficus upgrade --execute >"$FX_DIR/upgrade.out" 2>&1 || not_ok "upgrade: $(cat "$FX_DIR/upgrade.out")"
check "after the command it refuses writers like the one that went" says "ficus" "$(customer "insert into order_lines values (9, 9, 'x', 9)")"
same "it has its triggers" 3 "$(my_sql orders orders "select count(*) from information_schema.triggers where event_object_table = 'order_lines'")"

# --- triggers that go ------------------------------------------------------------------------------------------------------------
trigger=$(my_sql orders orders "select trigger_name from information_schema.triggers where event_object_table = 'order_lines' and event_manipulation = 'INSERT'")
my_sql orders orders "drop trigger $trigger"
check "a trigger that is dropped is missed" until_ok 30 has reverse missing_fences 1
same "in the metric, too" 1 "$(metric reverse ficus_stream_missing_fence_triggers)"
check "and in the status, with the command" says "ficus upgrade --execute" "$(ficus cdc status --context orders 2>&1)"
check "the preflight of a cut-over finds it" says "has no fence trigger for INSERT" "$(ficus cutover start --context orders 2>&1)"
check "the survey of an upgrade, too" says 'fence of "orders"' "$(ficus upgrade 2>&1)"
ficus upgrade --execute >"$FX_DIR/upgrade.out" 2>&1 || not_ok "upgrade: $(cat "$FX_DIR/upgrade.out")"
check "after the command writers are refused again" says "ficus" "$(customer "insert into order_lines values (9, 9, 'x', 9)")"
check "and no trigger is missing" until_ok 30 has reverse missing_fences 0
trigger=$(pg_sql mono shop "select count(*) from pg_trigger where tgname like 'ficus_fence%'")
same "the owner's side needs none" "0 0" "$trigger $(field forward missing_fences)"
fx_done
