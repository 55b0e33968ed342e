#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ctrl-C during a cut-over by hand. Before the commit everything is given back at once: the fence is aborted, held
# customers go on on the side that they came from, no deadline is waited for. Behind it the cut-over goes on to its end.
# seconds: 20
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../demo/lib.sh"
fx_tmp
shop_up 2000
ficusd_start
tool() { "$FX_BUILD/tests/integration/fence_tool" "$SHOP/ficus.yaml" orders "$@" 2>>"$SHOP/tool.log"; }
cutover() { "$FICUS" cutover "$@" -f "$SHOP/ficus.yaml" --context orders; }
owns() { echo "$(tool old own)/$(tool new own)" | tr -d '0-9 '; }
facade_hold() { facade_status | tr -d ' \n' | grep -o '"group":"orders"[^}]*"hold":"[a-z]*"' | sed 's/.*"hold":"//; s/"//'; }
phases() { "$FICUS" cdc status --context orders -f "$SHOP/ficus.yaml" | awk '/^orders-/ { printf "%s ", $2 }'; }
write() { curl -sf -m 2 -o /dev/null -H 'content-type: application/json' --data-binary '{"by":1}' "http://127.0.0.1:$PORT_FACADE/orders/$1/increment"; }
ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

same "ownership is installed" installed "$(tool install)"
check "the streams start" "$FICUS" cdc start -f "$SHOP/ficus.yaml" --context orders --execute
check "both are live" until_ok 20 cutover start # preflight only
customers_start
direct_start
# Ours are orders that no customer's ledger knows.
pg_sql mono shop "insert into orders (id, customer_id, status, total) values (900001, 1, 'ours', 1), (900002, 1, 'ours', 1)"

# interrupt POINT [SIGNAL]: Ctrl-C, after signals that change nothing, while the cut-over sleeps there; its exit status in $status, how long it took to end in $took
interrupt() {
    rm -f "$FX_DIR/points"
    FICUS_FAILPOINT_LOG=$FX_DIR/points FICUS_FAILPOINT=$1:sleep=700 "$FICUS" cutover start -f "$SHOP/ficus.yaml" --context orders \
        --execute --confirm=orders >"$SHOP/interrupted.log" 2>&1 &
    pid=$!
    until_ok 10 grep -q "^$1" "$FX_DIR/points" || not_ok "the cut-over comes to $1"
    kill -USR1 "$pid"
    kill -USR2 "$pid"
    kill "-${2:-INT}" "$pid"
    began=$(ms)
    status=0
    wait "$pid" || status=$?
    took=$(($(ms) - began))
}
for point in cutover.step.prepare.end cutover.step.hold.begin cutover.step.hold.end cutover.step.fence.end cutover.step.barrier.end \
    cutover.step.applied.end cutover.step.identity.end cutover.step.way-back.end; do
    interrupt "$point"
    same "Ctrl-C at $point: exit status" 10 "$status"
    check "it ends in a moment ($took ms)" [ "$took" -lt 2500 ]
    same "the old side owns" HERE/AWAY "$(owns)"
    same "the facade holds nobody" open "$(facade_hold)"
    check "a customer writes" write 900001
done
interrupt cutover.step.hold.end QUIT
same "SIGQUIT is a Ctrl-C: exit status" 10 "$status"
same "the facade holds nobody" open "$(facade_hold)"
check "and is told that nothing has moved" grep -q "Ownership did not change" "$SHOP/interrupted.log"
same "the fence triggers are disabled again" 0 "$(pg_sql mono shop "select count(*) from pg_trigger where tgname = 'ficus_fence_orders' and tgenabled <> 'D'")"
same "the streams run" "stream stream " "$(phases)"

