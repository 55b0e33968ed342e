#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The way back: every type of the shop written on MariaDB arrives on PostgreSQL, also 100,000 rows in one
# transaction and what follows a SIGKILL of the server; the forward stream drops all of it as loops.
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
streams_tables
pg_sql mono shop "insert into orders(id, customer, total) select g, 'c' || g, g * 1.01 from generate_series(1, 2000) g"
exits 0 "both streams start" "$FICUS" cdc start --context orders --execute -f "$FX_DIR/ficus.yaml"
check "the reverse stream is live" until_ok 30 streams_phase reverse stream
check "the copy ends" until_ok 30 streams_phase forward stream

cat >"$FX_DIR/rows.sql" <<'SQL'
insert into customer_orders (id, customer, total_cents, note, paid, placed, shipped, day, `blob`, uid, doc, score, qty)
select 500000 + seq, concat('m', seq), seq * 7, concat(repeat('y', seq % 50), ' é😀''\\'), seq % 2,
       '2024-01-01' + interval seq * 1000001 microsecond, '2024-05-01' + interval seq * 1000003 microsecond,
       '2024-01-01' + interval seq day, unhex(md5(seq)), insert(md5(seq), 17, 1, 'a'),
       json_object('g', seq, 'e', '😀'), seq / 7.0, -seq
  from seq_1_to_5000;
insert into customer_orders (id) values (700000);
update customer_orders set note = null, qty = qty + 1, uid = null where id % 3 = 0;
update customer_orders set id = id + 1000000 where id between 500300 and 500310;
delete from customer_orders where id between 500100 and 500200;
insert into order_lines values (1, 1, null, 2), (1, 2, 'x', 3);
SQL
mariadb --no-defaults --default-character-set=utf8mb4 -S "${MY_SOCK[orders]}" -u root orders <"$FX_DIR/rows.sql"
streams_probe_back
streams_same "inserts, updates, key changes and deletes of every type arrive"
my_sql orders orders "insert into order_lines select seq, 1, 'bulk', seq from seq_100_to_100000"
streams_probe_back
streams_same "one large transaction arrives"
same "the forward stream counted what the reverse one wrote as loops" yes \
    "$([ "$(streams_status forward loops_discarded)" -gt 0 ] && echo yes)"
crash_server orders
restart_my orders
my_sql orders orders "insert into order_lines values (5000000, 1, 'after the crash', 2)"
streams_probe_back
streams_same "the stream goes on after the server was killed"
my_sql orders orders "alter table order_lines add z int"
check "a change of a carried table stops the stream with its reason" \
    until_ok 10 grep -q 'alter table order_lines' "$FX_DIR/st/streams/orders-reverse.error"
fx_done
