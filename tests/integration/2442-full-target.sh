#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A target has no room: the stream says so, waits, and goes on by itself when there is room. On PostgreSQL one table stands on a small
# disk, which only this script and what it starts can see; MariaDB, which ends itself on a full disk, has a small table space.
# seconds: 30
if [ -z "${FX_SMALL_DISKS:-}" ] && [ "$(id -u)" = 0 ] && unshare -m mount -t tmpfs none /mnt 2>/dev/null; then
    FX_SMALL_DISKS=yes exec unshare -m bash "$0" "$@"
fi
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"
if [ -z "${FX_SMALL_DISKS:-}" ]; then
    skip "a full disk needs a mount namespace, which this machine does not give us"
    fx_done
fi

fx_tmp
mkdir "$FX_DIR/small"
mount -t tmpfs -o size=6m,uid=nobody,mode=700 tmpfs "$FX_DIR/small" || fx_die "no small disk"
FX_ARGS[orders]="--innodb-data-file-path=ibdata1:12M:autoextend:max:32M"
start_both mono orders
streams_project
streams_tables
my_sql orders orders "set global innodb_file_per_table = 0; drop table customer_orders; create table filler(n int auto_increment primary key, b longblob); create table customer_orders(id bigint not null auto_increment primary key, customer varchar(64),
    total_cents bigint, note longtext, paid tinyint(1), placed datetime(6), shipped timestamp(6) null, day date,
    \`blob\` longblob, uid uuid, doc json, score double, qty int)"
pg_sql mono shop "create tablespace small location '$FX_DIR/small'"
pg_sql mono shop "alter table orders set tablespace small"
start() { "$FICUS" cdc start --context orders --execute -f "$FX_DIR/ficus.yaml" 2>&1; }
status_all() { "$FICUS" cdc status --context orders -f "$FX_DIR/ficus.yaml" 2>&1; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
shows() { says "$1" "$(status_all)"; }
waits() { grep -q "is full" "$FX_DIR/st/streams/orders-$1.log" && streams_phase "$1" starting; }

out=$(start) || not_ok "start: $out"
for n in 1000000 100000 10000 10000; do while my_sql orders orders "set sql_log_bin = 0; insert into filler(b) values (repeat('x', $n))" 2>/dev/null; do :; done; done
pg_sql mono shop "insert into orders(id, note) select g, repeat('x', 12000) from generate_series(1, 150) g"
check "a full disk under MariaDB does not stop the forward stream: it waits" until_ok 20 waits forward
check "and says for what" shows "The disk under database \\\"orders\\\" is full"
check "it lives" kill -0 "$(streams_pid forward)"
# A larger table space needs a restart: what is full has no room for a DROP either.
stop_my orders
FX_ARGS[orders]="--innodb-data-file-path=ibdata1:12M:autoextend:max:128M"
restart_my orders
check "with room it goes on by itself" until_ok 30 streams_phase forward stream
streams_caught_up
streams_same "and every row is there"

pg_sql mono shop "delete from orders"
streams_caught_up
dd if=/dev/zero of="$FX_DIR/small/fill" bs=4k 2>/dev/null
my_sql orders orders "insert into customer_orders(id, note) select 5000 + seq, concat(seq, repeat(md5(seq), 60)) from seq_1_to_150;
    insert into customer_orders(id, customer) select 6000 + seq, repeat('y', 60) from seq_1_to_3000"
check "a full disk under PostgreSQL does not stop the reverse stream: it waits" until_ok 20 waits reverse
check "and says for what" shows "The disk under database \\\"mono\\\" is full"
rm "$FX_DIR/small/fill"
check "with room it goes on by itself" until_ok 30 streams_phase reverse stream
streams_probe_back
streams_same "and every row is there"
fx_done
