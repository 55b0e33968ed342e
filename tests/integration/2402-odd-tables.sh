#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tables and rows that are legal and rare: names that the server spells otherwise (lower_case_table_names), a unique key
# over a text (a hidden column in the log), a key that PostgreSQL keeps out of line, a number above 2^63 as a key, a row
# that is larger than what MariaDB takes in one statement.
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
FX_ARGS[orders]="--lower-case-table-names=1 --max-allowed-packet=4M"
start_both mono orders
streams_project
streams_tables
sed -i 's|to: orders.customer_orders|to: orders.Customer_Orders|; s|      - public.order_lines|&\n      - public.odd\n      - public.big|' "$FX_DIR/ficus.yaml"
pg_sql mono shop "create table public.odd(k varchar(700) primary key, a text, b integer); alter table odd alter k set storage external;
    create table public.big(n numeric primary key); create unique index on odd (a); create unique index on orders (note)"
my_sql orders orders "create table odd(k varchar(700) character set utf8mb4 collate utf8mb4_bin primary key, a longtext, b int, unique key (a));
    create table big(n bigint unsigned primary key); alter table customer_orders add unique key (note)"
ficus() { "$FICUS" "$@" -f "$FX_DIR/ficus.yaml"; }
stopped() { [ -s "$FX_DIR/st/streams/orders-$1.error" ]; }
error_of() { cat "$FX_DIR/st/streams/orders-$1.error"; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }

# 600 characters of 4 bytes that do not compress: out of line, and short enough for an index.
pg_sql mono shop "insert into odd select string_agg(chr(128512 + (g * g * 7 % 61)), ''), 'z', 1 from generate_series(1, 600) g;
    insert into big values (5), (9223372036854775807), (9223372036854775808), (18446744073709551615)"
exits 0 "the streams start" ficus cdc start --context orders --execute
check "live" until_ok 30 streams_phase reverse stream
exits 0 "the copy is equal, keys above 2^63 included" ficus reconcile run --context orders

pg_sql mono shop "update odd set b = 2; update big set n = 9223372036854775809 where n = 9223372036854775808"
streams_caught_up
same "a row is found by a key that was not sent" 2 "$(my_sql orders orders "select b from odd")"
tail=$(curl -sf --unix-socket "$FX_DIR/st/streams/orders-forward.sock" http://s/tail)
check "and the cut-over will look at it by that key" says '[["TEXT","😇' "$tail"

my_sql orders orders "set names utf8mb4; insert into customer_orders(id, note, qty) values (201, 'q', 7), (202, null, 8);
    update customer_orders set note = 'r', qty = 9 where id = 201; delete from customer_orders where id = 202; update odd set a = 'y', b = 3"
streams_probe_back
same "a name that was written otherwise is carried back, hidden columns left out" "201|r|9" "$(pg_sql mono shop "select id, note, qty from orders")"
same "so is the key out of line" "y|3" "$(pg_sql mono shop "select a, b from odd")"
exits 0 "and all is equal" ficus reconcile run --context orders

# A key of several columns: one row is changed or deleted without reading the others.
rows_read() { my_sql orders orders "select sum(variable_value) from information_schema.global_status where variable_name in ('Handler_read_next', 'Handler_read_rnd_next')" | cut -d . -f 1; }
pg_sql mono shop "insert into order_lines select g / 2, g % 2, 's', 1 from generate_series(1, 5000) g"
streams_caught_up
was=$(rows_read)
pg_sql mono shop "update order_lines set qty = 2 where order_id = 7 and line_no = 1"
pg_sql mono shop "delete from order_lines where order_id = 8 and line_no = 1"
pg_sql mono shop "delete from order_lines where order_id between 10 and 12; update order_lines set line_no = 5 where order_id = 20"
streams_caught_up
check "a row with a key of two columns is found by its index ($(($(rows_read) - was)) rows read)" [ $(($(rows_read) - was)) -lt 500 ]
exits 0 "and all is equal" ficus reconcile run --context orders

pg_sql mono shop "insert into orders(id, blob) values (1, decode(repeat('ab', 3000000), 'hex'))"
check "a row larger than max_allowed_packet stops the stream" until_ok 10 stopped forward
check "naming the row" says "(id)=([hidden integer])" "$(error_of forward)"
check "and what to set" says "SET GLOBAL max_allowed_packet" "$(error_of forward)"
my_sql orders orders "set global max_allowed_packet = 1073741824"
exits 0 "then it goes on" ficus cdc start --context orders --execute
streams_caught_up
exits 0 "and all is equal" ficus reconcile run --context orders
fx_done
