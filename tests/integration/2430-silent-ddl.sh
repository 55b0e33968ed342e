#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# DDL on PostgreSQL that changes rows without a change in the log: rewrites between slot and copy, rewrites while streaming,
# partitions that come with rows, children by inheritance, a publication that was another one for a moment. Each is carried
# or a loud stop; what keeps the rows as they are (VACUUM FULL, CLUSTER, SET TABLESPACE) is neither.
# seconds: 90
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
streams_tables
ficus() { "$FICUS" "$@" --context orders --execute -f "$FX_DIR/ficus.yaml"; }
stopped() { [ -s "$FX_DIR/st/streams/orders-$1.error" ]; }
error_of() { cat "$FX_DIR/st/streams/orders-$1.error"; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
sql() { pg_sql mono shop "set client_min_messages = error; set search_path = public; $1"; }
each() { # statements that want no transaction around them
    printf '%s;\n' "set search_path = public; set client_min_messages = error" "$@" |
        psql -X -q -v ON_ERROR_STOP=1 -h "${PG_SOCK[mono]}" -p "${PG_PORT[mono]}" -U ficus -d shop || not_ok "$*"
}
has_slot() { [ "$(sql "select 1 from pg_replication_slots where slot_name = 'ficus_orders'")" = 1 ]; }
starts_in_vain() {
    ficus cdc start --quick >/dev/null 2>&1
    ! until_ok 2 streams_phase forward stream
}
stop_says() { # TEXT WORDS
    check "$1 stops the stream" until_ok 10 stopped forward
    check "as drift" says DRIFT "$(error_of forward)"
    check "naming the table" says public. "$(error_of forward)"
    check "and why: $2" says "$2" "$(error_of forward)"
}
fresh() { # an empty target and no streams
    ficus cdc drop --confirm=orders >"$FX_DIR/drop.out" 2>&1 || [ $# = 1 ] || not_ok "drop: $(cat "$FX_DIR/drop.out")"
    my_sql orders orders "delete from customer_orders; delete from order_lines"
    my_sql orders ficus "delete from canary" 2>/dev/null
    sql "drop table if exists lines_child cascade"
}
live() {
    ficus cdc start --quick >"$FX_DIR/start.out" 2>&1 || not_ok "start: $(cat "$FX_DIR/start.out")"
    until_ok 30 streams_phase forward stream || not_ok "live"
}
lines="order_id bigint, line_no integer, sku varchar(64), qty integer, primary key (order_id, line_no)"
plain() { # order_lines as a table with 1,000 rows
    fresh
    sql "drop table order_lines cascade; create table order_lines($lines);
        insert into order_lines select g, 1, 's', g from generate_series(1, 1000) g"
}
parted() { # order_lines as a partitioned one with 20 rows in two partitions, and an empty one
    fresh
    sql "drop table order_lines cascade; create table order_lines($lines) partition by range (order_id);
        create table lines_1 partition of order_lines for values from (0) to (100);
        create table lines_2 partition of order_lines for values from (100) to (200);
        insert into order_lines select g, 1, 's', g from generate_series(91, 110) g"
}
sum_my() { my_sql orders orders "select concat(count(*), '/', ifnull(sum(qty), 0)) from order_lines"; }
sum_pg() { sql "select count(*) || '/' || coalesce(sum(qty), 0) from order_lines"; }
equal() { streams_caught_up; same "$1" "$(sum_pg)" "$(sum_my)"; }

# --- between the slot and the read ---------------------------------------------------------------------------------------------
during_copy() { # POINT TEXT SQL
    FICUS_FAILPOINT=$1:sleep=2500 FICUS_FAILPOINT_ONCE="$FX_DIR/once.$RANDOM" "$FICUS" cdc start --context orders --execute --quick \
        -f "$FX_DIR/ficus.yaml" >"$FX_DIR/start.out" 2>&1 &
    local start=$!
    until_ok 20 has_slot || not_ok "the slot is made"
    sleep 0.3
    sql "$3"
    wait $start || not_ok "start with $2: $(cat "$FX_DIR/start.out")"
    until_ok 30 streams_phase forward stream || not_ok "live after $2"
}
plain
during_copy copy.slot.after "a rewrite" "alter table order_lines alter qty type integer using qty * 2"
equal "a table that is rewritten between the slot and its copy is copied as it is then"
plain
during_copy copy.slot.after "TRUNCATE" "truncate order_lines; insert into order_lines values (1, 1, 'a', 7), (2, 1, 'b', 9)"
equal "one that is truncated and filled, too"
check "and the stream goes on" streams_phase forward stream
parted
during_copy copy.slot.after "a partition that comes" "create table lines_3 ($lines); insert into lines_3 values (201, 1, 'c', 5);
    alter table order_lines attach partition lines_3 for values from (200) to (300)"
equal "a partition that is attached meanwhile is copied"
plain
during_copy copy.lock.after "a copy" "set lock_timeout = '300ms'; alter table order_lines alter qty type integer using qty * 2" 2>/dev/null
equal "while tables are read nobody rewrites them"

# --- while streaming -----------------------------------------------------------------------------------------------------------
live
sql "update order_lines set qty = qty + 1"
streams_caught_up
sleep 2 # the catalog was looked at since then
each "vacuum full order_lines"
each "alter table order_lines alter qty set statistics 50" "cluster order_lines using order_lines_pkey"
each "set allow_in_place_tablespaces = on" "create tablespace other location ''" "alter table order_lines set tablespace other" \
    "vacuum full order_lines" "alter table order_lines alter sku type varchar(64)" "analyze order_lines" "create index on order_lines(qty)"
sleep 2.5
check "VACUUM FULL, CLUSTER, SET TABLESPACE and an index are no reason to stop" streams_phase forward stream
equal "nor do they change anything"
sql "alter table order_lines alter qty type integer using qty * 2; insert into order_lines values (5000, 1, 'n', 1)"
stop_says "ALTER COLUMN … TYPE the same USING another value" "rewritten by ALTER TABLE"
check "a start does not go on" starts_in_vain
check "the hint names a command that works" says "ficus cdc drop --context orders --execute" "$(error_of forward)"
ficus cdc stop >/dev/null 2>&1
plain
live
ficus cdc stop >/dev/null
each "vacuum full order_lines"
live
equal "what was packed while the stream was down"
ficus cdc stop >/dev/null
each "alter table order_lines alter qty type integer using qty * 2" "vacuum full order_lines" "analyze order_lines"
check "what was rewritten while the stream was down does not start" starts_in_vain
check "saying why" says "rewritten by ALTER TABLE" "$(error_of forward)"

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

# --- partitions ----------------------------------------------------------------------------------------------------------------
parted
live
sql "begin; create table lines_3 partition of order_lines for values from (200) to (300);
    insert into order_lines values (201, 1, 'c', 5); commit"
sql "create table lines_4 ($lines)" && sql "alter table order_lines attach partition lines_4 for values from (300) to (400)"
sql "insert into order_lines values (301, 1, 'd', 6)"
sql "update order_lines set qty = qty + 1"
sleep 2
each "vacuum full lines_1" "analyze lines_1" "vacuum full lines_3"
sleep 2.5
check "partitions that come empty, and ones that are packed, are no reason to stop" streams_phase forward stream
equal "what comes into them is carried"
sql "create table lines_5 ($lines); insert into lines_5 values (401, 1, 'e', 7)"
sql "alter table order_lines attach partition lines_5 for values from (400) to (500); insert into order_lines values (402, 1, 'f', 8)"
stop_says "a partition that is attached with rows" "attached with rows"
check "a start does not go on" starts_in_vain
accepted() { error_of forward | grep -o 'accept-ddl=[^ ]*@[0-9a-f]*' | head -n 1; }
what=$(accepted)
check "a person may vouch for it: $what" says order_lines@ "$what"
sql "update order_lines set qty = qty where order_id = 0"
ficus cdc start --quick "--${what%@*}@00000000" >/dev/null 2>&1
check "for what the error names and nothing else" until_ok 10 stopped forward
ficus cdc start --quick "--$what" >/dev/null 2>&1
check "then the stream goes on" until_ok 10 streams_phase forward stream
sql "insert into order_lines values (403, 1, 'g', 9)"
streams_caught_up
sleep 2.5
check "and still does when it has looked again" streams_phase forward stream
same "until somebody has compared, ficus.leak says so" 1 "$(my_sql orders ficus "select count(*) from leak where what like 'DDL accepted by hand%order_lines%'")"
same "the row that was attached is missing, as nobody has carried it" 0 "$(my_sql orders orders "select count(*) from order_lines where order_id = 401")"
ficus cdc stop >/dev/null 2>&1
live
check "the next start needs no word of anybody" streams_phase forward stream
partition() { # TEXT WORDS SQL
    parted
    live
    sql "$3"
    stop_says "$1" "$2"
}
partition "a table that is filled and attached in one transaction" "attached with rows" "begin; create table lines_3 ($lines);
    insert into lines_3 values (201, 1, 'e', 7); alter table order_lines attach partition lines_3 for values from (200) to (300);
    insert into order_lines values (202, 1, 'f', 8); commit"
partition "a subpartitioned table with rows" "attached with rows" "create table lines_3 ($lines) partition by range (order_id);
    create table lines_3a partition of lines_3 for values from (200) to (300); insert into lines_3 values (201, 1, 'e', 7);
    alter table order_lines attach partition lines_3 for values from (200) to (300)"
partition "a partition that is truncated, filled and analyzed" "truncated or rewritten" "truncate lines_1;
    insert into order_lines values (1, 1, 'z', 1); analyze lines_1; analyze order_lines"
partition "a partition that leaves and comes back" "detached and attached again" "alter table order_lines detach partition lines_1;
    delete from lines_1 where order_id = 95; alter table order_lines attach partition lines_1 for values from (0) to (100)"
partition "a partition that is not logged" "unlogged" "alter table lines_1 set unlogged; delete from order_lines where order_id = 95"
sql "alter table lines_1 set logged"
check "nor when it is logged again" starts_in_vain
check "saying so" says "truncated or rewritten" "$(error_of forward)"
fx_done
