#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How long the source keeps the log that a stream needs: of streams that run (status, metrics, a warning in the log) and of streams that are
# stopped or killed, whose servers `cdc status` asks; limits by size and by age, and a log that is gone, on both servers.
# seconds: 40
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
FX_ARGS[mono]="-c max_wal_size=64MB -c min_wal_size=32MB"
start_both mono orders
streams_project
streams_tables
ficus() { "$FICUS" "$@" -f "$FX_DIR/ficus.yaml"; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
field() { # forward|reverse MEMBER: of `cdc status --json`
    ficus cdc status --context orders --json 2>/dev/null | python3 -c '
import json, sys
for line in sys.stdin:
    d = json.loads(line)
    if d["stream"] == "orders-" + sys.argv[1]: print(d["status"][sys.argv[2]])' "$1" "$2"
}
is() { [ "$(field "$1" "$2")" = "$3" ]; }
metric() { curl -sf --unix-socket "$FX_DIR/st/streams/orders-$1.sock" http://s/metrics | sed -n "s/^ficus_stream_$2{.*} //p"; }
wal() { # MiB
    pg_sql mono shop "drop table if exists public.noise; create table public.noise(t text); alter table public.noise alter t set storage plain;
        insert into public.noise select repeat('x', 8000) from generate_series(1, $1 * 125); truncate public.noise" >/dev/null
    pg_sql mono shop "select pg_switch_wal()" >/dev/null
}

# --- streams that run -----------------------------------------------------------------------------------------------------
exits 0 "the streams start" ficus cdc start --context orders --execute
check "the forward stream has asked" until_ok 30 is forward log_state reserved
check "the reverse stream has asked" until_ok 30 is reverse log_state reserved
same "without limits nothing is left over" "-1 -1 -1 -1" "$(field forward log_left_bytes) $(field forward log_left_s) $(field reverse log_left_bytes) $(field reverse log_left_s)"
check "text says that the disk is the limit" says "without a limit but its disk" "$(ficus cdc status --context orders)"
check "metrics have it" test "$(metric forward log_kept_bytes)" -ge 0
same "and that nothing is lost" 0 "$(metric reverse log_lost)"
my_sql orders orders "set global binlog_expire_logs_seconds = 7200"
left() { local s; s=$(field reverse log_left_s); [ "$s" -gt 7000 ] && [ "$s" -le 7200 ]; }
check "an expiry of the binary log is a limit" until_ok 30 left

# --- streams that are stopped ----------------------------------------------------------------------------------------------
exits 0 "they stop" ficus cdc stop --context orders --execute
pg_sql mono shop "alter system set max_slot_wal_keep_size = '96MB'"
pg_sql mono shop "select pg_reload_conf()" >/dev/null
wal 20
told=$(ficus cdc status --context orders 2>&1)
check "the servers are asked for it" says "the source keeps " "$told"
check "with what more fits" says " more fit, at this rate for " "$told"
check "and the command that reads on" says "ficus cdc start --context orders --execute" "$told"
same "both streams are told" 2 "$(echo "$told" | grep -c "the source keeps ")"
check "beside the error" says "is not running" "$told"
kept=$(field forward log_kept_bytes)
check "20 MiB are kept ($kept)" test "$kept" -ge 20000000
wal 16
check "and more when more is written" test "$(field forward log_kept_bytes)" -gt "$kept"
exits 0 "they start again" ficus cdc start --context orders --quick --execute
pg_sql mono shop "alter system set max_slot_wal_keep_size = '64MB'"
pg_sql mono shop "select pg_reload_conf()" >/dev/null
check "half of what may be kept is used: its log warns" until_ok 30 grep -q "the source soon removes log that is needed" "$FX_DIR/st/streams/orders-forward.log"
caught() { # the slot moves on with a record that a checkpoint writes, once a later position is confirmed
    pg_sql mono shop checkpoint
    pg_sql mono shop "insert into ficus.canary(grp, note) values ('orders.canary', 'on')"
    [ "$(metric forward log_kept_bytes)" -lt 20000000 ]
}
check "a stream that reads on lets it go" until_ok 40 caught

# --- a log that goes ---------------------------------------------------------------------------------------------------------
kill -9 "$(streams_pid forward)" "$(streams_pid reverse)"
wal 70
check "a killed stream is asked for too" says "the source keeps " "$(ficus cdc status --context orders 2>&1)"
for _ in 1 2 3 4; do
    wal 40
    pg_sql mono shop checkpoint
done
my_sql orders orders "insert into order_lines values (1, 1, 'x', 1); flush binary logs; insert into order_lines values (1, 2, 'x', 1); flush binary logs"
same "a file that is needed is found among those that are not" reserved "$(field reverse log_state)"
last=$(my_sql orders orders "show binary logs" | tail -1 | cut -f1)
# The server keeps what the session of a killed reader still uses, until it finds that nobody is there.
purged() {
    my_sql orders orders "purge binary logs to '$last'"
    [ "$(my_sql orders orders "show binary logs" | head -n 1 | cut -f1)" = "$last" ]
}
check "the binary log is purged" until_ok 60 purged
same "a slot that lost its log, and a binary log that was purged" "lost lost" "$(field forward log_state) $(field reverse log_state)"
told=$(ficus cdc status --context orders 2>&1)
check "say so, with the way on" says "the source has removed log that this stream needs, so changes are missing: roll back" "$told"
check "that names the context" says "ficus cdc drop --context orders" "$told"
check "the server says the same" says "lost" "$(pg_sql mono shop "select wal_status from pg_replication_slots")"
exits 0 "which works" ficus cdc drop --context orders --execute --confirm=orders
check "streams that were never started need none" says "is not running" "$(ficus cdc status --context orders 2>&1)"
same "and nothing is said of a log" "" "$(ficus cdc status --context orders 2>/dev/null)"
fx_done
