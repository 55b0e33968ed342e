# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scripts 61nn share: two servers, one context, fence_tool, and customers in the background.
. "$(dirname "${BASH_SOURCE[0]}")/../harness/servers.sh"

fence_setup() {
    fx_tmp
    FX_ARGS[mono]="-c autovacuum_naptime=1s"
    start_both mono orders
    pg_sql mono postgres 'create database shop'
    pg_sql mono shop "create role app login; create table public.t (id bigserial primary key, v int not null unique);
        create table public.par (id bigint primary key, v int) partition by range (id);
        create table public.par1 partition of public.par for values from (0) to (1000);
        grant all on all tables in schema public to app; grant all on all sequences in schema public to app"
    my_sql orders mysql "create database orders; create user app; grant select, insert, update, delete on orders.* to app"
    my_sql orders orders "create table t (id bigint auto_increment primary key, v int not null unique);
        create table par (id bigint primary key, v int)"
    cat >"$FX_DIR/ficus.yaml" <<YAML
apiVersion: ficus/v1
kind: Project
databases:
  mono:   {url: "postgresql://ficus@127.0.0.1:${PG_PORT[mono]}/shop"}
  orders: {url: "mysql://ficus@127.0.0.1:${MY_PORT[orders]}/orders"}
upstreams:
  monolith: {endpoints: ["http://127.0.0.1:1"], health: {path: /healthz}}
  orders:   {endpoints: ["http://127.0.0.1:2"], health: {path: /healthz}}
facade:
  listen: [{address: "127.0.0.1:3"}]
  admin:  {address: "127.0.0.1:4"}
contexts:
  orders:
    old: {upstream: monolith, database: mono}
    new: {upstream: orders, database: orders}
    tables:
      - {from: public.t, to: orders.t}
      - {from: public.par, to: orders.par}
    routes: []
YAML
    same "ownership is installed" installed "$(tool install)"
}
tool() { "$FX_BUILD/tests/integration/fence_tool" "$FX_DIR/ficus.yaml" orders "$@" 2>>"$FX_DIR/tool.log"; }
canary() { "$FX_BUILD/tests/integration/fence_tool" "$FX_DIR/ficus.yaml" orders.canary "$@" 2>>"$FX_DIR/tool.log"; }
# Customers: another user than the operator.
pg_app() { PG_USER=app pg_sql mono shop "$1"; }
my_app() { MY_USER=app my_sql orders orders "$1"; }
ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }
# refused TEXT NEEDLE COMMAND…: it fails and says NEEDLE
refused() {
    local text=$1 needle=$2 out
    shift 2
    if out=$("$@" 2>&1); then not_ok "$text (it was accepted)"; elif [[ $out == *"$needle"* ]]; then ok "$text"; else
        not_ok "$text"
        printf '#   %s\n' "$out"
    fi
}
# at_most MS TEXT STARTED_MS
at_most() {
    local took=$(($(ms) - $3))
    if [ "$took" -le "$1" ]; then ok "$2 ($took ms)"; else not_ok "$2 (took $took ms, at most $1)"; fi
}
