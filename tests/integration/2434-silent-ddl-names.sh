#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# DDL on PostgreSQL that changes rows without a change in the log: children by inheritance, a publication that was another one
# for a moment, another key, names that were exchanged and exchanged back. Each is carried or a loud stop.
# seconds: 40
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"
. "$(dirname "$0")/../harness/ddl.sh"

# --- children by inheritance ---------------------------------------------------------------------------------------------------
plain
live
sql "create table lines_child() inherits (order_lines); insert into lines_child values (7000, 1, 'x', 1)"
stop_says "a child by inheritance" "inherits from public.order_lines"
check "with the statement that undoes it" says "NO INHERIT" "$(error_of forward)"
sql "alter table lines_child no inherit order_lines"
live
equal "after which the stream goes on"
sql "alter table lines_child inherit order_lines"
stop_says "ALTER TABLE … INHERIT" "inherits from public.order_lines"
sql "alter table lines_child no inherit order_lines"

# --- the publication, and what the log says of keys ----------------------------------------------------------------------------
publication() { # TEXT SQL
    plain
    live
    sql "$2"
    stop_says "$1" "publication"
    check "a start does not go on" starts_in_vain
}
publication "a table that left the publication for a moment" "alter publication ficus_orders drop table order_lines;
    update order_lines set qty = 0 where order_id = 5; alter publication ficus_orders add table order_lines"
publication "a publication without deletes for a moment" "alter publication ficus_orders set (publish = 'insert');
    delete from order_lines where order_id = 5; alter publication ficus_orders set (publish = 'insert, update, delete, truncate')"
publication "a publication that was made anew" "begin; drop publication ficus_orders; create publication ficus_orders for table
    orders, order_lines, ficus.canary, ficus.barrier with (publish_via_partition_root = true); commit"
plain
live
sql "alter table order_lines alter qty set not null; create unique index lines_qty on order_lines(qty);
    alter table order_lines replica identity using index lines_qty; delete from order_lines where order_id = 5"
stop_says "another replica identity" "replica identity"
plain
live
sql "alter table order_lines drop constraint order_lines_pkey, add primary key (order_id); delete from order_lines where order_id = 5"
stop_says "a primary key with fewer columns" "no longer in the primary key"

# --- a table that is itself again when somebody looks ----------------------------------------------------------------------------
plain
live
sql "begin; alter table order_lines rename to other; update other set qty = 0 where order_id = 5; alter table other rename to order_lines; commit"
stop_says "a table that is renamed, changed, and renamed back" "it was called \\\"public.other"
check "a start does not go on" starts_in_vain
plain
my_sql orders orders "alter table order_lines add spare int"
sql "alter table order_lines add spare integer"
live
swap="alter table order_lines rename spare to other; alter table order_lines rename qty to spare; alter table order_lines rename other to qty"
sql "begin; $swap; insert into order_lines (order_id, line_no, qty) values (5000, 1, 2); $swap; commit"
stop_says "columns that had each other's names for a moment" "columns were renamed"
my_sql orders orders "alter table order_lines drop spare"
plain
live
sql "begin; create schema other; alter table order_lines set schema other; delete from other.order_lines where order_id = 5;
    alter table other.order_lines set schema public; drop schema other; commit"
stop_says "one that is moved to another schema and back" "it was called \\\"other.order_lines"
fx_done
