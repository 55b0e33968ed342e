#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What cannot be carried stops the stream loudly, at a clean position, naming table and key: a value that the target cannot
# hold, a row that someone else changed on the target, DDL, TRUNCATE by who does not own the table. And preflight finds what it can before.
# seconds: 40
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
streams_tables
start() { "$FICUS" cdc start --context orders --execute --show-values -f "$FX_DIR/ficus.yaml" "$@"; }
stopped() { [ -s "$FX_DIR/st/streams/orders-$1.error" ]; }
error_of() { cat "$FX_DIR/st/streams/orders-$1.error"; }
progress() { my_sql orders ficus "select position from progress where stream = 'orders-forward'"; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }

pg_sql mono shop "insert into orders(id, score) values (1, 'NaN')"
exits 4 "preflight finds a value that the target cannot hold" start
check "and names it" says "(id)=(1)" "$(start 2>&1)"
pg_sql mono shop "update orders set score = 1"
pg_sql mono shop "update orders set doc = '{\"a\":1,\"b\":{\"k\":1,\"\\u006b\":2}}'"
exits 4 "preflight finds JSON of which the two servers read different members" start
check "and names it" says "two members of one name" "$(start 2>&1)"
pg_sql mono shop "update orders set doc = '{\"a\":1,\"b\":[{\"a\":1},{\"a\":2}]}'"
my_sql orders orders "alter table order_lines modify sku varchar(64) character set utf8mb3"
pg_sql mono shop "insert into order_lines values (1, 1, 'fine: äß€'), (1, 2, '🌳')"
check "preflight finds a character that the target's character set lacks" says utf8mb3 "$(start 2>&1)"
check "and names its row, and that one only" says "(order_id, line_no)=(1, 2)" "$(start 2>&1)"
pg_sql mono shop "delete from order_lines"
my_sql orders orders "alter table order_lines modify sku enum('a', 'it''s', 'b\\\\c') collate utf8mb4_general_ci"
pg_sql mono shop "insert into order_lines values (1, 1, 'a'), (1, 2, 'it''s'), (1, 3, E'b\\\\c'), (1, 4, 'A')"
check "preflight finds a label that would be stored as another" says "(order_id, line_no)=(1, 4)" "$(start 2>&1)"
same "and that one only" 1 "$(start 2>&1 | grep -o "byte for byte" | wc -l)"
pg_sql mono shop "delete from order_lines"
my_sql orders orders "alter table order_lines modify sku varchar(64)"
my_sql orders orders "insert into customer_orders(id) values (1)"
check "preflight finds a target table that is not empty" says "not empty" "$(start 2>&1)"
same "a start that is refused installs nothing" 0 "$(pg_sql mono shop "select count(*) from pg_namespace where nspname = 'ficus'")"
my_sql orders orders "delete from customer_orders"
exits 0 "both streams start" start
check "live" until_ok 30 streams_phase forward stream
check "in both directions" until_ok 30 streams_phase reverse stream
streams_probe_back
same "what was emptied before the copy stays where it was" 1 "$(pg_sql mono shop "select count(*) from orders")"

pg_sql mono shop "insert into orders(id, score) values (2, 2)"
streams_caught_up
was=$(progress)
pg_sql mono shop "begin; insert into orders(id) values (3); update orders set score = 'Infinity' where id = 2; commit"
check "a value that cannot be carried stops the stream" until_ok 10 stopped forward
check "naming table and key" says "(id)=(2)" "$(error_of forward)"
same "at a clean position: nothing of the transaction is there" 0 "$(my_sql orders orders "select count(*) from customer_orders where id = 3")"
same "and progress has not moved" "$was" "$(progress)"
exits 1 "status says stopped" "$FICUS" cdc status --context orders -f "$FX_DIR/ficus.yaml"
exits 0 "drop" "$FICUS" cdc drop --context orders --execute --confirm=orders -f "$FX_DIR/ficus.yaml"

