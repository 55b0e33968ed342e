#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Databases that ask for passwords: scram-sha-256 on PostgreSQL, a password user on MariaDB; from a file and from the
# environment; sessions, replication and binary log alike. A secret that is missing or wrong is one clear error.
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
streams_tables
pg_sql mono shop "create role migrator superuser login password 'sc ram''\"é'"
same "PostgreSQL keeps it as scram" t "$(pg_sql mono shop "select rolpassword like 'SCRAM-SHA-256%' from pg_authid where rolname = 'migrator'")"
hba=$FX_DIR/mono/d/pg_hba.conf
{ echo 'host all migrator 127.0.0.1/32 scram-sha-256'; cat "$hba"; } >"$FX_DIR/hba" && cat "$FX_DIR/hba" >"$hba"
pg_sql mono shop "select pg_reload_conf()" >/dev/null
my_sql orders mysql "set names utf8mb4; create user migrator@'%' identified by 'ma ria''\"é'; grant all on *.* to migrator@'%' with grant option"
sed -i -e "s|ficus@\(127.0.0.1:${PG_PORT[mono]}/shop\"\)|migrator@\1, password: {file: $FX_DIR/mono.pw}|" \
    -e "s|ficus@\(127.0.0.1:${MY_PORT[orders]}/orders\"\)|migrator@\1, password: {env: FX_ORDERS_PW}|" "$FX_DIR/ficus.yaml"
printf '%s\n' "sc ram'\"é" >"$FX_DIR/mono.pw"
chmod 600 "$FX_DIR/mono.pw"
start() { "$FICUS" cdc start --context orders --execute -f "$FX_DIR/ficus.yaml"; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
slots() { pg_sql mono shop "select count(*) from pg_replication_slots"; }
errors() { grep -c "error:" <<<"$1"; }

unset FX_ORDERS_PW
exits 4 "no variable: invalid configuration" start
said=$(start 2>&1)
check "which names variable and database" says FX_ORDERS_PW "$said"
same "once" 1 "$(errors "$said")"
export FX_ORDERS_PW=wrong
exits 6 "a wrong password on the target" start
said=$(start 2>&1)
check "names the database" says '"orders"' "$said"
check "and says what to look at" says "password" "$said"
same "once" 1 "$(errors "$said")"
export FX_ORDERS_PW="ma ria'\"é"
echo wrong >"$FX_DIR/mono.pw"
exits 5 "a wrong password on the source" start
said=$(start 2>&1)
check "names the database" says '"mono"' "$said"
same "once" 1 "$(errors "$said")"
rm "$FX_DIR/mono.pw"
exits 4 "no file: invalid configuration" start
check "which names the file" says "$FX_DIR/mono.pw" "$(start 2>&1)"
same "nothing was made" 0 "$(slots)"

printf '%s\n' "sc ram'\"é" >"$FX_DIR/mono.pw"
pg_sql mono shop "insert into orders(id, total) values (1, 1.5)"
exits 0 "both streams start" start
check "live" until_ok 30 streams_phase reverse stream
pg_sql mono shop "insert into orders(id, total) values (2, 2.5)"
streams_caught_up
my_sql orders orders "insert into customer_orders(id, total_cents) values (3, 350)"
streams_probe_back
streams_same "both sides are equal"
exits 0 "the comparison as well" "$FICUS" reconcile run --context orders -f "$FX_DIR/ficus.yaml"
same "no password in a log or an argument" "" "$(grep -l -e 'ma ria' -e 'sc ram' -r "$FX_DIR/st"; tr '\0' ' ' <"/proc/$(streams_pid forward)/cmdline" | grep -e 'ma ria' -e 'sc ram')"
fx_done
