#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# seconds: 14
# Whose report is it? Production and staging have one mapping, one context, one key, and staging's servers are clones of
# production's: the report of one never opens a gate of the other, neither in CI nor in a run. Nor does a report of before the
# streams were made again, of another run, or of yesterday. Each refusal names the command that makes a fresh one.
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
start_both mono orders
start_both mono2 orders2
cd "$FX_DIR" || exit 1
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
SQL="create table public.orders(id bigint primary key, note text); create table public.words(id bigint primary key, note text)"
project() { # FILE PG MY STATE
    cat >"$1" <<YAML
apiVersion: ficus/v1
kind: Project
state: {dir: $FX_DIR/$4}
databases:
  mono:   {url: "postgresql://ficus@127.0.0.1:${PG_PORT[$2]}/shop"}
  orders: {url: "mysql://ficus@127.0.0.1:${MY_PORT[$3]}/orders"}
upstreams:
  monolith: {endpoints: ["http://127.0.0.1:1"], health: {path: /healthz}}
  orders:   {endpoints: ["http://127.0.0.1:2"], health: {path: /healthz}}
facade:
  listen: [{address: "127.0.0.1:$(fx_free_port)"}]
reconcile: {sign_with: ci.key}
contexts:
  orders:
    old: {upstream: monolith, database: mono}
    new: {upstream: orders, database: orders}
    tables: [public.orders, public.words]
    routes:
      - {id: orders-read, match: {path: "/orders/**", methods: [GET]}, kind: read}
      - {id: orders-write, match: {path: "/orders/**", methods: [POST]}, kind: write}
YAML
    pg_sql "$2" postgres "create database shop"
    pg_sql "$2" shop "$SQL; insert into public.orders select n, 'note ' || n from generate_series(1, 50) n"
    my_sql "$3" mysql "create database orders; use orders; create table orders(id bigint primary key, note text) collate utf8mb4_bin;
        create table words(id bigint primary key, note text) collate utf8mb4_bin"
}
project production.yaml mono orders st
project staging.yaml mono2 orders2 st2
fx_spawn facade "$FX_DIR/facade.log" "$FICUSD" -f production.yaml
fx_spawn facade2 "$FX_DIR/facade2.log" "$FICUSD" -f staging.yaml
check "both facades run" until_ok 20 test -S st/admin.sock -a -S st2/admin.sock
cat >plan.yaml <<YAML
apiVersion: ficus/v1
kind: Migration
metadata: {name: move}
context: orders
policy: {gate_wait: 1s, retry: 5s}
steps:
  - {id: copy, do: stream.start, undo: stream.drop}
  - {id: equal, do: reconcile, gate: {divergent: 0, coverage: 100%}}
  - {id: look, do: {wait: 4s}}
  - {id: go, do: {wait: 100ms}, gate: {equal: {max_age: 30m}}}
YAML
ended_or_waits() { ! kill -0 "$1" 2>/dev/null || grep -q "look: wait" "$2"; }
# Until the step "look", which the run is stopped in.
run_to_look() { # PROJECT LOG
    "$FICUS" run start plan.yaml --execute -f "$1" >"$2" 2>&1 &
    local pid=$!
    until_ok 60 ended_or_waits "$pid" "$2" && grep -q "look: wait" "$2" || { cat "$2"; return 1; }
    kill -INT "$pid"
    wait "$pid"
    [ $? != 0 ]
}
run() { local project=$1; shift; "$FICUS" run "$@" -f "$project"; }
gate() { "$FICUS" reconcile gate "$@"; }
latest=st/runs/move/reports/latest

check "a pair of keys" "$FICUS" reconcile key new ci.key
check "a key of somebody else" "$FICUS" reconcile key new other.key
run_to_look staging.yaml staging.log & staging=$!
check "a run in production, up to a step that waits" run_to_look production.yaml production.log
wait "$staging"
same "and the same on staging" 0 $?
same "whose server says that it is the same one" "$(pg_sql mono shop 'select system_identifier from pg_control_system()')" \
    "$(pg_sql mono2 shop 'select system_identifier from pg_control_system()')"
cp "$latest/report.json" production.json
cp st2/runs/move/reports/latest/report.json staging.json