# --- while it waits for a write in flight, which a row lock keeps there -------------------------------------------------
# The lock is taken behind the preflight, which refuses a transaction of two seconds.
rm -f "$FX_DIR/points"
FICUS_FAILPOINT_LOG=$FX_DIR/points FICUS_FAILPOINT=cutover.step.hold.begin:sleep=3000 "$FICUS" cutover start -f "$SHOP/ficus.yaml" \
    --context orders --execute --confirm=orders >"$SHOP/interrupted.log" 2>&1 &
pid=$!
until_ok 15 grep -q "^cutover.step.hold.begin" "$FX_DIR/points" || not_ok "the cut-over comes to its hold"
fx_spawn locker "$SHOP/locker.log" psql -X -q -h "${PG_SOCK[mono]}" -p "${PG_PORT[mono]}" -U ficus -d shop \
    -c "set application_name = 'locker'; begin; update orders set hits = hits where id = 900002; select pg_sleep(60); commit"
locked() { [ "$(pg_sql mono shop "select count(*) from pg_stat_activity where application_name = 'locker' and wait_event = 'PgSleep'")" = 1 ]; }
until_ok 5 locked || not_ok "the row is locked"
fx_spawn slow "$SHOP/slow.log" curl -s -m 20 -o /dev/null -w '%{http_code}' -H 'content-type: application/json' --data-binary '{"by":1}' \
    "http://127.0.0.1:$PORT_FACADE/orders/900002/increment"
waits_for_row() { [ "$(pg_sql mono shop "select count(*) from pg_locks where not granted")" != 0 ]; }
until_ok 10 waits_for_row || not_ok "the slow write waits for the row"
is_holding() { [ "$(facade_hold)" = holding ]; }
until_ok 10 is_holding
same "the facade holds, and waits for the write in flight" holding "$(facade_hold)"
kill -INT "$pid"
began=$(ms) status=0
wait "$pid" || status=$?
took=$(($(ms) - began))
same "Ctrl-C while it drains" 10 "$status"
check "does not wait for the drain's limit ($took ms)" [ "$took" -lt 1500 ]
same "the facade holds nobody" open "$(facade_hold)"
pg_sql mono shop "select pg_cancel_backend(pid) from pg_stat_activity where application_name = 'locker'" >/dev/null
check "the slow write is answered" until_ok 10 grep -q 200 "$SHOP/slow.log"

# --- behind the commit: forward only ------------------------------------------------------------------------------------
for point in cutover.step.commit.end cutover.step.route.begin; do
    interrupt "$point"
    same "Ctrl-C at $point is too late: it goes on" 0 "$status"
    same "the new side owns" AWAY/HERE "$(owns)"
    same "the facade holds nobody" open "$(facade_hold)"
    check "a customer writes" write 900001
    check "fall-back" cutover fallback --execute --confirm=orders
done

# --- a rehearsal ----------------------------------------------------------------------------------------------------------
rm -f "$FX_DIR/points"
FICUS_FAILPOINT_LOG=$FX_DIR/points FICUS_FAILPOINT=rehearse.step.fence.end:sleep=500 "$FICUS" cutover rehearse -f "$SHOP/ficus.yaml" \
    --context orders --execute >"$SHOP/interrupted.log" 2>&1 &
pid=$!
until_ok 10 grep -q rehearse.step.fence.end "$FX_DIR/points"
kill -INT "$pid"
status=0
wait "$pid" || status=$?
same "Ctrl-C in a rehearsal" 10 "$status"
same "leaves no fence" 0 "$(pg_sql mono shop "select count(*) from ficus.own where state = 'FENCED'")"
check "the next one is none the worse" cutover rehearse --rounds 2 --execute

check "the cut-over itself still works" cutover start --execute --confirm=orders
customers_stop
direct_stop
judge migrated >"$SHOP/verdict.log" 2>&1
check "no request failed" grep -q "failed 0," "$SHOP/verdict.log"
check "no acknowledged write was lost, doubled or leaked" grep -q "lost 0, duplicated 0, leaked 0" "$SHOP/verdict.log"
sed 's/^/# /' "$SHOP/verdict.log"
fx_done
