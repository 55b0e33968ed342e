#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A MariaDB that is killed while it writes a transaction to its binary log rolls it back when it starts, and leaves its
# beginning in the log. The reverse stream takes back what it has applied of it and goes on in the next file, whether
# the log ends inside an event (the usual case) or between two, and whether or not the transaction was the stream's.
# The server gives the number of the torn transaction to the next one, which must not be taken for applied.
# seconds: 15
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
streams_tables
log_now() { my_sql orders orders "show master status" | cut -f 1; }
size_of() { stat -c %s "$FX_DIR/orders/d/$1"; }

# torn TABLE: runs a large transaction on it and kills the server while its log grows; torn_log is the file
torn() {
    local before pid i
    torn_log=$(log_now)
    before=$(size_of "$torn_log")
    {
        echo "begin;"
        for i in {1..90}; do echo "insert into $1(id, note) values ($((7000 + i)), repeat('x', 1000000));"; done
        echo "commit;"
    } >"$FX_DIR/big.sql"
    (trap - EXIT; my_file orders orders "$FX_DIR/big.sql" >"$FX_DIR/big.out" 2>&1) &
    pid=$!
    for ((i = 0; i < 20000; i++)); do [ "$(size_of "$torn_log")" -gt $((before + 3000000)) ] && break; done
    crash_server orders
    wait "$pid"
}
# The log up to the end of its last whole event.
whole_events() {
    mariadb-binlog --no-defaults "$FX_DIR/orders/d/$torn_log" 2>/dev/null |
        sed -n 's/^#.* end_log_pos \([0-9]*\) .*/\1/p' | tail -n 1
}
exits 0 "both streams start" "$FICUS" cdc start --context orders --execute -f "$FX_DIR/ficus.yaml"
until_ok 30 streams_phase reverse stream || not_ok "the reverse stream is live"

for form in event boundary; do
    # The stream stands still before, so that its position is one behind which the torn transaction is read again.
    pid=$(streams_pid reverse)
    kill -STOP "$pid"
    my_sql orders orders "insert into customer_orders(id, qty) values ($((8000 + ${#form})), 4)"
    torn orders.customer_orders
    if [ "$form" = boundary ]; then truncate -s "$(whole_events)" "$FX_DIR/orders/d/$torn_log"; fi
    restart_my orders
    kill -CONT "$pid"
    same "killed in the middle ($form): the server rolled it back" 0 "$(my_sql orders orders "select count(*) from customer_orders where id between 7000 and 7999")"
    check "and its log does not end where a transaction ends" test -z "$(mariadb-binlog --no-defaults "$FX_DIR/orders/d/$torn_log" 2>/dev/null | tail -n 20 | grep -a Xid)"
    my_sql orders orders "insert into customer_orders(id, qty) values ($((9000 + ${#form})), 5)"
    streams_probe_back
    same "nothing of it is on the other side" 0 "$(pg_sql mono shop "select count(*) from orders where id between 7000 and 7999")"
    check "the stream read its beginning" grep -q "incomplete transaction in the binary log was undone" "$FX_DIR/st/streams/orders-reverse.log"
    : >"$FX_DIR/st/streams/orders-reverse.log"
    same "what came before is" 4 "$(pg_sql mono shop "select qty from orders where id = $((8000 + ${#form}))")"
    same "what came later is" 5 "$(pg_sql mono shop "select qty from orders where id = $((9000 + ${#form}))")"
    same "no leak was counted" 0 "$(streams_status reverse leaks)"
done

my_sql orders orders "create database other; create table other.t (id int primary key, note longblob)"
torn other.t
restart_my orders
my_sql orders orders "insert into customer_orders(id, qty) values (9100, 6)"
streams_probe_back
same "a torn transaction on other tables is passed" 6 "$(pg_sql mono shop "select qty from orders where id = 9100")"
streams_same "and both sides are equal"
fx_done
