#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copy joined to the stream under a concurrent writer: every type of the shop, NULLs, emoji, TOAST; then an exact
# compare by SQL on both sides.
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
streams_tables
pg_sql mono shop "insert into orders(id, customer, total, note, paid, placed, shipped, day, blob, uid, doc, score)
  select g, 'c' || g, g * 1.01, repeat('x', g % 50) || ' é😀', g % 2 = 0, timestamp '2024-01-01' + g * interval '1 minute',
         timestamptz '2024-01-01 00:00+02' + g * interval '1 second', date '2024-01-01' + g % 365, decode(md5(g::text), 'hex'),
         gen_random_uuid(), json_build_object('g', g, 'e', '😀'), g / 7.0 from generate_series(1, 20000) g"
pg_sql mono shop "insert into orders(id) select g from generate_series(20001, 20050) g" # every nullable column NULL
pg_sql mono shop "insert into order_lines select g, n, 'sku' || n, n from generate_series(1, 5000) g, generate_series(1, 2) n"

streams_writer_start
exits 0 "both streams start" "$FICUS" cdc start --context orders --execute -f "$FX_DIR/ficus.yaml"
check "the copy ends and the stream is live" until_ok 30 streams_phase forward stream
sleep 1
streams_writer_stop
# PostgreSQL writes what a foreign key does to its log, row by row: deletes and key changes below reach the lines too.
pg_sql mono shop "alter table order_lines add constraint c foreign key (order_id) references orders on delete cascade on update cascade not valid"
pg_sql mono shop "update orders set note = repeat(md5(random()::text), 2000) where id <= 20" # TOASTed
streams_caught_up
pg_sql mono shop "update orders set paid = not paid where id <= 20"                            # TOAST unchanged
pg_sql mono shop "update orders set id = id + 1000000 where id between 100 and 110"           # key changes
pg_sql mono shop "begin; insert into orders(id, total) values (-1, 0.05); update orders set total = 7.77 where id = -1; delete from order_lines where order_id = 7; commit"
pg_sql mono shop "delete from orders where id between 200 and 300"
streams_caught_up
streams_same "both sides are equal after copy, stream, TOAST, key changes and deletes"
same "what a foreign key deleted and changed is in the log of PostgreSQL" "0 22" \
    "$(my_sql orders orders "select count(case when order_id between 200 and 300 then 1 end), count(case when order_id > 1000000 then 1 end) from order_lines" | tr '\t' ' ')"
same "the reverse stream counted what the forward one wrote as loops" yes \
    "$([ "$(streams_status reverse loops_discarded)" -gt 0 ] && echo yes)"
same "no leak" 0 "$(streams_status forward leaks)"
exits 0 "both streams stop" "$FICUS" cdc stop --context orders --execute -f "$FX_DIR/ficus.yaml"
exits 0 "both streams are dropped" "$FICUS" cdc drop --context orders --execute --confirm=orders -f "$FX_DIR/ficus.yaml"
same "no slot is left" 0 "$(pg_sql mono shop 'select count(*) from pg_replication_slots')"
fx_done
