#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TRUNCATE of a carried table on the side that owns it empties the other side's, in both directions, wherever a stream is
# killed. On a side that does not own it the stream stops and deletes nothing.
# seconds: 60
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"
. "$(dirname "$0")/../harness/ddl.sh"
my() { my_sql orders orders "$1"; }
killed() { # STREAM FAILPOINT: armed there at the start of both
    FICUS_FAILPOINT=$2 ficus cdc start --quick >/dev/null 2>&1
    until_ok 20 is_down "$1"
    ficus cdc stop >/dev/null 2>&1
}
is_down() { ! curl -s -m 1 -o /dev/null --unix-socket "$FX_DIR/st/streams/orders-$1.sock" http://s/status; }

# --- PostgreSQL owns ----------------------------------------------------------------------------------------------------------
sql "alter table order_lines add constraint parent foreign key (order_id) references orders(id);
    insert into orders(id, customer) select g, 'c' from generate_series(1, 250000) g;
    insert into order_lines select g, 1, 's', g from generate_series(1, 1000) g"
live
sql "truncate orders restart identity cascade"
streams_caught_up
streams_same "TRUNCATE … CASCADE empties both tables on MariaDB, in more than one part"
same "nothing is there" 0 "$(my "select (select count(*) from customer_orders) + (select count(*) from order_lines)")"
sql "begin; insert into orders(id, customer) values (1, 'gone'); insert into order_lines values (1, 1, 'gone', 1); truncate orders, order_lines;
    insert into orders(id, customer) values (1, 'new'); insert into order_lines values (1, 1, 'new', 1); savepoint a; truncate order_lines; rollback to a; commit"
sql "begin; truncate order_lines; rollback"
streams_caught_up
streams_same "in the middle of a transaction its order counts, and one that is rolled back is none"
same "the rows of afterwards are there" "1/1" "$(sum_my)"
same "no leak" 0 "$(streams_status forward leaks)"
same "the reverse stream takes nothing of it for a customer's" 0 "$(streams_status reverse applied_rows)"
for point in truncate.part.after:kill truncate.done.after:kill apply.commit.before:kill apply.commit.after:kill; do
    sql "delete from order_lines; insert into order_lines select 1, g, 's', g from generate_series(2, 20) g"
    streams_caught_up
    ficus cdc stop >/dev/null 2>&1
    sql "truncate order_lines; insert into order_lines select 1, g, 't', g from generate_series(3, 9) g"
    check "the forward stream dies at $point" killed forward "$point"
    live
    streams_caught_up
    streams_same "and nothing is lost when it is started again"
done

# --- MariaDB does not own -----------------------------------------------------------------------------------------------------
my "truncate order_lines"
check "TRUNCATE on a side that owns nothing stops the stream" until_ok 10 stopped reverse
check "saying so" says "was truncated on database" "$(error_of reverse)"
check "and why" says "which does not own it" "$(error_of reverse)"
check "and what is still there" says "still has its rows" "$(error_of reverse)"
check "and what to do" says "ficus cdc drop --context orders --execute --confirm=orders" "$(error_of reverse)"
same "the owner's rows are there" 7 "$(sql "select count(*) from order_lines")"

# --- MariaDB owns -------------------------------------------------------------------------------------------------------------
fresh
sql "alter table order_lines drop constraint parent; delete from order_lines; delete from orders; insert into orders(id, customer) select g, 'c' from generate_series(1, 100) g;
    insert into order_lines select g, 1, 's', g from generate_series(1, 100) g"
live
same "ownership is installed" installed "$("$FX_BUILD/tests/integration/fence_tool" "$FX_DIR/ficus.yaml" orders install 2>&1)"
sql "update ficus.own set state = 'AWAY', epoch = 2"
my_sql orders ficus "update own set state = 'HERE', epoch = 2"
streams_probe_back
my "truncate order_lines; insert into order_lines values (1, 1, 'n', 5); truncate table customer_orders"
streams_probe_back
check "the reverse stream goes on over it" streams_phase reverse stream
streams_same "and PostgreSQL has what MariaDB has"
same "the rows of afterwards" "1/5" "$(sum_pg)"
for point in truncate.part.after:kill truncate.done.after:kill apply.commit.before:kill; do
    my "delete from order_lines; insert into order_lines select seq, 2, 's', seq from seq_1_to_50"
    streams_probe_back
    ficus cdc stop >/dev/null 2>&1
    my "insert into order_lines values (7, 7, 'x', 7); truncate orders.order_lines; insert into order_lines values (1, 3, 'n', 6)"
    check "the reverse stream dies at $point" killed reverse "$point"
    live
    streams_probe_back
    streams_same "and nothing is lost when it is started again"
done
my "create temporary table order_lines(n int); insert into order_lines values (1); truncate order_lines; drop temporary table order_lines"
streams_probe_back
streams_same "a temporary table of that name is another table"
check "and does not stop the stream" streams_phase reverse stream
ficus cdc stop >/dev/null 2>&1
my "truncate order_lines; update ficus.own set state = 'FENCED', epoch = 3 where grp = 'orders'; update ficus.own set state = 'AWAY' where grp = 'orders'"
live
streams_probe_back
same "of who owned it the log decides, not what is known when the stream starts" 0 "$(sql "select count(*) from order_lines")"
ficus cdc stop >/dev/null 2>&1
sql "update ficus.own set state = 'HERE', epoch = 3 where grp = 'orders'; insert into order_lines values (1, 1, 'owner', 1)"
my "truncate order_lines; update ficus.own set state = 'HERE', epoch = 4 where grp = 'orders'"
ficus cdc start --quick >/dev/null 2>&1
check "one that came before the side owned the table stops the stream" until_ok 15 stopped reverse
check "saying so" says "which does not own it" "$(error_of reverse)"
same "and the owner's rows are there" 1 "$(sql "select count(*) from order_lines")"
fx_done
