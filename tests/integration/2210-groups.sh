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
