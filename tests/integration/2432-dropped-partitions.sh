#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Partitions that are dropped, detached, emptied or packed while the streams run: a stop that says which and has a way on,
# `dropped_partitions: keep_rows`, and what a person accepted stays accepted, also when the stream is killed right after it.
# seconds: 75
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"
. "$(dirname "$0")/../harness/ddl.sh"

sql() { pg_sql mono shop "set client_min_messages = error; set search_path = public; $1"; }
my() { my_sql orders orders "$1"; }
each() { # statements that want no transaction around them
    printf '%s;\n' "set search_path = public; set client_min_messages = error" "$@" |
        psql -X -q -v ON_ERROR_STOP=1 -h "${PG_SOCK[mono]}" -p "${PG_PORT[mono]}" -U ficus -d shop || not_ok "$*"
}
live() {
    ficus cdc start --quick "$@" >"$FX_DIR/start.out" 2>&1 || { not_ok "start: $(cat "$FX_DIR/start.out")"; fx_done; exit 1; }
    until_ok 30 streams_phase forward stream || not_ok "live"
    until_ok 30 streams_phase reverse stream || not_ok "the reverse stream is live"
}
offered() { error_of "$1" | grep -o 'accept-ddl=[^ .]*[^ ]*' | head -n 1 | sed 's/\.$//'; }
leaks_my() { my_sql orders ficus "select coalesce(sum(n), 0) from leak where what like '$1'"; }
leaks_pg() { pg_sql mono shop "select coalesce(sum(n), 0) from ficus.leak where what like '$1'"; }
kill_streams() {
    for d in forward reverse; do kill -9 "$(streams_pid $d)"; done
    until_ok 10 none_answers || not_ok "the streams are gone"
}
none_answers() { [ -z "$(streams_pid forward)$(streams_pid reverse)" ]; }

key="order_id bigint, line_no integer, sku varchar(64), qty integer, primary key (order_id, line_no)"
sql "drop table order_lines; create table order_lines($key) partition by range (order_id);
    create table lines_1 partition of order_lines for values from (0) to (100);
    create table lines_2 partition of order_lines for values from (100) to (200);
    create table lines_3 partition of order_lines for values from (200) to (300);
    create table lines_4 partition of order_lines for values from (300) to (400);
    create table lines_5 partition of order_lines for values from (400) to (500);
    insert into order_lines select g, 1, 's', g from generate_series(91, 110) g"
my "drop table order_lines; create table order_lines($key) partition by range (order_id) (partition p1 values less than (100),
    partition p2 values less than (200), partition p3 values less than (300), partition p4 values less than maxvalue)"
live

# --- packed: empty, and with rows that nobody has looked at yet -----------------------------------------------------------------
each "vacuum full lines_4"
sleep 2.5
check "VACUUM FULL of an empty partition does not stop the stream" streams_phase forward stream
each "insert into order_lines values (401, 1, 'new', 1)" "vacuum full lines_5"
sleep 2.5
check "nor does one of a partition that was just written" streams_phase forward stream
streams_caught_up
same "the row is there" 1 "$(my "select count(*) from order_lines where order_id = 401")"
same "ficus.leak says what cannot be told from a TRUNCATE" 2 "$(leaks_my 'partition with a new file%lines_%')"
ficus cdc stop >/dev/null
live
sleep 1.5
same "each is said once" 2 "$(leaks_my 'partition with a new file%lines_%')"

# --- dropped -----------------------------------------------------------------------------------------------------------------
sql "drop table lines_1; alter table order_lines detach partition lines_2"
check "partitions that go stop the stream" until_ok 10 stopped forward
check "the error names the first" says "public.lines_1" "$(error_of forward)"
check "and the one that was detached" says "public.lines_2 (detached" "$(error_of forward)"
check "and who still has the rows" says 'database \"orders\" still has them' "$(error_of forward)"
check "and the key that passes it" says "dropped_partitions: keep_rows" "$(error_of forward)"
what=$(offered forward)
check "and the command: $what" says "public.order_lines@" "$what"
FICUS_FAILPOINT=stream.open.after:kill ficus cdc start --quick "--$what" >/dev/null 2>&1
until_ok 10 none_answers || { ficus cdc stop >/dev/null 2>&1; true; }
live
check "what a person accepted is accepted, also when the stream is killed as soon as it says so" streams_phase forward stream
same "ficus.leak says it" 1 "$(leaks_my 'DDL accepted by hand%order_lines%')"
same "the rows stay on the other side" 20 "$(my "select count(*) from order_lines where order_id < 200")"

