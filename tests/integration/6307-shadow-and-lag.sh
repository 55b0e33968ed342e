#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A shadow looks again after a fixed time. While the stream is later than that, a difference is a copy that has not come
# yet: the gate waits and counts nothing of it, and the good copy is not dropped. What differs for good still fails.
# seconds: 20
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
. "$FX_ROOT/tests/demo/lib.sh"
RATE=60 CUSTOMERS=4 shop_up 400
cat >"$SHOP/plan.yaml" <<YAML
apiVersion: ficus/v1
kind: Migration
metadata: {name: late}
context: orders
policy: {gate_wait: 40s, retry: 10s}
steps:
  - {id: copy, do: stream.start, undo: stream.drop}
  - {id: shadow, do: {route.shadow: {routes: [orders-read], percent: 100%, recheck: 1s}}, undo: route.unshadow, gate: {mismatch: {below: 1%, of_at_least: 30}}}
  - {id: soak, do: {wait: 5m}}
  - {id: finish, do: finish, point_of_no_return: true}
YAML
mismatches() { facade_status | grep -o '"shadow_mismatch": *[0-9]*' | grep -o '[0-9]*$' | sort -n | tail -n 1; }
lag() { "$FICUS" cdc status --json -f "$SHOP/ficus.yaml" | grep -o '"lag_ms": *[0-9]*' | grep -o '[0-9]*$' | sort -n | tail -n 1; }
is_late() { [ "$(lag)" -ge 1500 ]; }
saw_mismatch() { [ "$(mismatches)" -ge 3 ]; }

ficusd_start
"$FICUS" run start "$SHOP/plan.yaml" --execute -f "$SHOP/ficus.yaml" >"$SHOP/run.log" 2>&1 &
run=$!
check "the shadow begins" until_ok 60 grep -q "shadow: route.shadow" "$SHOP/run.log"
# The applier waits for rows that somebody has locked; the service reads them as before.
my_sql orders orders "begin; select count(*) from customer_orders for update; select sleep(9)" >/dev/null &
locker=$!
sleep 0.3
pg_sql mono shop "update orders set total = total + 1"
check "a stream whose target keeps it waiting says how late it is" until_ok 5 is_late
ask() { for id in $(pg_sql mono shop "select id from orders order by id limit 40"); do curl -s -o /dev/null -H 'x-customer: 1' "http://127.0.0.1:$PORT_FACADE/orders/$id"; done; }
ask
check "the facade counts differences" until_ok 6 saw_mismatch
check "the gate says why it waits" until_ok 5 grep -q "waiting: shadow: stream lag" "$SHOP/run.log"
wait "$locker"
check "the run is not taken back" kill -0 "$run"
check "no gate failed" [ "$(grep -c failed "$SHOP/run.log")" = 0 ]
passed() { ask; sleep 0.3; grep -q "shadow: mismatch 0.00 %" "$SHOP/run.log"; }
check "after the lag the comparisons count, and it passes" until_ok 30 passed
check "though the facade has counted the differences" saw_mismatch
kill -INT "$run"; wait "$run"
exits 0 "taken back" "$FICUS" run rollback late --execute -f "$SHOP/ficus.yaml"
my_sql orders orders "delete from order_lines; delete from order_facts; delete from customer_orders"
sed 's/name: late/name: bad/; s/gate_wait: 40s/gate_wait: 20s/' "$SHOP/plan.yaml" >"$SHOP/bad.yaml"
"$FICUS" run start "$SHOP/bad.yaml" --execute -f "$SHOP/ficus.yaml" >"$SHOP/bad.log" 2>&1 &
run=$!
check "the next shadow begins" until_ok 60 grep -q "shadow: route.shadow" "$SHOP/bad.log"
touch "$SHOP/break"
failed() { ask; sleep 0.3; grep -q "shadow: failed: gate" "$SHOP/bad.log"; }
check "a new side that answers otherwise fails its gate" until_ok 30 failed
fx_wait_gone 100 "$run" || not_ok "the run ends by itself"
kill -INT "$run" 2>/dev/null
status=0; wait "$run" || status=$?
same "and is taken back" 1 "$status"
sed 's/^/# /' "$SHOP/run.log" "$SHOP/bad.log"
fx_done
