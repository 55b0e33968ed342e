#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A run that died in a rehearsal or a cut-over is rolled back, wherever its groups were, and starts anew; streams that
# are dropped after a cut-over leave the old side closed.
# seconds: 45
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
. "$FX_ROOT/tests/demo/lib.sh"
RATE=60 CUSTOMERS=4 shop_up 400
P=$SHOP/plan.yaml
cat >"$P" <<YAML
apiVersion: ficus/v1
kind: Migration
metadata: {name: short}
context: orders
policy: {gate_wait: 20s, retry: 10s}
steps:
  - {id: copy, do: stream.start, undo: stream.drop}
  - {id: rehearse, do: {cutover.rehearse: {rounds: 2}}}
  - {id: cutover, do: cutover, undo: cutover.fallback}
  - {id: drop, do: stream.drop, point_of_no_return: true}
YAML
run() { "$FICUS" run "$@" -f "$SHOP/ficus.yaml"; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
empty_target() { my_sql orders orders "delete from order_lines; delete from order_facts; delete from customer_orders"; }
left_behind() {
    pg_sql mono shop "select (select count(*) from pg_trigger where tgname like 'ficus%'), (select count(*) from pg_replication_slots)"
}
ficusd_start
customers_start
# fence.end: FENCED on the old side; commit.end: nobody's; way-back.end of the second passage: fenced on the new side
for moment in rehearse.step.fence.end:kill:1 rehearse.step.commit.end:kill:1 rehearse.step.way-back.end:kill:2 rehearse.step.confirm.end:kill:1 \
    cutover.step.barrier.end:kill:1 cutover.step.confirm.begin:kill:1; do
    FICUS_FAILPOINT=$moment run start "$P" --execute >"$SHOP/run.log" 2>&1
    same "the run dies at $moment" 137 $?
    exits 0 "and is rolled back" run rollback short --execute
    same "which leaves no trigger and no slot" "0|0" "$(left_behind)"
    check "customers' writes were never in the way" pg_sql mono shop "update orders set id = id where id = (select min(id) from orders)"
    empty_target
done
exits 0 "the same plan then runs to its end, rehearsal included" run start "$P" --execute
same "the old side has no slot" 0 "$(pg_sql mono shop 'select count(*) from pg_replication_slots')"
out=$(pg_sql mono shop "update orders set id = id where id = (select min(id) from orders)" 2>&1)
check "and stays closed: nobody would carry its writes over any more" says "owned by the other side" "$out"
customers_stop
fx_done