# --- by the key in ficus.yaml, which a running context takes --------------------------------------------------------------------
sed -i 's/- public.order_lines/- {from: public.order_lines, dropped_partitions: keep_rows}/' "$FX_DIR/ficus.yaml"
ficus cdc stop >/dev/null
live
sql "insert into order_lines values (201, 1, 'c', 3); insert into order_lines values (301, 1, 'd', 3)"
streams_caught_up
sql "drop table lines_3"
each "truncate lines_4"
sleep 2.5
check "with keep_rows dropped and emptied partitions do not stop the stream" streams_phase forward stream
same "ficus.leak names both" 2 "$(leaks_my 'rows of dropped partitions%lines_3%' | awk -v m="$(leaks_my 'rows of dropped partitions%lines_4%')" '{ print ($1 > 0) + (m > 0) }')"
sql "insert into order_lines values (402, 1, 'e', 4)"
streams_caught_up
same "and the stream goes on" 1 "$(my "select count(*) from order_lines where order_id = 402")"
sql "create table lines_8 partition of order_lines for values from (700) to (800)"
sleep 2.5
hold() { curl -sf -m 20 --unix-socket "$FX_DIR/st/streams/orders-forward.sock" -d '{"limit_ms": 9000}' http://s/hold >/dev/null; }
check "a stream that is paused" hold
sql "drop table lines_8"
said_8() { [ "$(leaks_my 'rows of dropped partitions%lines_8%')" = 1 ]; }
check "says what it passes, too" until_ok 6 said_8
sql "insert into order_lines values (403, 1, 'f', 5)"
sleep 0.5
asked() { sql "select pg_stat_force_next_flush()" >/dev/null 2>&1; sleep 1.1; sql "select xact_commit from pg_stat_database where datname = 'shop'"; }
n=$(asked)
n=$(($(asked) - n))
check "and does not look at the catalog without end while it is paused ($n transactions in a second)" [ "$n" -lt 100 ]
streams_caught_up
same "afterwards it goes on" 1 "$(my "select count(*) from order_lines where order_id = 403")"
same "having said it once" 1 "$(leaks_my 'rows of dropped partitions%lines_8%')"
sql "create table lines_6($key); insert into lines_6 values (501, 1, 'x', 1);
    alter table order_lines attach partition lines_6 for values from (500) to (600); drop table lines_5"
check "one that comes with rows still stops it" until_ok 10 stopped forward
check "saying so" says "attached with rows" "$(error_of forward)"
ficus cdc start --quick "--$(offered forward)" >/dev/null 2>&1
check "and can be accepted" until_ok 15 streams_phase forward stream


# --- the other engine -----------------------------------------------------------------------------------------------------------
n=$(leaks_pg '%')
my "alter table order_lines drop partition p1"
my "alter table order_lines truncate partition p2, p3"
until_ok 15 [ "$(leaks_pg 'rows of dropped partitions%')" -ge 2 ] || sleep 2
same "on MariaDB the same: each statement is said" 2 "$(leaks_pg 'rows of dropped partitions%')"
check "and the stream goes on" streams_phase reverse stream
kill_streams
live
sleep 1
same "nor is it said again after a kill" $((n + 2)) "$(leaks_pg '%')"
sed -i 's/, dropped_partitions: keep_rows//' "$FX_DIR/ficus.yaml"
ficus cdc stop >/dev/null
live
my "alter table order_lines add partition (partition p5 values less than (900))" 2>/dev/null ||
    my "alter table order_lines reorganize partition p4 into (partition p4 values less than (600), partition p5 values less than maxvalue)"
my "alter table order_lines order by qty"
sleep 1.5
check "a partition that is cut in two and ORDER BY do not stop it" streams_phase reverse stream
my "alter table order_lines drop partition p2"
my "alter table order_lines drop partition p3"
check "without the key partitions that go stop it" until_ok 15 stopped reverse
check "the error names the table" says "orders.order_lines" "$(error_of reverse)"
check "and who still has the rows" says 'database \"mono\" still has them' "$(error_of reverse)"
ficus cdc start --quick "--$(offered reverse)" >/dev/null 2>&1
until_ok 15 stopped reverse
check "the next statement is a stop of its own" says "p3" "$(error_of reverse)"
ficus cdc start --quick "--$(offered reverse)" >/dev/null 2>&1
check "and the first needs no word again" until_ok 15 streams_phase reverse stream
my "create database percona; create table percona.checksums(chunk int primary key, n int)"
mariadb --no-defaults -S "${MY_SOCK[orders]}" -u root orders -e "set session binlog_format = 'STATEMENT';
    replace into percona.checksums select 1, count(*) from orders.order_lines" || not_ok "a checksum"
check "a tool that compares by statements stops it" until_ok 15 stopped reverse
check "with what to do" says "pt-table-checksum" "$(error_of reverse)"
ficus cdc start --quick "--$(offered reverse)" >/dev/null 2>&1
check "and can be accepted" until_ok 15 streams_phase reverse stream

# --- what comes with rows that are changed at once ------------------------------------------------------------------------------
streams_caught_up
sql "begin; create table lines_7($key); insert into lines_7 values (601, 1, 'x', 1), (602, 1, 'x', 1);
    alter table order_lines attach partition lines_7 for values from (600) to (700); update order_lines set qty = 2 where order_id > 600; commit"
check "a partition whose rows are all changed in the transaction that attaches it stops the stream" until_ok 10 stopped forward
check "and is named as the cause" says "a partition was attached" "$(error_of forward)"
check "by its name" says "lines_7" "$(error_of forward)"

# --- more than an error has room for ---------------------------------------------------------------------------------------------
ficus cdc drop --confirm=orders >"$FX_DIR/drop.out" 2>&1 || not_ok "drop: $(cat "$FX_DIR/drop.out")"
my "delete from customer_orders; delete from order_lines"
my_sql orders ficus "delete from canary" 2>/dev/null
long=a_table_with_a_name_that_takes_most_of_what_it_may
for i in 01 02 03 04 05 06 07 08 09 10 11 12; do
    sql "create table ${long}_$i(id bigint primary key) partition by range (id); create table ${long}_${i}_p1 partition of ${long}_$i for values from (0) to (9);
        insert into ${long}_$i values (1)"
    my "create table ${long}_$i(id bigint primary key)"
    sed -i "s|^    tables:|&\n      - public.${long}_$i|" "$FX_DIR/ficus.yaml"
    drops="${drops-}drop table ${long}_${i}_p1;"
done
live
sql "begin; $drops commit"
check "DDL on twelve tables stops the stream" until_ok 10 stopped forward
what=$(offered forward)
check "one word stands for all of them: $what" says "accept-ddl=all@" "$what"
check "the error counts those that it has no room for" says "more, which the log of the stream names" "$(error_of forward)"
same "the log names each" 12 "$( (error_of forward; cat "$FX_DIR/st/streams/orders-forward.log") | grep -o "streamed: public.${long}_.._p1" | sort -u | grep -c .)"
ficus cdc start --quick --accept-ddl=all@0000000000000000 >/dev/null 2>&1
until_ok 10 none_answers || { ficus cdc stop >/dev/null 2>&1; true; }
check "another word passes nothing" stopped forward
FICUS_FAILPOINT=stream.open.after:kill ficus cdc start --quick "--$what" >/dev/null 2>&1
until_ok 10 none_answers || { ficus cdc stop >/dev/null 2>&1; true; }
live
check "the word passes all, and they stay accepted" streams_phase forward stream
same "ficus.leak names each table" 12 "$(my_sql orders ficus "select count(distinct substring_index(what, '@', 1)) from leak where what like 'DDL accepted by hand%${long}%@%'")"
fx_done
