#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lib/map against both servers, with the demo's schemas: binding, and every row there and back.
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
start_pg mono
start_my orders
pg_sql mono postgres 'create database shop'
psql -X -q -v ON_ERROR_STOP=1 -v orders=500 -h "${PG_SOCK[mono]}" -p "${PG_PORT[mono]}" -U ficus -d shop \
    -f "$FX_ROOT/tests/demo/sql/old.sql" >/dev/null || fx_die "the old schema could not be loaded"
my_file orders mysql "$FX_ROOT/tests/demo/sql/new.sql" >/dev/null || fx_die "the new schema could not be loaded"
my_sql orders orders 'alter table order_facts drop primary key, modify order_id bigint not null, add primary key (order_id)'
cat >"$FX_DIR/ficus.yaml" <<YAML
apiVersion: ficus/v1
kind: Project
databases:
  mono: {url: "postgresql://ficus@127.0.0.1:${PG_PORT[mono]}/shop"}
  orders: {url: "mysql://ficus@127.0.0.1:${MY_PORT[orders]}/orders"}
upstreams:
  monolith: {endpoints: ["http://127.0.0.1:1"]}
  service: {endpoints: ["http://127.0.0.1:2"]}
contexts:
  orders:
    old: {upstream: monolith, database: mono}
    new: {upstream: service, database: orders}
    tables:
      - public.order_lines
      - public.order_facts
      - {from: public.orders, to: orders.customer_orders, columns: {total: {to: total_cents, as: "total * 100", back: "total_cents / 100"}}}
YAML
FX_TEST_PROJECT=$FX_DIR/ficus.yaml live lib/map/test_servers
fx_done
