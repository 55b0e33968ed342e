#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Servers whose defaults and roles change how values are printed and read: zones, date style, float digits, escapes,
# ANSI quotes, latin1, autocommit off. Every session of a stream, of the copy and of the comparison sets its own.
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
FX_ARGS[orders]="--default-time-zone=+05:30 --sql-mode=ANSI --autocommit=0 --character-set-server=latin1 --collation-server=latin1_swedish_ci"
start_both mono orders
streams_project
my_sql orders orders "alter database orders character set utf8mb4"
streams_tables
for setting in "datestyle = 'German, DMY'" "bytea_output = escape" "extra_float_digits = -5" "timezone = 'America/New_York'" \
    "intervalstyle = iso_8601" "standard_conforming_strings = off" "default_transaction_isolation = serializable" "client_encoding = LATIN1"; do
    pg_sql mono shop "alter role ficus set $setting"
done
plain() { PGOPTIONS="-c standard_conforming_strings=on -c client_encoding=UTF8 -c datestyle=ISO" pg_sql mono shop "$1"; }
reconcile() { "$FICUS" reconcile run --context orders -f "$FX_DIR/ficus.yaml"; }

plain "insert into orders(id, total, note, paid, placed, shipped, day, blob, uid, doc, score, qty)
    select g, g * 0.37, 'ä😀\\ '' \" ' || g, g % 2 = 0, timestamp '2026-03-29 02:30:00' + g * interval '1 minute 1.000001 second',
        timestamptz '2026-10-25 00:30:00+00' + g * interval '1 minute', date '2024-02-29' + g, decode(md5(g::text), 'hex'),
        ('0190163d-8694-739b-aea5-966c26f8ad9' || g % 10)::uuid, '{\"a\": \"é\"}', pi() * g, g from generate_series(1, 3000) g"
exits 0 "both streams start" "$FICUS" cdc start --context orders --execute -f "$FX_DIR/ficus.yaml"
check "live" until_ok 30 streams_phase reverse stream
exits 0 "the copy is equal" reconcile
plain "insert into orders(id, note, placed, shipped, day, blob, score) values (90001, 'b\\s '' ü', '2026-11-01 01:30:00.5', '2026-11-01 01:30:00-04', '2026-11-01', '\\x00275c22', 0.1);
    update orders set shipped = shipped + interval '6 months', placed = placed + interval '6 months', score = score * 1.1 where id < 2000"
streams_caught_up
same "what was streamed arrived" 1 "$(my_sql orders orders "select count(*) from customer_orders where id = 90001")"
exits 0 "and is equal" reconcile
my_sql orders orders "set names utf8mb4; insert into customer_orders(id, note, shipped, \`blob\`, score) values (90002, 'b\\\\s ü', '2026-03-29 02:30:00', x'00275c22', 0.1);
    update customer_orders set shipped = shipped + interval 3 month, score = score * 1.1 where id < 1000; commit"
back() { [ "$(pg_sql mono shop "select count(*) from orders where id = 90002 and shipped = timestamptz '2026-03-28 21:00:00+00'")" = 1 ]; }
check "what goes back arrives, at its instant" until_ok 20 back
exits 0 "and is equal" reconcile
fx_done
