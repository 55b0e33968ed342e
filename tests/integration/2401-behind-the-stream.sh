#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a slot does not tell: DDL that moves rows without a change in the log, a publication that lost a table, and
# a target that came back older than what it had confirmed. Each is a loud stop, and stays one until it is undone.
# seconds: 70
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"
. "$(dirname "$0")/../harness/ddl.sh"
slot() { pg_sql mono shop "select confirmed_flush_lsn from pg_replication_slots where slot_name = 'ficus_orders'"; }
progress() { my_sql orders ficus "select position from progress where stream = 'orders-forward'"; }

again() { # a fresh pair of streams over equal data
    ficus cdc drop --confirm=orders >/dev/null 2>&1
    pg_sql mono shop "truncate public.orders, public.order_lines; insert into orders(id) select g from generate_series(1, 10) g"
    my_sql orders orders "delete from customer_orders; delete from order_lines"
    ficus cdc start >/dev/null || not_ok "start again"
    until_ok 30 streams_phase forward stream || not_ok "live again"
}
drift() { # TEXT SQL WORDS
    again
    pg_sql mono shop "insert into order_lines values (1, 1, 'a', 1)"
    streams_caught_up
    pg_sql mono shop "$2"
    check "$1 stops the stream" until_ok 15 stopped forward
    check "as drift" says DRIFT "$(error_of forward)"
    check "naming the table" says "public.order_lines" "$(error_of forward)"
    check "and why" says "$3" "$(error_of forward)"
    check "a start does not go on" starts_in_vain
}

drift "a table that took the name of the carried one" "begin; alter table order_lines rename to lines_old;
    create table public.order_lines($lines); insert into order_lines values (2, 1, 'b', 2); commit" "publication"
pg_sql mono shop "drop table lines_old"
drift "a table that left the publication" "alter publication ficus_orders drop table order_lines" "publication"
drift "a table of which only some rows are published" "alter publication ficus_orders set table ficus.canary, ficus.barrier, orders,
    order_lines where (order_id > 5)" "publication"
drift "a column that was dropped and added again" "alter table order_lines drop column qty; alter table order_lines add column qty integer" qty

pg_sql mono shop "drop table order_lines; create table public.order_lines($lines) partition by range (order_id);
    create table public.lines_1 partition of order_lines for values from (0) to (100);
    create table public.lines_2 partition of order_lines for values from (100) to (200)"
again
pg_sql mono shop "create table public.lines_3 partition of order_lines for values from (200) to (300);
    insert into order_lines values (1, 1, 'a', 1), (101, 1, 'b', 1), (201, 1, 'c', 1); update order_lines set order_id = 102 where order_id = 1"
streams_caught_up
same "a new partition is carried" 3 "$(my_sql orders orders "select count(*) from order_lines")"
sleep 7
check "and is no reason to stop" streams_phase forward stream
pg_sql mono shop "drop table lines_3"
check "a partition that goes with its rows stops the stream" until_ok 15 stopped forward
check "saying so" says "partition" "$(error_of forward)"
check "a start does not go on" starts_in_vain

again
pg_sql mono shop "insert into order_lines values (1, 1, 'a', 1), (101, 1, 'b', 1)"
streams_caught_up
sleep 2.5 # rows younger than the last look at the catalog prove nothing: the stream would stop out of caution
pg_sql mono shop "vacuum full lines_1"
sleep 7
check "a partition that was packed is no reason to stop" streams_phase forward stream
pg_sql mono shop "truncate lines_2"
check "one that was truncated, which the log does not say, stops the stream" until_ok 15 stopped forward
check "saying so" says "a partition was truncated" "$(error_of forward)"

# The target comes back from a backup: it asks for what the slot has been told to forget.
again
streams_caught_up
ficus cdc stop >/dev/null
{
    echo "set sql_log_bin = 0;"
    mariadb-dump --no-defaults -S "${MY_SOCK[orders]}" -u root --databases orders ficus
} >"$FX_DIR/backup.sql"
ficus cdc start >/dev/null
pg_sql mono shop "insert into orders(id) select g from generate_series(11, 20) g"
streams_caught_up
confirmed() { [ "$(slot)" != "$1" ]; }
was=$(slot)
pg_sql mono shop "insert into orders(id) select g from generate_series(21, 30) g"
check "the slot is told what is on the target" until_ok 10 confirmed "$was"
ficus cdc stop >/dev/null
my_file orders mysql "$FX_DIR/backup.sql"
ficus cdc start --quick >/dev/null 2>&1
check "a target that is older than what it confirmed stops the stream" until_ok 10 stopped forward
check "saying so" says "had confirmed" "$(error_of forward)"

# Foreign transactions: the slot stands still only so far, and never beyond the target's own row.
again
pg_sql mono shop "create table public.noise(n int, t text)"
was=$(slot)
pg_sql mono shop "insert into noise select g, repeat('x', 900) from generate_series(1, 30000) g"
check "the slot follows what is nobody's" until_ok 15 confirmed "$was"
covered() { [ "$(pg_sql mono shop "select pg_lsn '$(progress)' >= pg_lsn '$(slot)'")" = t ]; }
check "not beyond the progress row" covered
idle=$(progress)
sleep 12
same "an idle pair of streams writes nothing" "$idle" "$(progress)"
pg_sql mono shop "insert into noise values (1, 'x')"
started=$SECONDS
stop_pg mono
check "PostgreSQL shuts down as fast as ever" test $((SECONDS - started)) -lt 4
fx_done
