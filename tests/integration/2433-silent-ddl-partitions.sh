#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# DDL on PostgreSQL that changes rows without a change in the log: partitions that come with rows, that leave and come back, that
# are emptied and filled. Each is a loud stop; partitions that come empty, or are packed, are none.
# seconds: 40
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"
. "$(dirname "$0")/../harness/ddl.sh"

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
check "the error names the partition" says "public.lines_5" "$(error_of forward)"
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
partition "a partition that is truncated, filled and analyzed" "truncated or rewritten: public.lines_1" "truncate lines_1, lines_2;
    insert into order_lines values (1, 1, 'z', 1), (101, 1, 'z', 1); analyze lines_1; analyze lines_2; analyze order_lines"
check "each one is named" says "truncated or rewritten: public.lines_2" "$(error_of forward)"
partition "a partition that leaves and comes back" "detached and attached again: public.lines_1" "alter table order_lines detach partition lines_1;
    delete from lines_1 where order_id = 95; alter table order_lines attach partition lines_1 for values from (0) to (100);
    create table lines_3 ($lines); insert into lines_3 values (201, 1, 'e', 7); alter table order_lines attach partition lines_3 for values from (200) to (300)"
check "and what else was done to the table is told" says "attached with rows in it, which the log does not have: public.lines_3" "$(error_of forward)"
partition "a partition that is not logged" "unlogged" "alter table lines_1 set unlogged; delete from order_lines where order_id = 95"
sql "alter table lines_1 set logged"
check "nor when it is logged again" starts_in_vain
check "saying so" says "truncated or rewritten" "$(error_of forward)"
fx_done
