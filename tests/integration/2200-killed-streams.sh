#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SIGKILL of the stream processes at numbered and at random moments, and of both servers, under a writer: nothing is
# lost, nothing is applied twice, no command but `cdc start` is needed.
# seconds: 70
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
streams_tables
pg_sql mono shop "insert into orders(id, customer, total, note) select g, 'c' || g, g * 1.01, repeat('x', g % 50) from generate_series(1, 20000) g"
pg_sql mono shop "insert into order_lines select g, n, 'sku' || n, n from generate_series(1, 5000) g, generate_series(1, 2) n"
start() { "$FICUS" cdc start --context orders --quick --execute -f "$FX_DIR/ficus.yaml"; }
# start_killed FAILPOINT: the streams start with it armed, and the forward one dies there
start_killed() {
    FICUS_FAILPOINT=$1 start >/dev/null 2>&1
    until_ok 20 stopped forward
}
stopped() { ! curl -s -m 1 -o /dev/null --unix-socket "$FX_DIR/st/streams/orders-$1.sock" http://s/status; }
lives() { # SERVER SECONDS
    local before=$FX_FAILED
    check "the stream outlives $1" until_ok "$2" streams_phase forward stream
    [ "$FX_FAILED" = "$before" ] || streams_told forward
}

streams_writer_start
for point in copy.slot.before:kill copy.slot.after:kill copy.batch:kill:3 copy.batch:kill:20 copy.done.before:kill \
    copy.done.after:kill apply.commit.before:kill:30 apply.commit.after:kill:30; do
    check "the forward stream dies at $point" start_killed "$point"
    pid=$(streams_pid reverse)
    if [ -n "$pid" ]; then kill -KILL "$pid"; until_ok 5 stopped reverse; fi
done
exits 0 "both streams start again" start
check "the stream is live" until_ok 60 streams_phase forward stream
for i in 1 2 3 4 5 6; do
    sleep "0.$((RANDOM % 9))"
    kill -KILL "$(streams_pid forward)" "$(streams_pid reverse)"
    until_ok 5 stopped forward
    until_ok 5 stopped reverse
    start >/dev/null 2>&1 || not_ok "start after kill $i"
done
crash_server orders
sleep 0.3
restart_my orders
sleep 2
streams_writer_stop # the backlog of the crash is to arrive, not to be outrun
lives MariaDB 90
crash_server mono
sleep 0.3
restart_pg mono
lives PostgreSQL 30
streams_writer_start
sleep 1
streams_writer_stop
streams_caught_up
streams_same "nothing was lost and nothing applied twice"
same "no leak" 0 "$(streams_status forward leaks)"
fx_done