again() { # a fresh pair of streams over equal data
    "$FICUS" cdc drop --context orders --execute --confirm=orders -f "$FX_DIR/ficus.yaml" >/dev/null 2>&1
    pg_sql mono shop "delete from orders; delete from ficus.canary; insert into orders(id) select g from generate_series(1, 10) g"
    my_sql orders orders "delete from customer_orders; delete from ficus.canary"
    start >/dev/null || not_ok "start again"
    until_ok 30 streams_phase forward stream || not_ok "live again"
}
again
my_sql orders orders "set foreign_key_checks=1; set sql_log_bin=0; delete from customer_orders where id = 5"
pg_sql mono shop "begin; update orders set qty = 1 where id in (1, 2); update orders set qty = 7 where id = 5; commit"
check "a row that is missing on the target stops the stream" until_ok 10 stopped forward
check "naming table and key" says "(id)=(5)" "$(error_of forward)"
check "as a conflict" says TARGET_CONFLICT "$(error_of forward)"
check "with a next command" says "ficus cdc start --context orders --execute" "$(error_of forward)"
my_sql orders orders "set sql_log_bin=0; insert into customer_orders(id) values (5)"
exits 0 "which works when the row is mended" start
check "live" until_ok 10 streams_phase forward stream
streams_same "and nothing is missing"

again
my_sql orders orders "set sql_log_bin=0; insert into customer_orders(id) values (50)"
pg_sql mono shop "insert into orders(id) select g from generate_series(45, 55) g"
check "a row that is there already stops the stream" until_ok 10 stopped forward
check "naming table and key" says "(id)=(50)" "$(error_of forward)"
check "with the next command" says "ficus cdc start --context orders --execute" "$(error_of forward)"
same "the transaction is not half there" 0 "$(my_sql orders orders "select count(*) from customer_orders where id in (45, 46)")"

again
pg_sql mono shop "insert into orders(id, doc) values (60, '{\"a\":1,\"a\":2}')"
check "such JSON stops the stream" until_ok 10 stopped forward
check "naming table and key" says "(id)=(60)" "$(error_of forward)"
pg_sql mono shop "delete from orders where id = 60"

again
pg_sql mono shop "alter table orders add column extra int; insert into orders(id) values (100)"
check "DDL on PostgreSQL stops the stream" until_ok 10 stopped forward
check "as drift, naming the column" says extra "$(error_of forward)"
pg_sql mono shop "alter table orders drop column extra"

again
pg_sql mono shop "insert into order_lines values (1, 1, 'a', 1); truncate order_lines; insert into order_lines values (2, 1, 'b', 2)"
streams_caught_up
streams_same "TRUNCATE on the side that owns the table does not stop the stream"
pg_sql mono shop "truncate order_lines"
streams_caught_up

again
my_sql orders orders "alter table customer_orders add column extra int"
my_sql orders orders "insert into customer_orders(id) values (200)"
check "DDL on MariaDB stops the reverse stream" until_ok 10 stopped reverse
check "naming the table" says customer_orders "$(error_of reverse)"
my_sql orders orders "alter table customer_orders drop column extra"

# The same in words that are easy to overlook: a prefix, quotes that are names, a quote in a literal, what triggers do.
loud_back() { # TEXT SQL
    again
    streams_probe_back
    my_sql orders orders "$2"
    check "$1 stops the reverse stream" until_ok 10 stopped reverse
    check "naming a table" says "orders." "$(error_of reverse)"
}
loud_back "SET STATEMENT … FOR TRUNCATE" "set statement max_statement_time = 9 for truncate table customer_orders"
check "saying that it was truncated" says "was truncated" "$(error_of reverse)"
check "and how the streams are dropped, with the name of the context" says "ficus cdc drop --context orders --execute --confirm=orders" "$(error_of reverse)"
loud_back "TRUNCATE of a name in ANSI quotes" "set sql_mode = 'ANSI_QUOTES'; truncate table \"customer_orders\""
loud_back "a name behind an escaped quote" "create table twin like customer_orders; drop table customer_orders /* ficus */;
    alter table twin comment 'it\\'s', rename to customer_orders"
my_sql orders orders "alter table customer_orders comment ''; create table side(n int);
    create trigger reach after insert on side for each row delete from customer_orders where id = 4"
loud_back "a change in statement format to a table whose trigger goes on" "set binlog_format = STATEMENT; insert into side values (1)"
my_sql orders orders "drop table side"

again
streams_probe_back
my_sql orders orders "reset master; insert into customer_orders(id) values (300)"
check "a binary log that begins anew stops the reverse stream" until_ok 10 stopped reverse
check "saying so" says "was reset" "$(error_of reverse)"
check "and naming what says whether a new copy may be made" says "ficus cdc preflight --context orders" "$(error_of reverse)"
fx_done
