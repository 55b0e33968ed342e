#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# seconds: 60
# Two state directories ("hosts") on one pair of databases: whatever one holds, every changing command of the other is
# refused, says who and where, and changes nothing; a lost directory is taken over by name and goes on from every state.
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
. "$FX_ROOT/tests/demo/lib.sh"
CUSTOMERS=2 RATE=20 shop_up 400
ficusd_start
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
mkdir -p "$SHOP/b"
sed "s#$SHOP/state#$SHOP/b/state#; s#^facade:#facade:\n  admin: {address: \"unix:$SHOP/state/admin.sock\"}#" "$SHOP/ficus.yaml" >"$SHOP/b/ficus.yaml"
a() { FICUS_HOST=alpha "$FICUS" "$@" -f "$SHOP/ficus.yaml"; }
b() { FICUS_HOST=beta "$FICUS" "$@" -f "$SHOP/b/ficus.yaml"; }
plan() { # NAME STEP…: its file
    local file=$SHOP/$1.yaml
    printf 'apiVersion: ficus/v1\nkind: Migration\nmetadata: {name: %s}\ncontext: orders\npolicy: {gate_wait: 2s, retry: 10s}\nsteps:\n' "$1" >"$file"
    shift
    printf '  - %s\n' "$@" >>"$file"
    echo "$file"
}
COPY='{id: copy, do: stream.start, undo: stream.drop}'
CUT='{id: cut, do: cutover, undo: cutover.fallback}'
id() { sed 's/.*"id":"\([0-9a-f]*\)".*/\1/' "$SHOP/$1/controller"; }
short() { id "$1" | cut -c 1-8; }
own() { echo "$(pg_sql mono shop "select state from ficus.own where grp = 'orders'") $(my_sql orders ficus "select state from own where grp = 'orders'")"; }
# All that a stranger could take: owners, slot, publication, positions' rows, fences, who holds it.
picture() {
    pg_sql mono shop "select grp, state, epoch from ficus.own order by 1; select slot_name from pg_replication_slots; select pubname from pg_publication;
        select stream, phase from ficus.progress; select count(*) from pg_trigger where tgname like 'ficus%'; select grp, id from ficus.controller"
    my_sql orders ficus "select grp, state, epoch from own order by 1; select stream, phase from progress; select grp, id from controller;
        select count(*) from information_schema.triggers where trigger_name like 'ficus%'"
}
refused() { # WHO HOLDER COMMAND…: of b while a holds it; exit 9, and says who, where and the next command
    local who=$1 holder=$2 out status=0
    shift 2
    out=$("$who" "$@" 2>&1) || status=$?
    [ "$status" = 9 ] && says "held by controller $holder" "$out" && says 'says database "' "$out" && says "ficus run adopt orders --confirm=${holder%% *}" "$out" && return
    echo "$who $*: exit status $status: $out"
    return 1
}
b_is_refused() { # STATE: every changing command of b
    local before after holder
    holder="$(short state) of $(command id -un)@alpha"
    before=$(picture)
    check "$1: run start of the streams" refused b "$holder" run start "$start_b" --execute
    check "$1: run start of a cut-over" refused b "$holder" run start "$cut_b" --execute
    check "$1: cdc start" refused b "$holder" cdc start --context orders --quick --execute
    check "$1: cdc drop" refused b "$holder" cdc drop --context orders --execute --confirm=orders
    check "$1: cutover rehearse" refused b "$holder" cutover rehearse --context orders --rounds 1 --execute
    check "$1: cutover start" refused b "$holder" cutover start --context orders --execute --confirm=orders
    check "$1: cutover fallback" refused b "$holder" cutover fallback --context orders --execute --confirm=orders
    check "$1: route set" refused b "$holder" route set orders-read --weight 50% --execute
    check "$1: route hold" refused b "$holder" route hold orders --for 1s --execute
    check "$1: route release" refused b "$holder" route release orders --execute
    check "$1: the dry run of a plan too" refused b "$holder" run start "$start_b"
    after=$(picture)
    same "$1: nothing was taken or dropped" "$before" "$after"
    check "$1: status says who holds it" says "held by controller $holder" "$(b status 2>&1)"
}
start_a=$(plan extract "$COPY" '{id: look, do: {wait: 1s}}')
start_b=$(plan other "$COPY")
cut_b=$(plan cutother "$COPY" "$CUT")

