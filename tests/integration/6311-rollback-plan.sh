#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The way back as a plan of its own: written from a plan or a run, linted, kept beside the plan, carried out with `run
# start`. What `run rollback` does is exactly that plan. The pair of the library is run, both ways, under customers.
# seconds: 65
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
. "$FX_ROOT/tests/demo/lib.sh"
RATE=120 CUSTOMERS=6 shop_up 400
ficusd_start
customers_start
F=$SHOP/ficus.yaml
run() { "$FICUS" run "$@" -f "$F"; }
way() { "$FICUS" plan rollback "$@" -f "$F"; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
owns() { echo "$(pg_sql mono shop "select state from ficus.own where grp = 'orders'")/$(my_sql orders ficus "select state from own where grp = 'orders'")"; }
old_writes() { # nothing of Ficus is left that could own or refuse
    pg_sql mono shop "update orders set id = id where id = (select min(id) from orders)" &&
        [ "$(pg_sql mono shop "select count(*) from pg_trigger where tgname like 'ficus%'")" = 0 ]
}
slots() { pg_sql mono shop 'select count(*) from pg_replication_slots'; }
empty_new() { my_sql orders orders "delete from order_lines; delete from order_facts; delete from customer_orders"; }
plain() { grep -v '^ *#'; }
undone() { run journal show "$1" | awk '$3 == "COMPENSATED" { print "undo-" $4 }'; }

# --- the pair of the library --------------------------------------------------------------------------------------------
library=$FX_ROOT/plans/library
for back in "$library"/*.rollback.yaml; do
    exits 0 "lint: $(basename "$back")" "$FICUS" plan lint "$back" -f "$F"
    same "it is what the command writes" "$(plain <"$back")" "$(way "${back%.rollback.yaml}.yaml" --print | plain)"
done
same "each ready plan has its way back" "$(ls "$library"/*.yaml | grep -vc rollback)" "$(ls "$library"/*.rollback.yaml | wc -l)"
check "before anything is installed the file says what is known" says "Now: unknown" "$(way "$library/extract-service.yaml")"
sed 's/every: 4s/every: 400ms/; s/of_at_least: 300/of_at_least: 20/; s/wait: 5s/wait: 500ms/' "$library/extract-service.yaml" >"$SHOP/plan.yaml"
exits 0 "the plan is carried out" run start "$SHOP/plan.yaml" --execute
same "the new side owns" AWAY/HERE "$(owns)"
cp "$library/extract-service.rollback.yaml" "$SHOP/back.yaml"
out=$(run start "$SHOP/back.yaml")
same "its way back could start" 0 $?
check "each step is shown" says "undo-cutover-again cutover.fallback" "$out"
same "nothing has moved" AWAY/HERE "$(owns)"
of_run=$(way orders-extract)
check "of the run the file has the cost, read now" says "cost: one fence, writes wait for it; now: possible now, one fence" "$of_run"
exits 0 "the way back is carried out" run start "$SHOP/back.yaml" --execute
check "the old side takes writes again" old_writes
same "nothing is left" 0 "$(slots)"
same "what was undone is what the file says" "$(plain <<<"$of_run" | sed -n 's/.*{id: \(undo-[a-z-]*\).*/\1/p')" "$(undone orders-extract)"
same "and what the run has written down" "$(plain <<<"$of_run")" "$(cat "$SHOP/state/runs/orders-extract/rollback.yaml")"
exits 0 "once more it changes nothing" run start "$SHOP/back.yaml" --execute
empty_new

# --- a run that stopped on its way, and a file that does not cover it ----------------------------------------------------------
cat >"$SHOP/short.yaml" <<YAML
apiVersion: ficus/v1
kind: Migration
metadata: {name: short}
context: orders
policy: {gate_wait: 5s, retry: 5s}
steps:
  - {id: copy, do: stream.start, undo: stream.drop}
  - {id: canary, do: {route.ramp: {routes: [orders-read], through: [10%], every: 200ms}}, undo: route.reset}
  - {id: cutover, do: cutover, undo: cutover.fallback}
YAML
way "$SHOP/short.yaml" >"$SHOP/short.back.yaml"
FICUS_FAILPOINT=journal.INTENT.before:kill:3 run start "$SHOP/short.yaml" --execute >"$SHOP/short.log" 2>&1
same "a run is killed before its cut-over" 137 $?
grep -v canary "$SHOP/short.back.yaml" >"$SHOP/less.yaml"
exits 12 "a file that leaves a step out is refused" run start "$SHOP/less.yaml" --execute
check "the step is named, and what shows the way back as it is" says 'does not take back step "canary"' "$(run start "$SHOP/less.yaml" --execute 2>&1)"
exits 12 "the dry run says so too" run start "$SHOP/less.yaml"
out=$(run start "$SHOP/short.back.yaml")
same "the file of the whole plan could start: what is left to undo, the run knows" 0 $?
check "and shows it" says "ficus run rollback short" "$out"
sed 's/do: cutover.fallback}/do: cutover.fallback, gate: {write_leaks: 0}}/' "$SHOP/short.back.yaml" >"$SHOP/gate.yaml"
exits 2 "a gate that would not be asked is refused" run start "$SHOP/gate.yaml" --execute
check "the run is as it was" says "short" "$(run resume short 2>&1)"
same "and goes on to its cut-over" AWAY/HERE "$(owns)"
grep -v -e 'do: cutover.fallback' -e undo-canary "$SHOP/short.back.yaml" | sed 's/^rolls_back: .*/rolls_back: shrt/; s/name: short-rollback/name: typo/' >"$SHOP/typo.yaml"
exits 12 "a file that names a run that is not here, and drops the streams of a new side that owns, could not start" run start "$SHOP/typo.yaml"
check "which run that is" says 'run "shrt" is not in this state directory' "$(run start "$SHOP/typo.yaml")"
exits 12 "nor does it" run start "$SHOP/typo.yaml" --execute
same "the streams stay" 1 "$(slots)"
exits 0 "the file of the whole plan takes it back" run start "$SHOP/short.back.yaml" --execute
check "the old side takes writes again" old_writes
same "the streams are gone" 0 "$(slots)"
empty_new

# --- a plan of its own: without its run, streams and ownership are what it finds -----------------------------------------------
exits 0 "forward once more" run start "$SHOP/short.yaml" --execute
way short | grep -v '^rolls_back' | sed 's/do: stream.drop}/do: stream.drop, point_of_no_return: true}/; s/do: cutover.fallback}/do: cutover.fallback, gate: {write_leaks: 0}}/' >"$SHOP/own.yaml"
exits 0 "a way back without its run, and with a gate, could start" run start "$SHOP/own.yaml"
FICUS_FAILPOINT=journal.DONE.before:kill:1 run start "$SHOP/own.yaml" --execute >"$SHOP/own.log" 2>&1
same "killed behind its fall-back" 137 $?
exits 0 "it is resumed" run resume short-rollback
check "the old side takes writes again" old_writes
same "the streams are gone" 0 "$(slots)"
check "its picture says who serves" says "finished: the old side serves" "$("$FICUS" status short-rollback -f "$F")"
customers_stop
judge rolled_back --expect rolled_back >"$SHOP/verdict.log" 2>&1
check "no request failed" grep -q "failed 0," "$SHOP/verdict.log"
check "no acknowledged write was lost, doubled or leaked" grep -q "lost 0, duplicated 0, leaked 0" "$SHOP/verdict.log"
sed 's/^/# /' "$SHOP/verdict.log"
fx_done
