#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Barriers and ownership travel in the stream: each barrier is applied with its transaction, the other stream reads it back in
# the loop, and a row accepted while its side is FENCED or AWAY is counted as a leak, by log order, also across a restart.
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
streams_tables
pg_sql mono shop "create schema ficus; create table ficus.own(grp text primary key, state text not null, epoch bigint not null, until timestamptz, operator text);
    insert into ficus.own values ('orders', 'HERE', 1), ('orders.canary', 'HERE', 1)"
my_sql orders mysql "create database ficus; create table ficus.own(grp varchar(64) primary key, state varchar(8) not null, epoch bigint not null, until datetime(6), operator varchar(255));
    insert into ficus.own(grp, state, epoch) values ('orders', 'AWAY', 1), ('orders.canary', 'HERE', 1);
    create table ficus.marker(grp varchar(64) not null, epoch bigint not null, at timestamp(6) not null default current_timestamp(6), primary key (grp, epoch))"
pg_sql mono shop "insert into orders(id, total) select g, 1 from generate_series(1, 100) g"
start() { "$FICUS" cdc start --context orders --quick --execute -f "$FX_DIR/ficus.yaml"; }
stopped() { ! curl -s -m 1 -o /dev/null --unix-socket "$FX_DIR/st/streams/orders-$1.sock" http://s/status; }
has() { [ "$(streams_status "$1" "$2")" = "$3" ]; }
exits 0 "both streams start" start
check "live" until_ok 30 streams_phase forward stream
check "live back" until_ok 30 streams_phase reverse stream

pg_sql mono shop "begin; update ficus.own set state = 'FENCED', epoch = 2 where grp = 'orders'; select pg_logical_emit_message(true, 'ficus', '{\"barrier\":\"orders\",\"epoch\":2}'); commit" >/dev/null
check "the forward stream has read the barrier" until_ok 5 has forward barrier_epoch 2
same "and applied it" 1 "$(my_sql orders ficus "select count(*) from barrier where grp = 'orders' and epoch = 2")"
check "the reverse stream has read past it" until_ok 5 has reverse barrier_epoch 2
same "no leak so far" 0 "$(streams_status forward leaks)"
pg_sql mono shop "update orders set qty = 1 where id = 7"
check "a row while FENCED is a leak" until_ok 5 has forward leaks 1
check "named" grep -qF 'table \"public.orders\" key (id)=([hidden integer]) at ' \
    <(curl -sf -m 5 --unix-socket "$FX_DIR/st/streams/orders-forward.sock" http://s/status)
pg_sql mono shop "update ficus.own set state = 'AWAY', epoch = 3 where grp = 'orders'"
my_sql orders ficus "update own set state = 'HERE', epoch = 3 where grp = 'orders'"
my_sql orders orders "update customer_orders set qty = 2 where id = 8"
streams_probe_back
same "writes of the owner are no leak" 1 "$(pg_sql mono shop "select count(*) from orders where id = 8 and qty = 2")"

my_sql orders ficus "insert into canary(id, grp, note) values (77, 'orders', 'confirm'), (78, 'other.canary', 'not ours')"
streams_probe_back
same "a canary of the owner travels, another context's does not, neither is a leak" "77 0" \
    "$(pg_sql mono shop "select max(id) from ficus.canary where grp = 'orders'") $(streams_status reverse leaks)"
same "another context's canary stays" 0 "$(pg_sql mono shop "select count(*) from ficus.canary where id = 78")"

kill -KILL "$(streams_pid forward)"
until_ok 5 stopped forward
pg_sql mono shop "update orders set qty = 9 where id = 9"
start >/dev/null
check "a leak while the stream was down is found after its restart, the one before is not forgotten" until_ok 10 has forward leaks 2
same "both stand on the target, with the row where it is known" '1 table "public.orders" key (id)=(7)' \
    "$(my_sql orders ficus "select sum(n) - 1, substring_index(min(nullif(what, '')), ' ', 4) from leak where stream = 'orders-forward'" | tr '\t' ' ')"

my_sql orders ficus "start transaction; update own set state = 'FENCED', epoch = 4 where grp = 'orders'; insert into marker(grp, epoch) values ('orders', 4); commit"
check "the reverse stream has read MariaDB's barrier" until_ok 5 has reverse barrier_epoch 4
same "and applied it" 1 "$(pg_sql mono shop "select count(*) from ficus.barrier where grp = 'orders' and epoch = 4")"
check "the forward stream has read past it" until_ok 5 has forward barrier_epoch 4
same "no leak on MariaDB so far" 0 "$(streams_status reverse leaks)"
my_sql orders orders "update customer_orders set qty = 3 where id = 10"
check "a row while MariaDB is FENCED is a leak" until_ok 5 has reverse leaks 1

# Down from before the leak until the side owns again: only what stood in the row before tells.
kill -KILL "$(streams_pid forward)" "$(streams_pid reverse)"
until_ok 5 stopped forward
until_ok 5 stopped reverse
pg_sql mono shop "update orders set qty = 9 where id = 11"
pg_sql mono shop "update ficus.own set state = 'HERE', epoch = 5 where grp = 'orders'; update orders set qty = 9 where id = 12"
my_sql orders orders "update customer_orders set qty = 4 where id = 13"
my_sql orders ficus "update own set state = 'HERE', epoch = 5 where grp = 'orders'"
start >/dev/null
check "a leak on PostgreSQL before it owned again is found" until_ok 10 has forward leaks 3
check "and one on MariaDB" until_ok 10 has reverse leaks 2
same "which stand on the other side" 2 "$(pg_sql mono shop "select sum(n) from ficus.leak where stream = 'orders-reverse'")"

# Whoever has dealt with them deletes them; then the count begins anew.
my_sql orders ficus "delete from leak where stream = 'orders-forward'"
kill -KILL "$(streams_pid forward)"
until_ok 5 stopped forward
start >/dev/null
check "leaks that were dealt with are gone" until_ok 10 has forward leaks 0
fx_done
