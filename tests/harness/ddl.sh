# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# DDL beside running streams: sourced after servers.sh and streams.sh. Both servers are up then, with the project of streams.sh
# and its tables, and what the scripts ask of a stream that stops.

fx_tmp
start_both mono orders
streams_project
streams_tables
ficus() { "$FICUS" "$@" --context orders --execute -f "$FX_DIR/ficus.yaml"; }
stopped() { [ -s "$FX_DIR/st/streams/orders-$1.error" ]; }
error_of() { cat "$FX_DIR/st/streams/orders-$1.error"; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
starts_in_vain() {
    ficus cdc start --quick >/dev/null 2>&1
    ! until_ok 2 streams_phase forward stream
}
lines="order_id bigint, line_no integer, sku varchar(64), qty integer, primary key (order_id, line_no)"

# --- for 2430, 2433 and 2434: PostgreSQL's order_lines in three forms, and streams over each --------------------------------
sql() { pg_sql mono shop "set client_min_messages = error; set search_path = public; $1"; }
each() { # statements that want no transaction around them
    printf '%s;\n' "set search_path = public; set client_min_messages = error" "$@" |
        psql -X -q -v ON_ERROR_STOP=1 -h "${PG_SOCK[mono]}" -p "${PG_PORT[mono]}" -U ficus -d shop || not_ok "$*"
}
has_slot() { [ "$(sql "select 1 from pg_replication_slots where slot_name = 'ficus_orders'")" = 1 ]; }
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