# --- two that start at the same moment: the databases decide -------------------------------------------------------------------
(b run start "$start_b" --execute >"$SHOP/b.log" 2>&1; echo $? >"$SHOP/b.status") &
a run start "$start_a" --execute >"$SHOP/a.log" 2>&1; a_status=$?
wait $!
b_status=$(cat "$SHOP/b.status")
same "of two that start at once one wins" 0 "$((a_status * b_status))"
check "and the other does not" test "$a_status" != "$b_status"
if [ "$b_status" = 0 ]; then # the story below is told from a's side
    exits 0 "the winner goes back" b run rollback other --execute
    my_sql orders orders "delete from order_lines; delete from order_facts; delete from customer_orders"
    rm -rf "$SHOP/state/runs"
    exits 0 "and the other one starts" a run start "$start_a" --execute
fi
rm -rf "$SHOP/b/state/runs" "$SHOP/b/state/streams"
same "an identity is nobody else's to read" 600 "$(stat -c %a "$SHOP/state/controller")"

# --- every state of a, every command of b --------------------------------------------------------------------------------------
b_is_refused "streaming"
exits 0 "a itself may go on under another host's name" env FICUS_HOST=gamma "$FICUS" cutover start --context orders --execute --confirm=orders -f "$SHOP/ficus.yaml"
same "the new side owns the tables" "AWAY HERE" "$(own)"
out=$(a run start "$(plan again "$COPY" "$CUT")" --execute 2>&1)
same "a cut-over that is done already is not started again" 12 $?
check "it says at which epoch" says 'context "orders" is already cut over: the new side owns its tables at epoch 3' "$out"
check "by whom" says "cutover start. Held by: controller $(short state)" "$out"
check "and nothing is recorded" test ! -e "$SHOP/state/runs/again/journal"
exits 12 "nobody drops the streams then" a cdc drop --context orders --execute --confirm=orders
exits 0 "a looks (and is on alpha again)" a cdc start --context orders --quick --execute
b_is_refused "new is HERE"

# --- the directory is lost, the new side owns ----------------------------------------------------------------------------------
old_id=$(short state)
exits 2 "a wrong name takes nothing over" b run adopt orders --confirm=00000000 --execute
exits 2 "nor does none" b run adopt orders --execute
check "a look says the command" says "ficus run adopt orders --confirm=$old_id --execute" "$(b run adopt orders)"
same "and changed nothing" "$(id state)" "$(my_sql orders ficus "select id from controller")"
exits 0 "b takes over" b run adopt orders --confirm="$old_id" --execute
same "both databases say so" "$(id b/state) $(id b/state)" "$(pg_sql mono shop "select id from ficus.controller") $(my_sql orders ficus "select id from controller")"
stopped() { [ "$(a cdc status --context orders 2>&1 | grep -c '"code":"STALE_EPOCH"')" = 2 ] || a cdc status --context orders 2>&1 | grep -q "STALE_EPOCH"; }
check "the streams of a stop, and say why" until_ok 15 stopped
holder_b="$(short b/state) of $(command id -un)@beta"
check "a is refused: cdc start" refused a "$holder_b" cdc start --context orders --quick --execute
check "a is refused: run rollback" refused a "$holder_b" run rollback extract --execute
check "a is refused: cutover fallback" refused a "$holder_b" cutover fallback --context orders --execute --confirm=orders
same "the new side still owns" "AWAY HERE" "$(own)"
exits 0 "b starts the streams" b cdc start --context orders --quick --execute
my_sql orders orders "insert into customer_orders (id, customer_id, status, total_cents) values (7000001, 1, 'new', 5)"
arrived() { [ "$(pg_sql mono shop "select count(*) from orders where id = 7000001")" = 1 ]; }
check "what the new side accepts reaches the old one" until_ok 10 arrived
exits 0 "b goes back without the journal of a" b cutover fallback --context orders --execute --confirm=orders
same "the old side owns the tables" "HERE AWAY" "$(own)"

# --- b ends it, and nobody holds it --------------------------------------------------------------------------------------------
exits 0 "b drops the streams" b cdc drop --context orders --execute --confirm=orders
fx_done
