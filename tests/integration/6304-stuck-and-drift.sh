#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A rollback from behind the cut-over whose way back is closed: the reverse stream has met a row that the old side cannot
# hold. It must end as STUCK, at once, saying which row and how to go on, with the new side serving as before; and go all
# the way back once that is mended. On the way: a context that has changed since the run began is refused, and Ctrl-C in
# the middle of the cut-over gives everything back.
# seconds: 20
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
. "$FX_ROOT/tests/demo/lib.sh"
RATE=60 CUSTOMERS=4 shop_up 400
ficusd_start
P=$SHOP/plan.yaml
cat >"$P" <<'YAML'
apiVersion: ficus/v1
kind: Migration
metadata: {name: short}
context: orders
policy: {gate_wait: 20s, retry: 10s}
steps:
  - {id: copy, do: stream.start, undo: stream.drop}
  - {id: equal, do: reconcile, gate: {divergent: 0, coverage: 100%}}
  - {id: cutover, do: cutover, undo: cutover.fallback, gate: {lag_p99: {below: 2s}}}
  - {id: soak, do: {wait: 60s}, gate: {write_leaks: 0}}
  - {id: finish, do: finish}
YAML
run() { "$FICUS" run "$@" -f "$SHOP/ficus.yaml"; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
journal() { run journal show short 2>/dev/null; }
stopped() { [ -s "$SHOP/state/streams/orders-$1.error" ]; }
owns() { echo "$(pg_sql mono shop "select state from ficus.own where grp = 'orders'")/$(my_sql orders ficus "select state from own where grp = 'orders'")"; }
served() { # customers write, and are answered by the side that owns
    local before
    before=$(count_of customers writes_acknowledged)
    until_ok 10 more_than "$before"
}
more_than() { [ "$(count_of customers writes_acknowledged)" -gt "$1" ]; }
ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }
customers_start

# --- Ctrl-C in the middle of the cut-over ---------------------------------------------------------------------------------
FICUS_FAILPOINT_LOG=$FX_DIR/points FICUS_FAILPOINT=cutover.step.barrier.end:sleep=700 \
    "$FICUS" run start "$P" --execute -f "$SHOP/ficus.yaml" >"$SHOP/run.log" 2>&1 &
pid=$!
check "the run comes to its cut-over" until_ok 30 grep -q cutover.step.barrier.end "$FX_DIR/points"
kill -INT "$pid"
status=0; wait "$pid" || status=$?
same "Ctrl-C between fence and commit" 10 "$status"
check "names the way on" grep -q "ficus run resume short" "$SHOP/run.log"
same "the old side owns" HERE/AWAY "$(owns)"
check "the facade holds nobody" grep -q '"hold": *"open"' <(facade_status)

# --- a context that has changed -------------------------------------------------------------------------------------------
cp "$SHOP/ficus.yaml" "$SHOP/ficus.good"
n=$(journal | wc -l)
refused() { # TEXT NEEDLE: ficus.yaml is as edited now
    local out
    exits 12 "$1: resume is refused" run resume short
    out=$(run resume short 2>&1)
    check "saying what was and what is" says "$2" "$out"
    exits 12 "$1: so is a rollback" run rollback short --execute
    cp "$SHOP/ficus.good" "$SHOP/ficus.yaml"
}
sed -i 's|total \* 100|total * 1000|; s|total_cents / 100"|total_cents / 1000"|' "$SHOP/ficus.yaml"
refused "another expression" "is   tables.0.columns.total.as: total * 1000"
sed -i '/- public.order_facts/d' "$SHOP/ficus.yaml"
byhand() { "$FICUS" "$@" --context orders -f "$SHOP/ficus.yaml"; }
exits 12 "a table less: a cut-over by hand is refused" byhand cutover start --execute --confirm=orders
exits 12 "a rehearsal too" byhand cutover rehearse --execute
exits 12 "streams are not started by hand" byhand cdc start --execute
kill -KILL "$(byhand cdc status --json | grep -o '"pid": *[0-9]*' | head -n 1 | grep -o '[0-9]*$')"
(cd "$SHOP" && "$FICUS" cdc run -f "$SHOP/ficus.yaml" --context orders >"$SHOP/drifted.log" 2>&1)
check "a stream that is started again by whomever stops, and says what it was" says "was  tables.2: public.order_facts" "$(cat "$SHOP/state/streams/orders-forward.error")"
cp "$SHOP/ficus.good" "$SHOP/ficus.yaml"
check "put back as it was it goes on" byhand cdc start --execute
sed -i '/- public.order_facts/d' "$SHOP/ficus.yaml"
refused "a table less" "was  tables.2: public.order_facts"
sed -i 's|path: "/orders/\*\*", methods: \[POST|path: "/order/**", methods: [POST|' "$SHOP/ficus.yaml"
refused "another route" "is   routes.1.match.path: /order/**"
sed -i '/id: orders-read/d' "$SHOP/ficus.yaml"
refused "a route less" "was  routes.0.id: orders-read"
sed -i 's|^  orders:$|  purchases:|' "$SHOP/ficus.yaml"
refused "a context that is gone" 'no longer has context "orders"'
same "nothing of it is in the journal" "$n" "$(journal | wc -l)"
sed -i 's|shadow: {ignore: \["/generated_at"\]}|shadow: {ignore: ["/generated_at", "/server"]}  # a comment|' "$SHOP/ficus.yaml"

