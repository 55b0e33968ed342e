#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# seconds: 15
# Servers whose defaults, databases and roles have other settings than ours, each at a value that cuts, orders, writes or
# reads something differently. Every session of the preflight, a stream, the copy and the comparison sets its own
# (lib/pg/pinned.c, lib/my/pinned.c): what they find is what they find on a server with nothing set.
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
FX_ARGS[orders]="--default-time-zone=+05:30 --sql-mode=ANSI --autocommit=0 --character-set-server=latin1 --collation-server=latin1_swedish_ci
    --query-cache-type=1 --query-cache-size=1M"
start_both mono orders
streams_project
my_sql orders orders "alter database orders character set utf8mb4"
streams_tables
pg_sql mono shop "create table far (id bigint primary key, note numeric)"
my_sql orders orders "create table far (id bigint primary key, note decimal(20,4))"

# This script's own sessions go on as before.
export PGOPTIONS="-c standard_conforming_strings=on -c client_encoding=UTF8 -c datestyle=ISO -c default_transaction_read_only=off
    -c statement_timeout=0 -c lock_timeout=0 -c session_replication_role=origin -c timezone=UTC -c exit_on_error=off -c search_path=public
    -c client_min_messages=warning"
mine="set names utf8mb4, sql_select_limit = 18446744073709551615, sql_big_selects = 1, sql_safe_updates = 0, max_statement_time = 0,
    tx_read_only = 0, autocommit = 1, completion_type = 0, unique_checks = 1, group_concat_max_len = 1000000;"
plain_my() { my_sql orders orders "${mine/names utf8mb4, /session } set names utf8mb4; $1"; }
plain() { pg_sql mono shop "$1"; }
streams_probed() { [ "$(plain_my "select 1 from ficus.canary where note = 'p$streams_probe-$$'")" = 1 ]; }
reconcile() { "$FICUS" reconcile run --context orders --report "$FX_DIR/out" -f "$FX_DIR/ficus.yaml"; }
sums() {
    pg_sql mono postgres "select concat_ws(' ', r->>'verdict', sum((t->>'rows_source')::int), sum((t->>'missing')::int), sum((t->>'extra')::int),
        sum((t->>'different')::int)) from (select \$report\$$(cat "$FX_DIR/out/report.json")\$report\$::json as r) x,
        json_array_elements(r->'tables') t group by r->>'verdict'"
}

n=0
for setting in "datestyle = 'German, DMY'" "bytea_output = escape" "extra_float_digits = -5" "timezone = 'America/New_York'" \
    "intervalstyle = iso_8601" "standard_conforming_strings = off" "default_transaction_isolation = serializable" "client_encoding = LATIN1" \
    "default_transaction_read_only = on" "default_transaction_deferrable = on" "transform_null_equals = on" "array_nulls = off" \
    "backslash_quote = on" "quote_all_identifiers = on" "synchronize_seqscans = on" "row_security = on" "gin_fuzzy_search_limit = 1" \
    "xmlbinary = hex" "xmloption = document" "lc_numeric = 'C.UTF-8'" "lc_monetary = 'C.UTF-8'" "lc_time = 'C.UTF-8'" "statement_timeout = 200" \
    "lock_timeout = 1" "idle_session_timeout = 300" "idle_in_transaction_session_timeout = 300" "exit_on_error = on" "check_function_bodies = off" \
    "session_replication_role = replica" "zero_damaged_pages = on" "ignore_checksum_failure = on" "timezone_abbreviations = 'India'" \
    "search_path = 'evil'" "client_min_messages = debug5" "lc_messages = 'C.UTF-8'"; do
    n=$((n + 1)) # by role and by database in turn
    pg_sql mono shop "alter $([ $((n % 2)) = 0 ] && echo "database shop" || echo "role ficus") set $setting" >/dev/null || not_ok "PostgreSQL: $setting"
done
for setting in "sql_mode = 'ANSI,PIPES_AS_CONCAT,PAD_CHAR_TO_FULL_LENGTH,HIGH_NOT_PRECEDENCE,NO_ZERO_DATE,IGNORE_SPACE'" "old_mode = 'ZERO_DATE_TIME_CAST'" \
    "completion_type = CHAIN" "tx_isolation = 'READ-UNCOMMITTED'" "tx_read_only = 1" "sql_if_exists = 1" "standard_compliant_cte = 0" \
    "default_regex_flags = 'DOTALL'" "div_precision_increment = 0" "default_week_format = 7" "foreign_key_checks = 0" "unique_checks = 0" \
    "check_constraint_checks = 0" "default_storage_engine = MyISAM" "innodb_strict_mode = 0" "explicit_defaults_for_timestamp = 0" \
    "low_priority_updates = 1" "sql_select_limit = 52" "max_join_size = 1" "sql_safe_updates = 1" "max_recursive_iterations = 1" \
    "max_sort_length = 64" "optimizer_switch = 'mrr=on,mrr_sort_keys=on,not_null_range_scan=on,cset_narrowing=on,extended_keys=off'" \
    "in_predicate_conversion_threshold = 2" "lc_time_names = 'de_DE'" "lc_messages = 'de_DE'" "group_concat_max_len = 4" "sql_quote_show_create = 0" \
    "sql_notes = 0" "max_error_count = 0" "max_statement_time = 0.2" "net_read_timeout = 1" "net_write_timeout = 1" "wait_timeout = 1" \
    "idle_transaction_timeout = 1" "idle_readonly_transaction_timeout = 1" "idle_write_transaction_timeout = 1" \
    "init_connect = 'set sql_select_limit = 3'" "character_set_client = latin1" "character_set_results = latin1" "collation_connection = latin1_bin"; do
    my_sql orders mysql "set session sql_big_selects = 1; set global $setting" || not_ok "MariaDB: $setting"
