#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# MariaDB -> PostgreSQL: every type, NULLs, emoji, large values, key changes, multi-row statements, under SIGKILL of the
# reverse stream; and no loop between the two streams.
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
streams_tables
pg_sql mono shop "insert into orders(id, customer, total) select g, 'c' || g, g * 1.01 from generate_series(1, 1000) g"
start() { "$FICUS" cdc start --context orders --quick --execute -f "$FX_DIR/ficus.yaml"; }
stopped() { ! curl -s -m 1 -o /dev/null --unix-socket "$FX_DIR/st/streams/orders-$1.sock" http://s/status; }
my8() { mariadb --no-defaults --default-character-set=utf8mb4 -N -B -S "${MY_SOCK[orders]}" -u root orders -e "$1"; }
exits 0 "both streams start" start
check "live" until_ok 30 streams_phase forward stream
check "live back" until_ok 30 streams_phase reverse stream

my8 "insert into customer_orders(id, customer, total_cents, note, paid, placed, shipped, day, \`blob\`, uid, doc, score, qty)
     select 5000 + seq, concat('m', seq), seq * 7, concat('é😀', repeat('z', seq)), seq % 2, '2024-05-05 01:02:03.000004' + interval seq minute,
       '2024-05-05 01:02:03.5' + interval seq second, '2024-02-29' + interval seq day, unhex(md5(seq)), uuid(),
       json_object('g', seq, 'e', '😀'), seq / 7, -seq from seq_1_to_3000"
my8 "insert into customer_orders(id) values (-9)"
my8 "update customer_orders set note = repeat('long😀', 20000), total_cents = null where id = 5001"
my8 "update customer_orders set customer = 'renamed', total_cents = ifnull(total_cents, 0) + 5 where id between 1 and 500"
my8 "update customer_orders set id = id + 100000 where id between 5100 and 5110"
my8 "start transaction; insert into order_lines values (1, 1, 'a', 1), (1, 2, 'b', 2); update order_lines set qty = 3 where line_no = 2; delete from order_lines where line_no = 1; commit"
my8 "delete from customer_orders where id between 600 and 700"
(
    trap - EXIT
    for i in $(seq 1 2000); do
        echo "start transaction; insert into customer_orders(id, total_cents) values (900000 + $i, $i);
              update customer_orders set qty = ifnull(qty, 0) + 1 where id = $((i % 500 + 1)); commit;"
        if [ $((i % 20)) = 0 ]; then sleep 0.01; fi
    done | mariadb --no-defaults -S "${MY_SOCK[orders]}" -u root orders
) &
writer=$!
for i in 1 2 3 4; do
    sleep "0.$((RANDOM % 5 + 1))"
    kill -KILL "$(streams_pid reverse)"
    until_ok 5 stopped reverse
    start >/dev/null 2>&1 || not_ok "start after kill $i"
done
wait "$writer"
streams_probe_back
streams_same "both sides are equal"
loops=$(streams_status forward loops_discarded)
ordinal=$(pg_sql mono shop "select ordinal from ficus.progress where stream = 'orders-reverse'")
check "the reverse stream wrote more than 1000 transactions, in groups" test "${ordinal:-0}" -gt 1000
check "what it wrote was discarded by the forward one" test "${loops:-0}" -gt 20
same "and not applied" 0 "$(streams_status forward applied_rows)"
same "no error" "" "$(cat "$FX_DIR"/st/streams/*.error 2>/dev/null)"
fx_done
