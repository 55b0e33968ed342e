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

# --- sessions that stay where they are, and controllers that do: tests wait for events, not for a time ------------------
# hold NAME SQL: opens a session and runs SQL in it; tell NAME SQL: runs more. Both wait until the answer is there, also
# when it is an error. let_go NAME SQL: ends the session after SQL. What it printed is in $FX_DIR/NAME.out.
# It is a customer's on PostgreSQL unless HOLD names another client.
declare -A HELD_IN=() HELD_PID=()
told=0
hold_pg() { psql -X -q -A -t -v VERBOSITY=verbose -h "${PG_SOCK[mono]}" -p "${PG_PORT[mono]}" -U "${1:-app}" -d "${2:-shop}"; }
hold_my() { mariadb --no-defaults -n -f -N -B -S "${MY_SOCK[orders]}" -u "${1:-app}" "${2:-orders}"; }
hold() {
    local in
    rm -f "$FX_DIR/$1.in"
    mkfifo "$FX_DIR/$1.in"
    # shellcheck disable=SC2086
    ${HOLD:-hold_pg} <"$FX_DIR/$1.in" >"$FX_DIR/$1.out" 2>&1 &
    HELD_PID[$1]=$!
    exec {in}>"$FX_DIR/$1.in"
    HELD_IN[$1]=$in
    tell "$1" "$2"
}
tell() {
    local end="told-$((++told))" echo='\\echo %s'
    case ${HOLD:-} in hold_my*) echo="select '%s';" ;; esac
    # shellcheck disable=SC2059
    printf "%s\n$echo\n" "$2" "$end" >&"${HELD_IN[$1]}"
    until_ok 20 grep -q "^$end\$" "$FX_DIR/$1.out" || not_ok "the session \"$1\" answers"
}
let_go() {
    local in=${HELD_IN[$1]}
    printf '%s\n' "$2" '\q' >&"$in"
    exec {in}>&-
    wait "${HELD_PID[$1]}"
}
# stall POINT MS OUT COMMAND…: starts it in the background and waits until it sleeps at that failpoint; $stalled is its PID
stall() {
    rm -f "$FX_DIR/points"
    FICUS_FAILPOINT_LOG=$FX_DIR/points FICUS_FAILPOINT=$1:sleep=$2 "${@:4}" >"$3" &
    stalled=$!
    until_ok 20 grep -q "^$1" "$FX_DIR/points" || not_ok "it comes to $1"
}
# watch_pg, watch_my [CONDITION]: start one before whoever will wait for a lock; `wait "$watching"` returns when somebody
# does. Statements wait for a second at most, so who watches is inside the server and looks often.
watch_pg() {
    pg_sql mono shop "do \$\$ begin
        for i in 1..2000 loop
            if exists (select from pg_locks where not granted ${1:-}) then return; end if;
            perform pg_sleep(0.01);
        end loop;
        raise 'nobody waits';
    end \$\$" &
    watching=$!
}
watch_my() {
    my_sql orders mysql "delimiter //
begin not atomic
    declare i int default 0;
    while not exists (select 1 from information_schema.innodb_trx where trx_state = 'LOCK WAIT') do
        if i = 150 then signal sqlstate '45000' set message_text = 'nobody waits'; end if;
        do sleep(0.15); -- what is read more often than every 0.1 s is not refreshed
        set i = i + 1;
    end while;
end //" &
    watching=$!
}
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
