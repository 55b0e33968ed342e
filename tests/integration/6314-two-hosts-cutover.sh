#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Two hosts, every command of one against the states of the other's cut-over: prepared, fenced with a dead controller,
# committed and not open, cut over, finished. 6313 has the states before.
# seconds: 70
. "$(dirname "$0")/matrix_lib.sh"
exits 0 "a starts the streams" a cdc start --context orders --quick --execute
check "they run" until_ok 20 streams_run
ready() { a cutover start --context orders; }
check "both are live" until_ok 20 ready
LONG=(--context orders --execute --confirm=orders --fence-ttl 100s --hold 120s)

dies_at cutover.step.prepare.end cutover start "${LONG[@]}"
against "prepared" b a "cutover start"

dies_at cutover.step.fence.end cutover start "${LONG[@]}"
same "the old side is fenced" FENCED/AWAY "$(owns)"
check "status names the command that finishes it" says "ficus cutover start --context orders" "$(a status 2>&1)"
against "fenced, its controller dead" b a "cutover start"
out=$(b run adopt orders --confirm="$(short a)" --execute 2>&1)
status=$?
check "fenced: nobody takes over while the fence stands (exit status $status)" [ "$status" != 0 ]
check "and is told why" says "FENCED" "$out"
same "it stays with a" "$(id a) $(id a)" "$(pg_sql mono shop "select id from ficus.controller") $(my_sql orders ficus "select id from controller")"

dies_at cutover.step.commit.end cutover start "${LONG[@]}"
same "no side accepts" AWAY/AWAY "$(owns)"
check "status names the command that finishes it" says "ficus cutover start --context orders" "$(a status 2>&1)"
against "committed, not open" b a "cutover start"
exits 0 "a finishes it" a cutover start "${LONG[@]}"
same "the new side owns" AWAY/HERE "$(owns)"
against "cut over" b a "cutover start"

# --- the host of the cut-over is lost after its commit: b finishes it ----------------------------------------------------------
exits 0 "a falls back" a cutover fallback "${LONG[@]}"
dies_at cutover.step.commit.end cutover start "${LONG[@]}"
exits 0 "committed, not open: b takes over" b run adopt orders --confirm="$(short a)" --execute
against "taken over, not open" a b "run adopt"
exits 0 "b starts the streams" b cdc start --context orders --quick --execute
exits 0 "and finishes the cut-over" b cutover start "${LONG[@]}"
same "the new side owns" AWAY/HERE "$(owns)"

# --- finished: the streams are gone, the new side owns ---------------------------------------------------------------------------
end=$(plan end "$COPY" "$CUT" '{id: drop, do: stream.drop, point_of_no_return: true}')
exits 0 "b falls back" b cutover fallback "${LONG[@]}"
who=b dies_at cutover.step.fence.end cutover start --context orders --execute --confirm=orders --fence-ttl 2s --hold 9s
sleep 2
exits 0 "fenced until a moment ago: a takes over" a run adopt orders --confirm="$(short b)" --execute
exits 0 "starts the streams" a cdc start --context orders --quick --execute
exits 0 "finishes the cut-over" a cutover start "${LONG[@]}"
same "the new side owns" AWAY/HERE "$(owns)"
exits 0 "falls back" a cutover fallback "${LONG[@]}"
exits 0 "and carries a whole plan out" a run start "$end" --execute
same "the new side owns" AWAY/HERE "$(owns)"
for command in "cdc drop --context orders --execute --confirm=orders" "cutover start --context orders --execute --confirm=orders" \
    "cutover fallback --context orders --execute --confirm=orders" "run start $MOVE --execute" "cdc start --context orders --quick --execute"; do
    # shellcheck disable=SC2086
    b $command >"$SHOP/after.log" 2>&1 </dev/null
    same "finished: b: ${command%% --*}: the new side owns still" AWAY/HERE "$(owns)"
done
sort -rnk2 "$FX_DIR/times" | head -n 5
fx_done
