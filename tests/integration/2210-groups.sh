#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Group apply: a backlog of single-row transactions becomes few transactions of the target, in both directions; a kill
# between any two steps loses and repeats nothing; a change that fails in the middle of a group stops the stream there,
# with everything before it applied and nothing after it.
# seconds: 60
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
streams_tables
pg_sql mono shop "alter table orders add constraint not_666 check (qty <> 666)"
pg_sql mono shop "insert into orders(id, customer, total, qty) select g, 'c' || g, 1, 0 from generate_series(1, 400) g"
start() { "$FICUS" cdc start --context orders --quick --execute -f "$FX_DIR/ficus.yaml"; }
start_quietly() { start >"$FX_DIR/start.log" 2>&1; }
stopped() { ! curl -s -m 1 -o /dev/null --unix-socket "$FX_DIR/st/streams/orders-$1.sock" http://s/status; }
exits 0 "both streams start" start
check "the forward stream is live" until_ok 30 streams_phase forward stream
check "the reverse stream is live" until_ok 30 streams_phase reverse stream
streams_caught_up

# Single-row transactions: an insert, two updates, a delete, in turn; about 4 N in all. Each side writes rows of its own:
# they are both served here, and one row written on both sides at once has no right value.
singles() { # FIRST N BASE
    for ((i = $1; i < $1 + $2; i++)); do
        echo "insert into orders(id, customer, qty) values ($i, 'g', 1);"
        echo "update orders set qty = coalesce(qty, 0) + 1, note = 'n$i' where id = $(($3 + i % 200));"
        echo "update orders set qty = coalesce(qty, 0) + 1 where id = $(($3 + i % 7));"
        echo "delete from orders where id = $((i - 3)) and id > 400;"
    done
}
singles_back() { singles "$1" "$2" 201 | sed 's/orders/customer_orders/'; }
commits_my() { my_sql orders orders "show global status like 'Com_commit'" | awk '{ print $2 }'; }
ordinal_my() { my_sql orders ficus "select ordinal from progress where stream = 'orders-forward'"; }
ordinal_pg() { pg_sql mono shop "select ordinal from ficus.progress where stream = 'orders-reverse'"; }

pid=$(streams_pid forward)
kill -STOP "$pid"
commits=$(commits_my) ordinal=$(ordinal_my)
singles 1000 300 1 | psql -X -q -h "${PG_SOCK[mono]}" -p "${PG_PORT[mono]}" -U ficus -d shop
kill -CONT "$pid"
streams_caught_up
commits=$(($(commits_my) - commits)) ordinal=$(($(ordinal_my) - ordinal))
check "a backlog of 1197 transactions is counted whole: $ordinal" test "$ordinal" -ge 1197
check "and took fewer than 120 commits: $commits" test "$commits" -lt 120
streams_same "both sides are the same after groups forward"

pid=$(streams_pid reverse)
kill -STOP "$pid"
ordinal=$(ordinal_pg)
xids=$(pg_sql mono shop "select txid_current()")
singles_back 3000 300 >"$FX_DIR/back.sql"
my_file orders orders "$FX_DIR/back.sql"
kill -CONT "$pid"
streams_probe_back
xids=$(($(pg_sql mono shop "select txid_current()") - xids)) ordinal=$(($(ordinal_pg) - ordinal))
check "back, 1197 transactions are counted whole: $ordinal" test "$ordinal" -ge 1197
check "and took fewer than 120 transactions: $xids" test "$xids" -lt 120
streams_caught_up
streams_same "both sides are the same after groups back"
same "the forward stream has recognised each as a loop: no leak" 0 "$(streams_status forward leaks)"

# Many updates become one statement, on both sides, whatever the values are.
pg_sql mono shop "update orders set customer = 'é😀 ''%_' || id, total = id * 1234567.89, note = repeat('x\"', id::int % 300), paid = id % 3 = 0,
    placed = timestamp '2024-02-29 23:59:59.999999' + id * interval '1 day', shipped = timestamptz '2024-03-31 00:59:59.000001+00' + id * interval '1 hour',
    day = date '1000-01-01' + id::int, blob = decode(md5(id::text) || '00ff27', 'hex'), uid = ('00000000-0000-0000-0000-' || lpad(to_hex(id), 12, '0'))::uuid,
    doc = json_build_object('g', id, 'e', '😀'), score = id / 7.0, qty = -id where id <= 400"
streams_caught_up
streams_same "four hundred updates of every type, forward"
pg_sql mono shop "update orders set customer = null, total = null, note = case when id % 2 = 0 then '' end, paid = null, placed = null, shipped = null, day = null, blob = '',
    uid = null, doc = null, score = null where id <= 399"
streams_caught_up
streams_same "and back to nothing"
my_sql orders orders "update customer_orders set customer = concat('back ''%_', id), total_cents = id * 123456789, note = repeat('x\"', id % 300), paid = id % 3 = 0,
    placed = timestamp '2024-02-29 23:59:59.999999' + interval id day, shipped = timestamp '2024-03-31 00:59:59.000001' + interval id hour,
    day = date '1000-01-01' + interval id day, \`blob\` = unhex(concat(md5(id), '00ff27')), uid = concat('00000000-0000-0000-0000-', lpad(hex(id), 12, '0')),
    doc = json_object('g', id, 'e', 'x'), score = id / 7.0, qty = -id where id <= 400"
streams_probe_back
streams_same "four hundred updates of every type, back"
my_sql orders orders "update customer_orders set customer = null, total_cents = null, note = if(id % 2 = 0, '', null), paid = null, placed = null, shipped = null,
    day = null, \`blob\` = '', uid = null, doc = null, score = null where id <= 399"
streams_probe_back
streams_same "and back to nothing there"
pg_sql mono shop "insert into order_lines select g, n, 'sku' || n, n from generate_series(1, 200) g, generate_series(1, 3) n"
pg_sql mono shop "update order_lines set sku = 'x' || order_id || '-' || line_no, qty = null"
my_sql orders orders "do sleep(0.1)"
streams_caught_up
streams_same "updates by a key of two columns, forward"
my_sql orders orders "update order_lines set qty = order_id * line_no"
streams_probe_back
streams_same "and back"
pg_sql mono shop "update orders set qty = 0"
streams_caught_up

# kill_at FAILPOINT FIRST DIRECTION: the streams start with it armed and a backlog to read
kill_at() {
    kill -KILL "$(streams_pid forward)" "$(streams_pid reverse)" 2>/dev/null
    until_ok 5 stopped forward && until_ok 5 stopped reverse
    if [ "$3" = forward ]; then
        singles "$2" 100 1 | psql -X -q -h "${PG_SOCK[mono]}" -p "${PG_PORT[mono]}" -U ficus -d shop
    else
        singles_back "$2" 100 >"$FX_DIR/back.sql"
        my_file orders orders "$FX_DIR/back.sql"
    fi
    FICUS_FAILPOINT=$1 start >/dev/null 2>&1
    until_ok 10 stopped "$3"
}
first=5000
for point in apply.group.joined:kill:40 apply.group.counted:kill:2 apply.commit.before:kill:2 apply.commit.after:kill:2; do
    for direction in forward reverse; do
        first=$((first + 1000))
        check "the $direction stream dies at $point" kill_at "$point" "$first" "$direction"
    done
done
kill -KILL "$(streams_pid forward)" "$(streams_pid reverse)" 2>/dev/null
until_ok 5 stopped forward && until_ok 5 stopped reverse
exits 0 "both streams start again" start
check "the forward stream is live again" until_ok 30 streams_phase forward stream
check "the reverse stream is live again" until_ok 30 streams_phase reverse stream
streams_probe_back
streams_caught_up
streams_same "kills between the steps of a group lose and repeat nothing"

# A row that somebody wrote to the target in secret is in the way of the 150th of 300 transactions.
my_sql orders orders "set sql_log_bin = 0; insert into customer_orders(id, customer) values (50150, 'in the way')"
pid=$(streams_pid forward)
kill -STOP "$pid"
for ((i = 50001; i <= 50300; i++)); do echo "insert into orders(id, customer, qty) values ($i, 'mid', 1);"; done |
    psql -X -q -h "${PG_SOCK[mono]}" -p "${PG_PORT[mono]}" -U ficus -d shop
kill -CONT "$pid"
check "the forward stream stops" until_ok 20 stopped forward
check "and names the row" grep -q 'insert of table "public.orders" key (id)' "$FX_DIR/st/streams/orders-forward.log"
same "everything before it is applied, nothing after it" "50149 149" \
    "$(my_sql orders orders "select concat(max(id), ' ', count(*)) from customer_orders where customer = 'mid'")"
my_sql orders orders "set sql_log_bin = 0; delete from customer_orders where id = 50150"
check "it starts once the row is gone" start_quietly
streams_caught_up
streams_same "nothing was lost at the stop"

# One of three hundred updates finds no row: the statement that holds them all says so, and then the row is named.
my_sql orders orders "set sql_log_bin = 0; delete from customer_orders where id = 250"
pg_sql mono shop "update orders set note = 'together' where id between 1 and 300"
check "the forward stream stops at a row that is missing" until_ok 20 stopped forward
check "and names it" grep -q 'update of table "public.orders" key (id)' "$FX_DIR/st/streams/orders-forward.log"
same "nothing of the transaction was applied" 0 "$(my_sql orders orders "select count(*) from customer_orders where note = 'together'")"
my_sql orders orders "set sql_log_bin = 0; insert into customer_orders(id, customer) values (250, 'again')"
pg_sql mono shop "update orders set customer = 'again', total = 1, qty = 1, note = 'x', paid = true, placed = null, shipped = null, day = null, blob = '', uid = null,
    doc = null, score = null where id = 250"
check "it starts once the row is there" start_quietly
streams_caught_up
streams_same "nothing was lost at the missing row"

pid=$(streams_pid reverse)
kill -STOP "$pid"
for ((i = 60001; i <= 60300; i++)); do
    echo "insert into customer_orders(id, customer, qty) values ($i, 'back', $((i == 60150 ? 666 : 1)));"
done >"$FX_DIR/back.sql"
my_file orders orders "$FX_DIR/back.sql"
kill -CONT "$pid"
check "the reverse stream stops" until_ok 20 stopped reverse
same "everything before the refused row is applied, nothing after it" "60149 149" \
    "$(pg_sql mono shop "select max(id) || ' ' || count(*) from orders where customer = 'back'")"
pg_sql mono shop "alter table orders drop constraint not_666"
check "it starts once the constraint is gone" start_quietly
streams_probe_back
streams_caught_up
streams_same "nothing was lost at the stop back"

# A lock that is not given in time: again with less, and then with all.
my_sql orders orders "set global innodb_lock_wait_timeout = 1"
kill -KILL "$(streams_pid forward)"
until_ok 5 stopped forward
check "it starts with a short lock time-out" start_quietly
check "and is live" until_ok 30 streams_phase forward stream
mkfifo "$FX_DIR/locker"
mariadb --no-defaults -S "${MY_SOCK[orders]}" -u root orders <"$FX_DIR/locker" >/dev/null 2>&1 &
exec 9>"$FX_DIR/locker"
echo "begin; select * from customer_orders where id = 5 for update;" >&9
sleep 0.3
for ((i = 1; i <= 40; i++)); do echo "update orders set note = 'locked$i' where id = $i;"; done |
    psql -X -q -h "${PG_SOCK[mono]}" -p "${PG_PORT[mono]}" -U ficus -d shop
check "a lock time-out is retried" until_ok 20 grep -q "session failed, retrying" "$FX_DIR/st/streams/orders-forward.log"
echo "rollback;" >&9
exec 9>&-
streams_caught_up
streams_same "the same after a lock time-out"
fx_done