done

plain "insert into orders(id, total, note, paid, placed, shipped, day, blob, uid, doc, score, qty)
    select g, g * 0.37, 'ä😀\\ '' \" ' || g, g % 2 = 0, timestamp '2026-03-29 02:30:00' + g * interval '1 minute 1.000001 second',
        timestamptz '2026-10-25 00:30:00+00' + g * interval '1 minute', date '2024-02-29' + g, decode(md5(g::text), 'hex'),
        ('0190163d-8694-739b-aea5-966c26f8ad9' || g % 10)::uuid, '{\"a\": \"é\"}', pi() * g, g from generate_series(1, 3000) g"
preflight() { "$FICUS" cdc preflight --show-values -f "$FX_DIR/$1.yaml" 2>&1; }
check "the preflight passes" preflight ficus

exits 0 "both streams start" "$FICUS" cdc start --context orders --execute -f "$FX_DIR/ficus.yaml"
check "live" until_ok 30 streams_phase reverse stream
exits 0 "the copy is equal" reconcile
same "all of it was read" "equal 3000 0 0 0" "$(sums)"
plain "insert into orders(id, note, placed, shipped, day, blob, score) values (90001, 'b\\s '' ü', '2026-11-01 01:30:00.5', '2026-11-01 01:30:00-04', '2026-11-01', '\\x00275c22', 0.1);
    update orders set shipped = shipped + interval '6 months', placed = placed + interval '6 months', score = score * 1.1 where id < 2000"
streams_caught_up
same "what was streamed arrived" 1 "$(my_sql orders orders "select count(*) from customer_orders where id = 90001")"
exits 0 "and is equal" reconcile
plain_my "insert into customer_orders(id, note, shipped, \`blob\`, score) values (90002, 'b\\\\s ü', '2026-03-29 02:30:00', x'00275c22', 0.1);
    update customer_orders set shipped = shipped + interval 3 month, score = score * 1.1 where id < 1000"
back() { [ "$(pg_sql mono shop "select count(*) from orders where id = 90002 and shipped = timestamptz '2026-03-28 21:00:00+00'")" = 1 ]; }
check "what goes back arrives, at its instant" until_ok 20 back
exits 0 "and is equal" reconcile
same "with all of it read" "equal 3002 0 0 0" "$(sums)"

# Differences far behind the limits above; without the binary log the reverse stream does not carry them.
plain_my "set sql_log_bin = 0; update customer_orders set qty = qty + 1 where id in (53, 2500); delete from customer_orders where id in (54, 2600, 2601);
    insert into customer_orders(id, qty) values (95001, 1)"
exits 1 "planted differences are found" reconcile
same "each, and no other" "divergent 3002 3 1 2" "$(sums)"

# What a preflight has to find stands behind the limits, too.
{ sed '/^contexts:/,$d; s/dir: .*\/st}/dir: '"${FX_DIR//\//\\/}"'\/far}/' "$FX_DIR/ficus.yaml"
    echo "contexts: {far: {old: {upstream: monolith, database: mono}, new: {upstream: orders, database: orders}, tables: [{from: public.far, to: orders.far}]}}"
} >"$FX_DIR/far.yaml"
plain "insert into far select g, 0.5 from generate_series(1, 2000) g; insert into far values (2001, 0.123456)"
out=$(preflight far)
check "the preflight reads to the last row" grep -q "far. key (id)=(2001)" <<<"$out"
plain_my "set sql_log_bin = 0; insert into far(id, note) values (1, 1)"
check "and what the target has" grep -q "not empty" <<<"$(preflight far)"

# What the server keeps at another value is an error that says where to look.
pg_sql mono shop "create role low login; alter role low set zero_damaged_pages = on"
sed 's|postgresql://ficus@|postgresql://low@|' "$FX_DIR/far.yaml" >"$FX_DIR/low.yaml"
out=$(preflight low)
check "a setting that cannot be pinned is named" grep -q 'setting "zero_damaged_pages" is "on", but Ficus needs "off"' <<<"$out"
check "and how to reset it" grep -q 'ALTER ROLE low RESET zero_damaged_pages' <<<"$out"
plain_my "create user low@'%'; set global init_connect = 'set sql_log_bin = 0'; grant all on orders.* to low@'%'; grant binlog admin on *.* to low@'%'"
sed 's|mysql://ficus@|mysql://low@|' "$FX_DIR/far.yaml" >"$FX_DIR/low.yaml"
check "on MariaDB, too" grep -q 'variable "sql_log_bin" is "0", but Ficus needs "1"' <<<"$(preflight low)"
fx_done
