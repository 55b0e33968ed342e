#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A plan from the outside: what is wrong with it, what is not there, Ctrl-C, a changed plan, a second
# controller, resume after SIGKILL, rollback. Nothing may be changed by what is refused.
# seconds: 25
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
. "$FX_ROOT/tests/demo/lib.sh"
RATE=60 CUSTOMERS=4 shop_up 400
P=$SHOP/plan.yaml
plan() { # SOAK
    cat <<YAML
apiVersion: ficus/v1
kind: Migration
metadata: {name: short}
context: orders
policy: {gate_wait: 20s, retry: 10s}
steps:
  - {id: copy, do: stream.start, undo: stream.drop}
  - {id: equal, do: reconcile, gate: {divergent: 0, coverage: 100%}}
  - {id: canary, do: {route.ramp: {routes: [orders-read], through: [10%, 50%], every: 500ms}}, undo: route.reset}
  - {id: cutover, do: cutover, undo: cutover.fallback, gate: {lag_p99: {below: 2s}}}
  - {id: soak, do: {wait: $1}, gate: {write_leaks: 0}}
  - {id: fallback, do: cutover.fallback, undo: cutover}
  - {id: finish, do: finish}
YAML
}
plan 1s >"$P"
run() { "$FICUS" run "$@" -f "$SHOP/ficus.yaml"; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
journal() { run journal show short 2>/dev/null; }
facade() { facade_status | grep -o '"controller_epoch": *[0-9]*' | grep -o '[0-9]*$'; }
untouched() { # nothing at all has happened
    [ ! -e "$SHOP/state/runs/short/journal" ] || [ ! -s "$SHOP/state/runs/short/journal" ] || return 1
    [ "$(pg_sql mono shop "select count(*) from pg_namespace where nspname = 'ficus'")" = 0 ] || return 1
    [ "$(my_sql orders mysql "select count(*) from information_schema.schemata where schema_name = 'ficus'")" = 0 ]
}

# --- what is wrong with the files ----------------------------------------------------------------------
sed 's/orders-read/orders-raed/; s/undo: route.reset/on_fial: hold/; s/do: {wait: 1s}/do: {wiat: 1s}/' "$P" >"$SHOP/bad.yaml"
exits 4 "a plan with problems is refused" run start "$SHOP/bad.yaml" --execute
all=$(run start "$SHOP/bad.yaml" 2>&1)
check "an unknown route has its place and a suggestion" says 'bad.yaml:9:45: context "orders" has no route "orders-raed"; did you mean "orders-read"?' "$all"
check "a missing undo is said in the same run" says 'add `undo: route.reset`' "$all"
check "an unknown key too" says 'unknown key "on_fial"; did you mean "on_fail"?' "$all"
check "an unknown kind too" says 'unknown step kind "wiat"; did you mean "wait"?' "$all"
exits 4 "a plan that is not there" run start "$SHOP/none.yaml"
check "says what is meant" says "PLAN is the path" "$("$FICUS" plan lint "$SHOP/none.yaml" -f "$SHOP/ficus.yaml" 2>&1)"
exits 4 "a project file that is not there, for the daemon" "$FICUSD" -f "$SHOP/none.yaml"
check "says how to name it" says "with -f FILE" "$("$FICUSD" -f "$SHOP/none.yaml" 2>&1)"
exits 3 "a report that is not there is unknown" "$FICUS" reconcile gate "$SHOP/none.json" --unsigned --divergent 0 -f "$SHOP/ficus.yaml"
sed 's/databases:/datbases:/' "$SHOP/ficus.yaml" >"$SHOP/bad-project.yaml"
exits 4 "an unknown key of ficus.yaml" "$FICUS" plan lint "$P" -f "$SHOP/bad-project.yaml"
sed 's/health:/helth:/; s/kind: read/kind: red/; s/database: mono}/database: momo}/' "$SHOP/ficus.yaml" >"$SHOP/bad-project.yaml"
all=$("$FICUS" plan lint "$P" -f "$SHOP/bad-project.yaml" 2>&1)
check "what only the daemon reads is checked too" says 'unknown key "helth"; did you mean "health"?' "$all"
check "in the same run: a word of a route" says '"red" is not one of read, write' "$all"
check "and a database" says 'there is no database "momo"' "$all"
sed 's|mono: .*|mono: {url: "postgresql://ficus@127.0.0.1:1/shop", password: {env: NOT_SET_ANYWHERE}}|' "$SHOP/ficus.yaml" >"$SHOP/secret.yaml"
exits 8 "no facade" run start "$P" --execute
exits 8 "the dry run says so too" run start "$P"
check "nothing was changed" untouched
ficusd_start
exits 4 "a missing secret" "$FICUS" run start "$P" --execute -f "$SHOP/secret.yaml"
check "names variable and place" says "NOT_SET_ANYWHERE" "$("$FICUS" run start "$P" --execute -f "$SHOP/secret.yaml" 2>&1)"
sed 's|mono: .*|mono: {url: "postgresql://ficus@127.0.0.1:1/shop"}|' "$SHOP/ficus.yaml" >"$SHOP/away.yaml"
exits 5 "a source that is away" "$FICUS" run start "$P" --execute -f "$SHOP/away.yaml"
sed 's|  orders: {url.*|  orders: {url: "mysql://ficus@127.0.0.1:1/orders"}|' "$SHOP/ficus.yaml" >"$SHOP/away.yaml"
exits 6 "a target that is away" "$FICUS" run start "$P" --execute -f "$SHOP/away.yaml"
exits 6 "the dry run asks it too" "$FICUS" run start "$P" -f "$SHOP/away.yaml"
check "and shows what did answer" says "ready  facade" "$("$FICUS" run start "$P" -f "$SHOP/away.yaml" 2>&1)"
sed -i "s|^facade:|&\n  admin: {address: \"unix:$SHOP/nobody.sock\"}|" "$SHOP/away.yaml"
all=$("$FICUS" run start "$P" -f "$SHOP/away.yaml" 2>&1)
same "two that are away: the first gives the code" 8 $?
check "both are named, the facade" says "facade: could not GET" "$all"
check "and the database" says "databases of context orders: " "$all"
exits 0 "with all of them there the dry run passes" run start "$P"
check "it has looked at tables and rights" says "ready  step copy: stream.start" "$(run start "$P")"
sed 's/^state:.*/&\nreconcile: {sign_with: none.key}/' "$SHOP/ficus.yaml" >"$SHOP/unsigned.yaml"
exits 4 "a key for reports that is not there" "$FICUS" run start "$P" -f "$SHOP/unsigned.yaml"
check "is named" says 'could not open private key' "$("$FICUS" run start "$P" -f "$SHOP/unsigned.yaml" 2>&1)"
check "nothing was changed by looking" untouched
exits 6 "it is also for a cut-over by hand" "$FICUS" cutover start --context orders -f "$SHOP/away.yaml"
exits 12 "a cut-over before anything is installed" "$FICUS" cutover start --context orders --execute --confirm=orders -f "$SHOP/ficus.yaml"
check "says what is missing and what makes it" says "ficus run start PLAN --execute" "$("$FICUS" cutover start -f "$SHOP/ficus.yaml" 2>&1)"
exits 2 "a weight for writes" "$FICUS" route set orders-write --weight 10% -f "$SHOP/ficus.yaml"
exits 2 "a hold of no time" "$FICUS" route hold orders --for 0s -f "$SHOP/ficus.yaml"
exits 2 "a hold that is longer than a facade holds" "$FICUS" cutover start --hold 2h -f "$SHOP/ficus.yaml"
check "says which option and how long it may be" says "--hold must be between 1 ms and 1 h" "$("$FICUS" cutover start --hold 2h -f "$SHOP/ficus.yaml" 2>&1)"
exits 2 "more rounds of rehearsal than there may be" "$FICUS" cutover rehearse --rounds 33 -f "$SHOP/ficus.yaml"
exits 2 "help for a command that does not exist" "$FICUS" help stream
exits 0 "without --execute it only says what it would do" run start "$P"
check "nothing was changed by any of these" untouched
same "nor at the facade" 0 "$(facade)"

# --- Ctrl-C, drift, a second controller, SIGKILL, resume -----------------------------------------------
customers_start
plan 30s >"$P"
"$FICUS" run start "$P" --execute -f "$SHOP/ficus.yaml" >"$SHOP/run.log" 2>&1 &
pid=$!
check "the run reaches its soak" until_ok 60 grep -q "soak: wait" "$SHOP/run.log"
exits 9 "a second controller is refused" run resume short
exits 9 "so is a cut-over by hand beside it" "$FICUS" cutover start --context orders --execute --confirm=orders -f "$SHOP/ficus.yaml"
exits 9 "and so is dropping its streams" "$FICUS" cdc drop --context orders --execute --confirm=orders -f "$SHOP/ficus.yaml"
check "and told who has it" says "$pid" "$(run resume short 2>&1)"
exits 9 "so is a second start" run start "$P" --execute
kill -INT "$pid"
status=0; wait "$pid" || status=$?
same "Ctrl-C stops it at a safe point" 10 "$status"
check "and its picture says that nobody runs it" says "not running, to continue: ficus run resume short" "$("$FICUS" status short -f "$SHOP/ficus.yaml")"
check "with the way on" grep -q "ficus run resume short" "$SHOP/run.log"
plan 1s >"$P"
exits 12 "a plan that has changed since is refused" run resume short
plan 30s >"$P"
FICUS_FAILPOINT=journal.INTENT.after:kill run resume short >"$SHOP/run.log" 2>&1
check "SIGKILL behind a record" says "INTENT" "$(journal | tail -n 1)"
check "the journal is whole" run journal verify short
check "the rollback says first what it costs" says "cutover.fallback" "$(run rollback short)"
check "and does nothing" says "INTENT" "$(journal | tail -n 1)"
exits 0 "a rollback from behind the cut-over" run rollback short --execute
same "nothing of ours is left on the old side" 0 "$(pg_sql mono shop "select count(*) from pg_trigger where tgname like 'ficus%'")"
check "its last record" says "rolled back" "$(journal | tail -n 1)"
exits 1 "resume after the end repeats the verdict" run resume short
exits 0 "a second rollback finds it done" run rollback short --execute

# --- after a rollback the same plan starts anew -----------------------------------------------------
my_sql orders orders "delete from order_lines; delete from order_facts; delete from customer_orders"
plan 1s >"$P"
for moment in journal.DONE.before journal.CUT.after cutover.step.fence.end; do
    FICUS_FAILPOINT=$moment:kill run $([ -n "${begun:-}" ] && echo resume short || echo start "$P" --execute) >"$SHOP/run.log" 2>&1
    status=$?
    same "killed at $moment" 137 "$status"
    begun=1
done
FICUS_FAILPOINT=journal.append:error:2 exits 11 "a journal that cannot be written stops it" run resume short
exits 0 "a run that was killed three times is resumed to its end" run resume short
exits 0 "resume of a finished run says so" run resume short
customers_stop
check "finished" says "finished" "$(journal | tail -n 1)"
check "both sides are equal" says "0 divergent" "$(journal | grep DONE | tail -n 1)"
check "and the customers' ledger balances" judge migrated --may-fail --report "$(find "$SHOP/state" -path '*latest/report.json')"
exits 0 "a finished run can still be rolled back: nothing was dropped" run rollback short --execute
check "and the old side accepts writes" pg_sql mono shop "update orders set id = id where id = (select min(id) from orders)"
fx_done
