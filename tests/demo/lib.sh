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
# Sizes come from the environment: CUSTOMERS, RATE (requests/s), DIRECT_PAUSE_MS, SHOP_SEED.

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
customers_start() {
    fx_spawn customers "$SHOP/customers.log" "$DEMO_BIN/customers" --facade "127.0.0.1:$PORT_FACADE" \
        --dir "$SHOP/ledger" --customers "${CUSTOMERS:-12}" --rate "${RATE:-250}" --seed "${SHOP_SEED:-1}" \
        --orders "$SHOP_ORDERS" --timeout-ms "${CUSTOMER_TIMEOUT_MS:-40000}"
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
# judge OUTCOME [judge option…]: prints the verdict; its exit status
judge() {
    local outcome=$1
    shift
    local sides=(--old "postgresql://ficus@127.0.0.1:${PG_PORT[mono]}/shop")
    [ "$outcome" = rolled_back ] || sides+=(--new "mysql://ficus@127.0.0.1:${MY_PORT[orders]}/orders")
    "$DEMO_BIN/judge" --dir "$SHOP/ledger" "${sides[@]}" --outcome "$outcome" "$@"
}