# --- in CI: the project file, or an id ---------------------------------------------------------------------------------------
exits 0 "production's report passes production's gate" gate production.json --key ci.key.pub -f production.yaml
told=$(gate production.json --key ci.key.pub -f production.yaml)
check "and says which databases it is about" says "mono at postgresql://127.0.0.1:${PG_PORT[mono]}/shop, orders at mysql://127.0.0.1:${MY_PORT[orders]}/orders" "$told"
id=$(printf '%s\n' "$told" | sed -n 's/.*databases \([0-9a-f]\{32\}\) .*/\1/p')
told=$(gate staging.json --key ci.key.pub -f production.yaml)
same "staging's report is unknown there" 3 $?
check "and the message says what it is about" says "about database \"mono\" at postgresql://127.0.0.1:${PG_PORT[mono2]}/shop, expected postgresql://127.0.0.1:${PG_PORT[mono]}/shop" "$told"
check "and how to get another" says "compare again: ficus reconcile run --context orders --report DIR" "$told"
cd "$FX_DIR/st" || exit 1 # no project file here
exits 2 "without a project file the databases must be named" gate ../production.json --key ../ci.key.pub --context orders
exits 0 "by their id" gate ../production.json --key ../ci.key.pub --context orders --databases "$id"
exits 3 "which staging's report does not have" gate ../staging.json --key ../ci.key.pub --context orders --databases "$id"
exits 0 "or by a word that accepts any" gate ../staging.json --key ../ci.key.pub --context orders --databases any
exits 2 "an id that is none is refused" gate ../staging.json --key ../ci.key.pub --context orders --databases "${id%?}"
cd "$FX_DIR" || exit 1
sed -i 's/, public.words//' staging.yaml
check "a report of other tables" "$FICUS" reconcile run --report narrow --quiet -f staging.yaml
sed 's/, public.words//' production.yaml >narrow.yaml
check "a report of production with another mapping" "$FICUS" reconcile run --report mapping --quiet -f narrow.yaml
check "a report with another key" "$FICUS" reconcile run --report key --sign-with other.key --quiet -f production.yaml
"$FX_BUILD/tests/integration/edit_tool" production.yaml production.json ci.key.pub other.key "${SEED:-$RANDOM}" 100 ci.key \
    staging.json narrow/report.json mapping/report.json key/report.json
same "no edit of it passes, no part of the others, and nothing that the key signed of something else" 0 $?

# --- in a run: what both databases say --------------------------------------------------------------------------------------
held() { # TEXT WANT: the run holds at its gate and says why
    local out
    out=$(run production.yaml resume move 2>&1)
    same "$1: the run holds" 3 $?
    check "$1: and says why" says "$2" "$out"
    check "$1: and how to get another" says "ficus reconcile run --context orders --report $FX_DIR/$latest" "$out"
}
cp staging.json "$latest/report.json"
held "the report of staging's run" "it was made for run move@"
check "a comparison of staging by hand, which answers every run" "$FICUS" reconcile run --report narrow --quiet -f staging.yaml
sed -i 's/public.orders\]/public.orders, public.words]/' staging.yaml
check "with the same tables" "$FICUS" reconcile run --report byhand --quiet -f staging.yaml
cp byhand/report.json "$latest/report.json"
held "staging's by hand" "expected postgresql://127.0.0.1:${PG_PORT[mono]}/shop"
cp key/report.json "$latest/report.json"
held "production's with another key" "which is not trusted"
# Neither may say which server it is: unknown, and not the same.
pg_sql mono shop "create role boss login superuser"
PG_USER=boss pg_sql mono shop "grant pg_read_all_stats to ficus; alter role ficus nosuperuser replication;
    grant set on parameter deadlock_timeout, session_replication_role to public;
    revoke execute on function pg_control_system() from public, ficus"
told=$("$FICUS" cdc preflight --quick --context orders -f production.yaml 2>&1)
check "a user who may not ask which server it is, is told the right" says "GRANT EXECUTE ON FUNCTION pg_control_system() TO ficus;" "$told"
exits 0 "but may compare" "$FICUS" reconcile run --context orders --report "$FX_DIR/$latest" --quiet -f production.yaml
told=$(run production.yaml resume move 2>&1)
same "a report of such a user holds the run of such a user" 3 $?
check "and says how to go on" says "it is not known which server database \"mono\" was on: ficus cdc preflight --context orders names the right" "$told"
id=$(sed -n 's/.*\([0-9a-f]\{32\}\).*/\1/p' "$latest/report.txt" | head -n 1)
exits 3 "nor does an id of an unknown server pass in CI" gate "$latest/report.json" --key ci.key.pub --context orders --databases "$id" -f production.yaml
PG_USER=boss pg_sql mono shop "grant execute on function pg_control_system() to public; alter role ficus superuser"
cp production.json "$latest/report.json"
pg_sql mono shop "update ficus.controller set since = clock_timestamp()" # as dropping and making the streams again does
held "the run's own, but of before the streams were made again" "were dropped and made again since the report"
exits 0 "the command that it names" "$FICUS" reconcile run --context orders --report "$FX_DIR/$latest" --quiet -f production.yaml
exits 0 "opens the gate" run production.yaml resume move
fx_done
