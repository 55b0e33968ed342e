#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Which run a command without a name means; and what a second operator may not do while somebody else carries out a run.
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
. "$FX_ROOT/tests/demo/lib.sh"
RATE=60 CUSTOMERS=4 shop_up 400
ficusd_start
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
run() { "$FICUS" run "$@" -f "$SHOP/ficus.yaml"; }
status() { "$FICUS" status "$@" -f "$SHOP/ficus.yaml"; }
COPY='{id: copy, do: stream.start, undo: stream.drop}'
SOAK='{id: soak, do: {wait: 60s}}'
plan() { # NAME STEP…: its file
    local file=$SHOP/$1.yaml
    printf 'apiVersion: ficus/v1\nkind: Migration\nmetadata: {name: %s}\ncontext: orders\npolicy: {gate_wait: 2s, retry: 10s}\nsteps:\n' "$1" >"$file"
    shift
    printf '  - %s\n' "$@" >>"$file"
    echo "$file"
}
empty_new() { my_sql orders orders "delete from order_lines; delete from order_facts; delete from customer_orders"; }

# --- stopped before its first step ------------------------------------------------------------------------------------------
exits 0 "a run comes to its end" run start "$(plan aaa "$COPY")" --execute
exits 0 "and is rolled back" run rollback --execute
empty_new
exits 0 "another one too" run start "$(plan bbb '{id: soak, do: {wait: 1s}}')" --execute
short=$(plan short "$COPY" "$SOAK")
FICUS_FAILPOINT=journal.RUN_OPENED.after:sleep=2000 FICUS_FAILPOINT_LOG=$FX_DIR/points "$FICUS" run start "$short" --execute \
    -f "$SHOP/ficus.yaml" >"$SHOP/short.log" 2>&1 &
pid=$!
until_ok 10 grep -q journal.RUN_OPENED.after "$FX_DIR/points" || not_ok "the run is opened"
kill -INT "$pid"
status=0; wait "$pid" || status=$?
same "Ctrl-C before its first step" 10 "$status"
check "status shows that run" says "short" "$(status | head -n 1)"
"$FICUS" run resume -f "$SHOP/ficus.yaml" >"$SHOP/resume.log" 2>&1 &
pid=$!
check "and a bare resume goes on with it" until_ok 20 grep -q "soak: wait" "$SHOP/resume.log"

# --- a second operator -----------------------------------------------------------------------------------------------------------
refused() { # WHAT COMMAND…: refused, by whom and what to look at
    local what=$1 out status=0
    shift
    out=$("$FICUS" "$@" -f "$SHOP/ficus.yaml" 2>&1) || status=$?
    same "$what is refused while somebody else carries out a run" 9 "$status"
    check "$what: it says who" says "context \"orders\" is locked by process $pid (run short)" "$out"
    check "$what: and where to look" says "ficus status -w" "$out"
}
refused "cdc stop" cdc stop --context orders --execute
refused "route set" route set orders-read --weight 77% --execute
refused "route hold" route hold orders --for 1s --execute
refused "route release" route release orders --execute
refused "cutover start" cutover start --context orders --execute --confirm=orders
refused "a second start of the run" run start "$short" --execute
refused "another plan" run start "$(plan other "$COPY")" --execute
refused "resume" run resume
refused "rollback" run rollback short --execute
refused "a rollback of a run that has ended" run rollback bbb --execute
check "the streams run" "$FICUS" cdc status --context orders -f "$SHOP/ficus.yaml"

# --- all runs, and JSON ------------------------------------------------------------------------------------------------------
field() { # PYTHON COMMAND…: the value of an expression of `d`, what the command printed
    local expression=$1
    shift
    "$FICUS" "$@" -f "$SHOP/ficus.yaml" | python3 -c "import json, sys; d = json.load(sys.stdin); print($expression)"
}
same "run list has every run, the newest first" "short bbb aaa" "$(field '*[r["run"] for r in d["runs"]]' run list --json)"
same "and what each is in" "running finished rolled_back" "$(field '*[r["phase"] for r in d["runs"]]' run list --json)"
same "and what to type next" "ficus status -w short" "$(field 'd["runs"][0]["next"]' run list --json)"
same "and who opened it" True "$(field '"pid " in d["runs"][0]["by"]' run list --json)"
check "for people too" says "ficus run status bbb" "$(run list)"
for command in status "run status"; do
    # shellcheck disable=SC2086
    same "$command --json: the step that runs" "short running soak" "$(field 'd["run"], d["phase"], d["step"]' $command --json)"
    # shellcheck disable=SC2086
    same "$command --json: who owns" "HERE AWAY" "$(field 'd["ownership"]["old"]["state"], d["ownership"]["new"]["state"]' $command --json)"
    # shellcheck disable=SC2086
    same "$command --json: the streams" 2 "$(field 'len([s for s in d["streams"].values() if s["phase"]])' $command --json)"
done
same "route list --json" "orders-read old" "$(field 'd["routes"][0]["id"], d["groups"][0]["owner"]' route list --json)"
status=0
out=$(status --json -w 2>"$SHOP/status.err") || status=$?
same "an error leaves standard output empty" "2 " "$status $out"
check "the weight is as it was" says '"weight_percent":0' "$(facade_status | tr -d ' ')"
kill -KILL "$pid"
wait "$pid" 2>/dev/null
byhand() { "$FICUS" "$@" -f "$SHOP/ficus.yaml"; }
exits 2 "when its process has died a second start is told to resume" run start "$short" --execute
check "by name" says "ficus run resume short" "$(run start "$short" --execute 2>&1)"
exits 0 "a weight may be set" byhand route set orders-read --weight 7% --execute
exits 0 "a hold too" byhand route hold orders --for 5s --execute
exits 0 "and released" byhand route release orders --execute
exits 0 "the streams may be stopped" byhand cdc stop --context orders --execute
exits 0 "a bare rollback means it too" run rollback --execute
empty_new
fx_done
