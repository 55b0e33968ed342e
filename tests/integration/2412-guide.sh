#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docs/guide/first-migration.md as typed: the SQL that gives the rights, then every command of its blocks, in their order,
# with the example project and the ready plan. The user has the rights that the guide names, and no more.
# seconds: 8
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
guide=$FX_ROOT/docs/guide/first-migration.md
block() { awk -v tag="\`\`\`$1" '$0 == tag { on = 1; next } /^```/ { on = 0 } on' "$guide"; }
start_both mono orders
pg_sql mono postgres 'create database shop'
pg_sql mono shop "create role app login; grant all on schema public to app"
my_sql orders mysql "create database orders; set global log_bin_trust_function_creators = 0"
PG_USER=app
pg_sql mono shop "create table orders(id bigint primary key, total numeric(12,2));
    create table order_lines(order_id bigint, line_no integer, sku varchar(64), primary key (order_id, line_no));
    insert into orders select g, g from generate_series(1, 50) g; insert into order_lines select g, 1, 'a' from generate_series(1, 50) g"
PG_USER=ficus
my_sql orders orders "create table customer_orders(id bigint primary key, total_cents bigint);
    create table order_lines(order_id bigint, line_no int, sku varchar(64), primary key (order_id, line_no))"

block 'sql postgresql' | sed 's/ *-- .*//' >"$FX_DIR/pg.sql"
block 'sql mariadb' | sed 's/ *-- .*//' >"$FX_DIR/my.sql"
check "the guide has SQL for both servers" test -s "$FX_DIR/pg.sql" -a -s "$FX_DIR/my.sql"
check "what it says for PostgreSQL can be typed" pg_file mono shop "$FX_DIR/pg.sql"
check "what it says for MariaDB can be typed" my_file orders mysql "$FX_DIR/my.sql"
same "the user is no superuser" f "$(pg_sql mono postgres "select rolsuper from pg_roles where rolname = 'migrator'")"

cd "$FX_DIR" || exit 1
umask 077
port=$(fx_free_port) admin=$(fx_free_port)
export MONO_PASSWORD=change-me ORDERS_PASSWORD=change-me FICUS_TOKEN=0123456789abcdef0123456789abcdef
PATH=$FX_BUILD:$PATH
sed -e "s,/var/lib/ficus,$FX_DIR/state," -e "s/0.0.0.0:8080/127.0.0.1:$port/" -e "s/127.0.0.1:9090/127.0.0.1:$admin/" \
    -e "s,localhost/shop?socket=[^\"]*,localhost:${PG_PORT[mono]}/shop?socket=${PG_SOCK[mono]}," \
    -e "s,localhost/orders?socket=[^\"]*,localhost/orders?socket=${MY_SOCK[orders]}," \
    "$FX_ROOT/docs/examples/ficus.yaml" >ficus.yaml
cp "$FX_ROOT/plans/library/extract-service.yaml" plan.yaml
fx_spawn facade "$FX_DIR/facade.log" ficusd -f ficus.yaml
fx_wait_listen facade "$admin" || not_ok "the facade listens"

block sh >commands
check "the guide has commands" test "$(wc -l <commands)" -ge 8
while read -r command; do
    case $command in
    *'reconcile run'*)
        exits 0 "ficus cdc start --context orders --execute" ficus cdc start --context orders --execute
        check "the streams run" until_ok 30 sh -c 'ficus cdc status --context orders | grep -c " stream " | grep -q 2'
        ;;
    esac
    # shellcheck disable=SC2086
    exits 0 "$command" $command
done <commands
# As an older Ficus left it: the guide's user may upgrade it, beside the streams.
my_sql orders ficus "drop table version; alter table progress modify position varchar(255) not null"
pg_sql mono shop "drop table ficus.version"
exits 0 "ficus upgrade --execute" ficus upgrade --execute
same "and both databases say their version" "4 4" "$(pg_sql mono shop "select version from ficus.version") $(my_sql orders ficus "select version from version")"
exits 0 "ficus cdc stop --context orders --execute" ficus cdc stop --context orders --execute
exits 0 "and they are dropped" ficus cdc drop --context orders --execute --confirm orders

# Every command that a page of prose names in backticks exists.
missing= named=0
while read -r command; do
    named=$((named + 1))
    # shellcheck disable=SC2086
    ficus $command --help >/dev/null 2>&1 || missing+=" [$command]"
done < <(grep -hoE '`ficus [a-z][^`]*`' "$FX_ROOT"/README.md "$FX_ROOT"/SECURITY.md "$FX_ROOT"/docs/guide/*.md "$FX_ROOT"/docs/deploy/*.md \
    "$FX_ROOT"/docs/protocols/*.md "$FX_ROOT"/docs/adr/*.md | tr -d '`' | sed 's/^ficus //; s/ *[-A-Z&…].*//; s/ [a-z.]*\.\(yaml\|json\).*//' | sort -u)
same "every command that the pages name exists" "" "$missing"
check "and there are some" test "$named" -ge 15
fx_done
