#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each command that has --json prints JSON and nothing else on standard output, has the exit status that it has without, also
# when its answer is no, and each member that it prints is in docs/protocols.
# seconds: 70
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../demo/lib.sh"
fx_tmp
PAGE=$FX_ROOT/docs/protocols/json-output.md
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "${2:0:2000}"; return 1; }
value() { python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$FX_DIR/out.json" "$1" 2>&1; }
# Every name of a member, at any depth; what is data (names of steps, forms) is left to the list behind.
undocumented() {
    python3 -c '
import json, sys
page, free = "".join(open(p).read() for p in sys.argv[2:]), {"steps", "forms"}
def names(d, is_free=False):
    for k, v in d.items() if isinstance(d, dict) else []:
        if not is_free: yield k
        yield from names(v, is_free or (k in free and isinstance(v, dict)))
    for v in d if isinstance(d, list) else []: yield from names(v, is_free)
for line in open(sys.argv[1]).read().splitlines():
    for k in names(json.loads(line)):
        if "`%s`" % k not in page and "\"%s\"" % k not in page: print(k)' "$FX_DIR/out.json" "$FX_ROOT"/docs/protocols/*.md 2>&1 | sort -u
}
# json STATUS WHAT COMMAND…: the JSON is in out.json
json() {
    local status=$1 what=$2 plain=0 got=0
    shift 2
    "$FICUS" "$@" -f "$SHOP/ficus.yaml" >"$FX_DIR/out.txt" 2>&1 || plain=$?
    "$FICUS" "$@" --json -f "$SHOP/ficus.yaml" >"$FX_DIR/out.json" 2>"$FX_DIR/out.err" || got=$?
    same "$what" "$status $status" "$plain $got"
    same "$what: JSON, and each of its members is documented" "" "$(undocumented)"
    check "$what: not nothing" test -s "$FX_DIR/out.json"
}
# once STATUS WHAT COMMAND…: the same of a command that may be given only once
once() {
    local status=$1 what=$2 got=0
    shift 2
    "$FICUS" "$@" --json -f "$SHOP/ficus.yaml" >"$FX_DIR/out.json" 2>"$FX_DIR/out.err" || got=$?
    same "$what" "$status" "$got"
    [ "$status" = "$got" ] || sed 's/^/# /' "$FX_DIR/out.err"
    same "$what: JSON, and each of its members is documented" "" "$(undocumented)"
}

# --- every command with the option is in the page -------------------------------------------------------------------------
"$FICUS" help | sed -n 's/^  \([a-z]*\( [a-z]*\)\{0,2\}\).*  .*/\1/p' | while read -r command; do
    # shellcheck disable=SC2086
    if "$FICUS" $command --help 2>/dev/null | grep -q -e '--json'; then echo "$command"; fi
done >"$FX_DIR/with_json"
check "many commands have the option ($(wc -l <"$FX_DIR/with_json"))" test "$(wc -l <"$FX_DIR/with_json")" -ge 18
same "each is in the page" "" "$(while read -r command; do grep -q "\`ficus $command\`" "$PAGE" || echo "$command"; done <"$FX_DIR/with_json")"

# --- a file with more problems than an error has room for ------------------------------------------------------------------
{ cat "$FX_ROOT/docs/examples/ficus.yaml"; for i in $(seq 1 80); do echo "key_$i: 1"; done; } >"$FX_DIR/many.yaml"
same "ficusd --check lists all of them" 80 "$("$FICUSD" --check -f "$FX_DIR/many.yaml" 2>&1 | grep -c 'unknown key "key_')"
same "so does every command" 80 "$("$FICUS" plan lint "$FX_DIR/many.yaml" -f "$FX_DIR/many.yaml" 2>&1 | grep -c 'unknown key "key_')"

shop_up 400
ficusd_start
tool() { "$FX_BUILD/tests/integration/fence_tool" "$SHOP/ficus.yaml" orders "$@" 2>>"$SHOP/tool.log"; }
STEPS='  - {id: copy, do: stream.start, undo: stream.drop}\n  - {id: soak, do: {wait: 1s}}\n'
# shellcheck disable=SC2059
printf "apiVersion: ficus/v1\nkind: Migration\nmetadata: {name: small}\ncontext: orders\nsteps:\n$STEPS" >"$SHOP/small.yaml"
{ printf 'apiVersion: ficus/v1\nkind: Migration\nmetadata: {name: bad}\ncontext: orders\nsteps:\n'
    for i in $(seq 1 60); do printf '  - {id: s%s, do: no.such.kind.of.step}\n' "$i"; done; } >"$SHOP/bad.yaml"

# --- before anything runs --------------------------------------------------------------------------------------------------
json 0 "version" version
same "forms are numbers" True "$(value 'd["forms"]["journal"] >= 1')"
json 0 "plan lint" plan lint "$SHOP/small.yaml"
same "it passed" "True 2 []" "$(value 'str(d["passed"]) + " " + str(d["steps"]) + " " + str(d["problems"])')"
json 4 "plan lint of a plan with many problems" plan lint "$SHOP/bad.yaml"
same "all are there" "60 60" "$(value 'str(d["count"]) + " " + str(len(d["problems"]))')"
same "as text, too" 60 "$(grep -c 'no.such.kind' "$FX_DIR/out.txt")"
json 0 "run start, before it starts" run start "$SHOP/small.yaml"
same "it could" "True ['copy', 'soak']" "$(value 'str(d["passed"]) + " " + str([s["id"] for s in d["steps"]])')"
json 0 "cdc preflight" cdc preflight
my_sql orders orders "alter table customer_orders add column more int"
json 4 "cdc preflight that refuses" cdc preflight
same "with what it found" "False column-extra" "$(value 'str(d["passed"]) + " " + d["groups"][0]["kind"]')"
json 4 "run start that could not start" run start "$SHOP/small.yaml"
same "says what is in the way" "False not-ready" "$(value 'str(d["passed"]) + " " + d["groups"][0]["kind"]')"
my_sql orders orders "alter table customer_orders drop column more"
json 0 "upgrade" upgrade
json 0 "route list" route list
json 0 "route explain" route explain GET /orders/1
same "where it goes" old "$(value 'd["owner"]')"
exits 2 "--json of a run that is carried out" "$FICUS" run start "$SHOP/small.yaml" --execute --json -f "$SHOP/ficus.yaml"

# --- with streams --------------------------------------------------------------------------------------------------------------
same "ownership is installed" installed "$(tool install)"
"$FICUS" cutover start --context orders --json -f "$SHOP/ficus.yaml" >"$FX_DIR/out.json" 2>"$FX_DIR/out.err"
same "a cut-over without streams says what is in the way" "1 False stream" "$? $(value 'str(d["passed"]) + " " + d["groups"][0]["kind"]')"
same "in members that are documented" "" "$(undocumented)"
exits 0 "the streams start" "$FICUS" cdc start --execute -f "$SHOP/ficus.yaml"
check "both are live" until_ok 20 "$FICUS" cutover start -f "$SHOP/ficus.yaml"
json 0 "cdc status" cdc status
same "a line for each stream" 2 "$(wc -l <"$FX_DIR/out.json")"
json 0 "cdc release" cdc release
json 0 "upgrade, with streams" upgrade
same "nothing to do" "0 True" "$(value 'str(d["to_do"]) + " " + str(any(p["form"] == "schema" for p in d["parts"]))')"
json 0 "cutover start, before it moves anything" cutover start
same "with a forecast" "True True" "$(value 'str(d["passed"]) + " " + str(d["forecast"]["longest_ms"] is not None)')"
once 0 "cutover rehearse" cutover rehearse --rounds 2 --execute
once 0 "cutover start" cutover start --execute --confirm=orders
same "the new side owns" "committed new" "$(value 'd["outcome"] + " " + d["owner"]')"
once 0 "cutover fallback" cutover fallback --execute --confirm=orders
# --- a cut-over that another process began: what this one did not measure is not 0 ------------------------------------------
died() { # FAILPOINT VERB
    FICUS_FAILPOINT="$1:kill" "$FICUS" cutover "$2" --execute --confirm=orders -f "$SHOP/ficus.yaml" >"$FX_DIR/died.log" 2>&1
    same "a $2 dies at $1" 137 $?
}
measured='[d[k] for k in ("outcome", "owner", "pause_ms", "fenced_ms", "keys_compared", "unfenced_writes")]'
died cutover.step.route.begin start
once 0 "the same command finishes it" cutover start --execute --confirm=orders
same "and measured nothing of it" "['committed', 'new', None, None, None, None]" "$(value "$measured")"
died cutover.fence.after_commit fallback
once 9 "a cut-over while a fall-back is unfinished" cutover start --execute --confirm=orders
same "prints its object, too" "['unfinished', None, None, None, None, None]" "$(value "$measured")"
same "to people the error alone" "" "$("$FICUS" cutover start --execute --confirm=orders -f "$SHOP/ficus.yaml" 2>/dev/null | grep unfinished)"
# On a machine with much else to do the streams may be late, and a preflight refuses that.
caught_up() { "$FICUS" cdc status --json -f "$SHOP/ficus.yaml" | python3 -c 'import json, sys; sys.exit(any(json.loads(l)["status"]["lag_ms"] > 1000 for l in sys.stdin))'; }
until_ok 20 caught_up || "$FICUS" cdc status -f "$SHOP/ficus.yaml" | sed 's/^/# late: /'
once 0 "the fall-back begins again" cutover fallback --execute --confirm=orders
same "and measured all of it" "True True" "$(value 'str(d["outcome"] == "committed") + " " + str(None not in (d["pause_ms"], d["fenced_ms"], d["keys_compared"], d["unfenced_writes"]))')"

# --- an upgrade that fails half way -----------------------------------------------------------------------------------------
pg_sql mono shop "update ficus.version set version = 2"
my_sql orders ficus "update version set version = 2; alter table version add constraint stays check (version < 3)"
same "both would be upgraded" "2" "$("$FICUS" upgrade --json -f "$SHOP/ficus.yaml" | python3 -c 'import json, sys; print(json.load(sys.stdin)["to_do"])')"
"$FICUS" upgrade --execute --json -f "$SHOP/ficus.yaml" >"$FX_DIR/out.json" 2>"$FX_DIR/out.err" && not_ok "the second cannot"
same "one is, and one is left to do" "True 1 upgraded True" \
    "$(value '" ".join([str(d["executed"]), str(d["to_do"])] + [p["change"] if "mono" in p["what"] else str(p["change"] not in (None, "upgraded")) for p in d["parts"] if p["form"] == "schema"])')"
same "as text nothing is said to be finished" 0 "$("$FICUS" upgrade --execute -f "$SHOP/ficus.yaml" 2>/dev/null | grep -cE 'Everything|Nothing was')"
my_sql orders ficus "alter table version drop constraint stays"
once 0 "then it goes on" upgrade --execute
same "to its end" 0 "$(value 'd["to_do"]')"

json 0 "reconcile run" reconcile run --report "$SHOP/report"
json 0 "reconcile gate" reconcile gate "$SHOP/report/report.json" --unsigned
same "passes" "pass True" "$(value 'd["answer"] + " " + str(d["passed"])')"
json 3 "reconcile gate of an old report" reconcile gate "$SHOP/report/report.json" --unsigned --max-age 1ms
same "is not known" "unknown False" "$(value 'd["answer"] + " " + str(d["passed"])')"
"$FICUS" reconcile key new "$SHOP/key" >/dev/null
json 0 "reconcile key show" reconcile key show "$SHOP/key.pub"

# --- with a run ----------------------------------------------------------------------------------------------------------------
sed -i '/stream.start/d; s/name: small/name: tiny/' "$SHOP/small.yaml"
exits 0 "a run comes to its end" "$FICUS" run start "$SHOP/small.yaml" --execute -f "$SHOP/ficus.yaml"
json 0 "run list" run list
json 0 "run status" run status
json 0 "status" status
json 0 "run journal show" run journal show
json 0 "run journal verify" run journal verify
same "with an anchor" True "$(value 'len(d["anchor"]) > 20')"
json 0 "audit" audit
fx_done