# --- behind the cut-over, in the soak: a row that the old side cannot hold --------------------------------------------------
"$FICUS" run resume short -f "$SHOP/ficus.yaml" >"$SHOP/run.log" 2>&1 &
pid=$!
check "what a shadow ignores may change; the run goes on to its soak" until_ok 60 grep -q "soak: wait" "$SHOP/run.log"
check "a rollback would need a fence, and says so" says "cost: one fence" "$(run rollback short)"
my_sql orders orders "insert into customer_orders (id, customer_id, status, total_cents) values (900001, 1, 'big', 999999999999999)"
check "the reverse stream stops" until_ok 10 stopped reverse
began=$(ms)
status=0; wait "$pid" || status=$?
took=$(($(ms) - began))
same "the run wants to turn round, and is stuck" 11 "$status"
check "at once ($took ms)" [ "$took" -lt 5000 ]
out=$(tail -n 3 "$SHOP/run.log")
check "it names the stream and the value" says 'stream "orders-reverse" stopped: value [hidden decimal] does not fit' "$out"
check "and the commands that go on" says "ficus cdc start --context orders --execute" "$out"
check "both of them" says "ficus run resume short" "$out"
same "the new side owns, as before" AWAY/HERE "$(owns)"
check "the facade holds nobody" grep -q '"hold": *"open"' <(facade_status)
check "customers are served" served
check "status says stuck, and the reason as a sentence" says "STOPPED  value [hidden decimal]" "$(run status short)"
check "the journal too" says "stuck" "$(journal | tail -n 1)"
exits 11 "resume before it is mended says the same" run resume short
exits 11 "so does a rollback" run rollback short --execute
out=$(run rollback short 2>&1)
check "what it would cost: it is not possible now, and why" says 'not possible now: the reverse stream stopped, so writes since then are not on "mono": value [hidden decimal]' "$out"
check "the dry run ends with the stream's error and its command" says "ficus cdc start --context orders --execute" "$out"
exits 1 "and a fall-back by hand refuses" "$FICUS" cutover fallback --context orders --execute --confirm=orders -f "$SHOP/ficus.yaml"
check "with the same reason" says "does not fit" "$("$FICUS" cutover fallback --context orders --execute --confirm=orders -f "$SHOP/ficus.yaml" 2>&1)"
same "the new side owns, as before" AWAY/HERE "$(owns)"
same "no fence is left by all this" 0 "$(my_sql orders orders "select count(*) from information_schema.triggers where event_object_table = 'customer_orders' and trigger_name like 'ficus%'")"

# --- mended: the column is widened, which the forward stream notices as drift ----------------------------------------------
pg_sql mono shop "alter table orders alter total type numeric(17,2)"
cdc_start() { "$FICUS" cdc start --context orders --execute -f "$SHOP/ficus.yaml"; }
check "the streams start again" cdc_start
check "the forward stream sees the column change" until_ok 10 stopped forward
exits 12 "which is drift" run resume short
check "started again it takes the new shape" cdc_start
exits 1 "now the rollback goes all its way" run resume short
check "and says why it began" says 'stream "orders-reverse" stopped' "$(run resume short 2>&1)"
check "its last record" says "rolled back" "$(journal | tail -n 1)"
customers_stop
judge rolled_back --expect rolled_back >"$SHOP/verdict.log" 2>&1
check "no request failed" grep -q "failed 0," "$SHOP/verdict.log"
check "no acknowledged write was lost, doubled or leaked" grep -q "lost 0, duplicated 0, leaked 0" "$SHOP/verdict.log"
sed 's/^/# /' "$SHOP/verdict.log"
fx_done
