# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The parts of the demo, for its own script, for torture and for integration tests: source it after
# tests/harness/servers.sh and fx_tmp.
#
#     shop_up 20000                  # both servers, both databases with about that many rows, ficus.yaml
#     ficusd_start; customers_start; direct_start
#     … ficus run start …
#     customers_stop; direct_stop; judge migrated
#
# Everything stands in $SHOP (default $FX_DIR/shop): ficus.yaml, state/, ledger/, *.log.
# Sizes come from the environment: CUSTOMERS, RATE (requests/s), DIRECT_PAUSE_MS, SHOP_SEED. With customers_start --adapt
# the customers measure the machine first and keep to what it can do: customers_measured, then `count_of customers rate`.

DEMO=$FX_ROOT/tests/demo
DEMO_BIN=$FX_BUILD/tests/demo
SHOP=

shop_up() { # ROWS
    SHOP=$FX_DIR/shop
    SHOP_ORDERS=$((($1 + 3) / 4))
    mkdir -p "$SHOP/ledger"
    FX_ARGS[orders]=${SHOP_MY_ARGS:-}
    start_both mono orders
    pg_sql mono postgres 'create database shop'
    psql -X -q -v ON_ERROR_STOP=1 -v orders="$SHOP_ORDERS" -h "${PG_SOCK[mono]}" -p "${PG_PORT[mono]}" -U ficus \
        -d shop -f "$DEMO/sql/old.sql" >"$SHOP/old.log" 2>&1 || fx_die "could not fill the old database: $(tail -n 3 "$SHOP/old.log")"
    my_file orders mysql "$DEMO/sql/new.sql" || fx_die "could not create the new database"
    OLD_URL="postgresql://shop@127.0.0.1:${PG_PORT[mono]}/shop"
    NEW_URL="mysql://shop@127.0.0.1:${MY_PORT[orders]}/orders"
    # A port that was free may be another's by now (another demo's, even): then the next one.
    local try
    for try in 1 2 3 4 5; do
        PORT_MONOLITH=$(fx_free_port)
        monolith_start
        fx_wait_listen monolith "$PORT_MONOLITH" && break
        [ "$try" != 5 ] || fx_die "the monolith did not start: $(tail -n 3 "$SHOP/monolith.log")"
    done
    for try in 1 2 3 4 5; do
        PORT_SERVICE=$(fx_free_port)
        service_start
        fx_wait_listen service "$PORT_SERVICE" && break
        [ "$try" != 5 ] || fx_die "the service did not start: $(tail -n 3 "$SHOP/service.log")"
    done
    PORT_FACADE=$(fx_free_port)
    shop_project >"$SHOP/ficus.yaml"
}
monolith_start() {
    fx_spawn monolith "$SHOP/monolith.log" "$DEMO_BIN/monolith" --db "$OLD_URL" --listen "127.0.0.1:$PORT_MONOLITH"
}
service_start() {
    fx_spawn service "$SHOP/service.log" "$DEMO_BIN/service" --db "$NEW_URL" --listen "127.0.0.1:$PORT_SERVICE" \
        --break-file "$SHOP/break"
}
# The project file, as a migration engineer would write it.
shop_project() {
    cat <<YAML
apiVersion: ficus/v1
kind: Project
state: {dir: $SHOP/state}
databases:
  mono:   {url: "postgresql://ficus@localhost:${PG_PORT[mono]}/shop?socket=${PG_SOCK[mono]}"}
  orders: {url: "mysql://ficus@localhost/orders?socket=${MY_SOCK[orders]}"}
upstreams:
  monolith: {endpoints: ["http://127.0.0.1:$PORT_MONOLITH"], health: {path: /healthz}}
  orders:   {endpoints: ["http://127.0.0.1:$PORT_SERVICE"], health: {path: /healthz}}
facade:
  listen: [{address: "127.0.0.1:$PORT_FACADE"}]
contexts:
  orders:
    old: {upstream: monolith, database: mono}
    new: {upstream: orders, database: orders}
    tables:
      - {from: public.orders, to: orders.customer_orders, columns: {total: {to: total_cents, as: "total * 100", back: "total_cents / 100"}}}
      - public.order_lines
      - public.order_facts
    routes:
      - {id: orders-read,  match: {path: "/orders/**", methods: [GET, HEAD]}, kind: read}
      - {id: orders-write, match: {path: "/orders/**", methods: [POST, PUT, PATCH, DELETE]}, kind: write}
    sticky: {by: ["header:x-customer", "cookie:sid", issue]}
    shadow: {ignore: ["/generated_at"]}
YAML
}
facade_status() { curl -sf --unix-socket "$SHOP/state/admin.sock" http://facade/v1/status; }
ficusd_start() {
    local try
    for try in 1 2 3 4 5; do
        fx_spawn facade "$SHOP/ficusd.log" "$FICUSD" -f "$SHOP/ficus.yaml"
        if fx_wait_listen facade "$PORT_FACADE"; then break; fi
        # Only before anybody knows the address: later it has to be the same again.
        [ ! -e "$SHOP/products.json" ] || continue
        grep -q 'Address already in use' "$SHOP/ficusd.log" || break
        PORT_FACADE=$(fx_free_port)
        shop_project >"$SHOP/ficus.yaml"
    done
    until_ok 10 curl -sf -o "$SHOP/products.json" "http://127.0.0.1:$PORT_FACADE/products" ||
        fx_die "the facade does not serve: $(tail -n 5 "$SHOP/ficusd.log")"
}
customers_start() { # [--adapt]
    fx_spawn customers "$SHOP/customers.log" "$DEMO_BIN/customers" --facade "127.0.0.1:$PORT_FACADE" \
        --dir "$SHOP/ledger" --customers "${CUSTOMERS:-12}" --rate "${RATE:-250}" --seed "${SHOP_SEED:-1}" \
        --orders "$SHOP_ORDERS" --timeout-ms "${CUSTOMER_TIMEOUT_MS:-40000}" "$@"
}
customers_measured() { test "$(count_of customers capacity)" -gt 0; }
customers_slower() { [ -z "${FX_PID[customers]:-}" ] || kill -USR1 "${FX_PID[customers]}" 2>/dev/null; }

# One applier writes one transaction after the other: how many a second does the new database commit?
commits_per_second() {
    local start end n=200
    start=$(date +%s%N)
    {
        echo 'create database demo_speed; create table demo_speed.t (id int primary key) engine=InnoDB;'
        seq -f 'insert into demo_speed.t values (%.0f);' "$n"
        echo 'drop database demo_speed;'
    } | mariadb --no-defaults -S "${MY_SOCK[orders]}" -u root mysql || return 1
    end=$(date +%s%N)
    echo $((n * 1000000000 / (end - start + 1)))
}

# plan_at_rate PLAN RATE: the plan as it fits this rate: at fewer requests per second a sample takes longer, and on the
# machine that cannot do more, everything else does too. Down to two thirds of 250 requests/s it is the plan as it stands.
plan_at_rate() {
    awk -v rate="$2" '
    function least(a, b) { return a < b ? a : b }
    function most(a, b) { return a > b ? a : b }
    function put(old, new) { at = index($0, old); if (at) $0 = substr($0, 1, at - 1) new substr($0, at + length(old)) }
    BEGIN { slow = most(250 / most(rate, 1), 1); n = int(slow + 0.5) }
    n > 1 {
        put("of_at_least: 300", "of_at_least: " int(most(300 / slow, 30)))
        put("gate_wait: 60s", "gate_wait: " least(60 * n, 180) "s")
        put("every: 4s", "every: " least(4 * n, 12) "s")
        put("recheck: 1s", "recheck: " least(n, 5) "s")
        put("or_new_below: 500ms", "or_new_below: " least(500 * n, 3000) "ms")
        put("lag_p99: {below: 1s", "lag_p99: {below: " least(n, 5) "s")
        put("predicted_pause_p99: {below: 5s", "predicted_pause_p99: {below: 10s")
    }
    { print }' "$1"
}
direct_start() {
    fx_spawn nightly "$SHOP/nightly.log" "$DEMO_BIN/nightly" --db "$OLD_URL" --dir "$SHOP/ledger" \
        --seed "${SHOP_SEED:-1}" --orders "$SHOP_ORDERS" --pause-ms "${DIRECT_PAUSE_MS:-200}"
}
customers_stop() {
    local pid=${FX_PID[customers]:-}
    [ -n "$pid" ] || return 0
    kill -TERM "$pid" 2>/dev/null
    fx_wait_gone 50 "$pid" || kill -KILL "$pid" 2>/dev/null
    unset 'FX_PID[customers]'
}
direct_stop() { fx_stop nightly; }
count_of() { awk -v key="$2" '$1 == key { n = $2 } END { print n + 0 }' "$SHOP/ledger/$1.counts" 2>/dev/null || echo 0; }

# final_compare DIR: with everybody stopped, an exact comparison; 0 equal, 1 divergent
final_compare() {
    local try status
    for try in 1 2 3; do
        "$FICUS" reconcile run -f "$SHOP/ficus.yaml" --context orders --report "$1" >"$SHOP/compare.log" 2>&1
        status=$?
        [ "$status" -le 1 ] && return "$status"
        sleep 0.5
    done
    return "$status"
}
# judge OUTCOME [judge option…]: prints the verdict; its exit status. Which side is judged, the databases themselves say.
judge() {
    local outcome=$1
    shift
    "$DEMO_BIN/judge" --dir "$SHOP/ledger" --old "postgresql://ficus@127.0.0.1:${PG_PORT[mono]}/shop" \
        --new "mysql://ficus@127.0.0.1:${MY_PORT[orders]}/orders" --outcome "$outcome" "$@"
}

# keep_project DIR: ficus.yaml, plan and state, so that commands which need no server work on them later.
keep_project() {
    rm -rf "$1/state" && mkdir -m 700 -p "$1/state" || return
    tar -C "$SHOP/state" --exclude='*.sock' -cf - . 2>/dev/null | tar -C "$1/state" -xf - 2>/dev/null
    sed "s|^state: .*|state: {dir: $1/state} # of the demo; its servers ended with it|" "$SHOP/ficus.yaml" >"$1/ficus.yaml"
    [ ! -f "$SHOP/plan.yaml" ] || cp "$SHOP/plan.yaml" "$1/plan.yaml"
}
