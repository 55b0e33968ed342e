# SPDX-License-Identifier: Apache-2.0
# Two controllers, a (host alpha) and b (host beta), on one pair of databases: every command of the table is run by the one
# that does not hold the context, against a state of the other. Sourced by the scripts "two hosts, every command".
. "$(dirname "${BASH_SOURCE[0]}")/../harness/servers.sh"
fx_tmp
. "$FX_ROOT/tests/demo/lib.sh"
CUSTOMERS=2 RATE=20 shop_up 400
ficusd_start
mkdir -p "$SHOP/b"
sed "s#$SHOP/state#$SHOP/b/state#; s#^facade:#facade:\n  admin: {address: \"unix:$SHOP/state/admin.sock\"}#" "$SHOP/ficus.yaml" >"$SHOP/b/ficus.yaml"
a() { FICUS_HOST=alpha "$FICUS" "$@" -f "$SHOP/ficus.yaml"; }
b() { FICUS_HOST=beta "$FICUS" "$@" -f "$SHOP/b/ficus.yaml"; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
id() { case $1 in a) set -- state ;; b) set -- b/state ;; esac; sed 's/.*"id":"\([0-9a-f]*\)".*/\1/' "$SHOP/$1/controller"; }
short() { id "$1" | cut -c 1-8; }
host_of() { case $1 in a) echo alpha ;; b) echo beta ;; esac; }
owns() { echo "$(pg_sql mono shop "select state from ficus.own where grp = 'orders'")/$(my_sql orders ficus "select state from own where grp = 'orders'")"; }
plan() { # NAME STEP…: its file
    local file=$SHOP/$1.yaml
    printf 'apiVersion: ficus/v1\nkind: Migration\nmetadata: {name: %s}\ncontext: orders\npolicy: {gate_wait: 2s, retry: 10s}\nsteps:\n' "$1" >"$file"
    shift
    printf '  - %s\n' "$@" >>"$file"
    echo "$file"
}
COPY='{id: copy, do: stream.start, undo: stream.drop}'
CUT='{id: cut, do: cutover, undo: cutover.fallback}'
STREAMS=$(plan streams "$COPY" '{id: look, do: {wait: 60s}}')
MOVE=$(plan move "$COPY" "$CUT")

# All that a stranger could take: owners, slot, publication, positions' rows, fences, who holds it, what the facade does.
picture() {
    pg_sql mono shop "select grp, state, epoch from ficus.own order by 1; select slot_name from pg_replication_slots; select pubname from pg_publication;
        select stream, phase, epoch from ficus.progress; select tgname, tgenabled from pg_trigger where tgname like 'ficus%' order by 1; select grp, id from ficus.controller" 2>&1
    my_sql orders ficus "select grp, state, epoch from own order by 1; select stream, phase, epoch from progress; select grp, id from controller;
        select trigger_name from information_schema.triggers where trigger_name like 'ficus%' order by 1" 2>&1
    facade_status | tr -d ' \n' | grep -o '"controller_epoch":[0-9]*\|"group":"[^}]*"hold":"[a-z]*"\|"weight_percent":[0-9.]*'
}

of_run() { if [ "$1" = b ]; then echo changes; else echo here; fi; } # the run is b's: a has none to go on with
# row COMMAND WHO: what becomes of it, and its arguments; kinds:
#   changes  refused, whoever it is that holds the context is named
#   reads    reads databases or facade; its exit status says what it finds
#   here     works on this host alone (its processes, its files)
#   truth    tells the facade what both databases say, which anybody may
row() {
    case $1 in
    "plan lint") echo "here $MOVE" ;;
    "plan show") echo "here $MOVE" ;;
    "plan rollback") echo "reads $MOVE" ;;
    "run start") echo "changes $MOVE --execute" ;;
    "run resume") echo "$(of_run "$2") streams" ;;
    "run rollback") echo "$(of_run "$2") streams --execute" ;;
    "run adopt") echo "reads orders" ;;
    "run list" | "audit" | "version" | "help") echo "here" ;;
    "run status" | "run journal show" | "run journal verify") echo "here streams" ;;
    "status") echo "reads" ;;
    "upgrade") echo "reads --execute" ;;
    "cutover rehearse") echo "changes --context orders --rounds 1 --execute" ;;
    "cutover start" | "cutover fallback") echo "changes --context orders --execute --confirm=orders" ;;
    "reconcile run") echo "reads --context orders --report $SHOP/report-$2" ;;
    "reconcile gate") echo "here $SHOP/report-$2/report.json --unsigned" ;;
    "reconcile key new") echo "here $SHOP/key-$2-$RANDOM$RANDOM" ;;
    "reconcile key show") echo "here $SHOP/key-none" ;;
    "route list") echo "reads" ;;
    "route explain") echo "reads GET /orders/1" ;;
    "route set") echo "changes orders-read --weight 50% --execute" ;;
    "route hold") echo "changes orders --for 1s --execute" ;;
    "route release") echo "changes orders --execute" ;;
    "route epoch") echo "changes orders 99 --execute" ;;
    "route sync") echo "truth orders --execute" ;;
    "explain") echo "here STALE_EPOCH" ;;
    "cdc start") echo "changes --context orders --quick --execute" ;;
    "cdc status") echo "here --context orders" ;;
    "cdc stop" | "cdc release") echo "here --context orders --execute" ;;
    "cdc drop") echo "changes --context orders --execute --confirm=orders" ;;
    "cdc preflight") echo "reads --context orders --quick" ;;
    *) return 1 ;;
    esac
}
# Further forms of commands that have a row.
MORE=("run start|changes $STREAMS --execute" "run start|changes $MOVE" "cdc start|changes --context orders --quick --execute --empty-target --confirm=orders"
    "route epoch|changes controller 9999 --execute" "route release|changes orders --execute --force")
# The commands of this build, as its help lists them.
mapfile -t COMMANDS < <("$FICUS" help | sed -n 's/^  \([a-z][a-z ]*[a-z]\) .*  .*/\1/p; s/^  \(audit\|upgrade\|version\) .*/\1/p' | sort -u)
every_command_has_a_row() {
    local command missing=0
    [ "${#COMMANDS[@]}" -gt 30 ] || { echo "help lists ${#COMMANDS[@]} commands"; return 1; }
    for command in "${COMMANDS[@]}"; do row "$command" b >/dev/null || { echo "no row for: $command"; missing=1; }; done
    return "$missing"
}

refusal_is_whole() { # HOLDER WHAT OUTPUT STATUS
    [ "$4" = 9 ] || { echo "exit status $4"; return 1; }
    says "held by controller $(short "$1") of $(command id -un)@$(host_of "$1") ($2" "$3" && says 'says database "' "$3" &&
        says "ficus run adopt orders --confirm=$(short "$1")" "$3"
}
# one WHO HOLDER WHAT COMMAND KIND ARGUMENTS: a line when it is not as it must be
one() {
    local who=$1 holder=$2 what=$3 command=$4 kind=$5 out status=0
    shift 5
    # shellcheck disable=SC2086
    local began=${EPOCHREALTIME/[.,]/}
    out=$("$who" $command "$@" 2>&1 </dev/null) || status=$?
    printf '# %6d ms  %s %s\n' $(((${EPOCHREALTIME/[.,]/} - began) / 1000)) "$command" "$kind" >>"$FX_DIR/times"
    case $kind in
    changes) why=$(refusal_is_whole "$holder" "$what" "$out" "$status") && return 0 ;;
    *) [ "$status" -lt 100 ] && return 0; why="exit status $status" ;;
    esac
    printf '%s %s: %s: %s\n' "$command" "$*" "$why" "$out"
    return 1
}
was_here='' # what works on this host alone is run against the first state only
# against STATE WHO HOLDER WHAT: every command of WHO while HOLDER has the context; WHAT: what the holder did last
against() {
    local state=$1 who=$2 holder=$3 what=$4 command words bad=0 before
    before=$(picture)
    rm -f "$FX_DIR/bad"
    for command in "${COMMANDS[@]}"; do
        read -ra words <<<"$(row "$command" "$who")"
        [ "${words[0]}" != here ] || [ -z "$was_here" ] || continue
        [ "${words[0]}" = changes ] || continue
        one "$who" "$holder" "$what" "$command" "${words[@]}" >>"$FX_DIR/bad" || bad=1
    done
    for more in "${MORE[@]}"; do
        read -ra words <<<"${more#*|}"
        one "$who" "$holder" "$what" "${more%%|*}" "${words[@]}" >>"$FX_DIR/bad" || bad=1
    done
    # What changes nothing runs side by side, and after the others: some of it holds the lock of the context for a moment.
    for command in "${COMMANDS[@]}"; do
        read -ra words <<<"$(row "$command" "$who")"
        [ "${words[0]}" != changes ] || continue
        [ "${words[0]}" != here ] || [ -z "$was_here" ] || continue
        one "$who" "$holder" "$what" "$command" "${words[@]}" >>"$FX_DIR/bad" &
    done
    wait
    was_here=yes
    [ ! -s "$FX_DIR/bad" ] || bad=1
    same "$state: every command of $who is refused or changes nothing, and says who and where" 0 "$bad"
    [ "$bad" = 0 ] || sed 's/^/# /' "$FX_DIR/bad"
    same "$state: nothing was taken or dropped" "$before" "$(picture)"
    check "$state: the command that a refusal names works" "$who" run adopt orders --confirm="$(short "$holder")"
}
dies_at() { # POINT COMMAND…: a, or $who, dies there
    local status=0
    FICUS_FAILPOINT=$1:kill "${who:-a}" "${@:2}" >"$SHOP/died.log" 2>&1 || status=$?
    same "${who:-a} dies at $1" 137 "$status"
    [ "$status" = 137 ] || sed 's/^/# /' "$SHOP/died.log"
}
streams_run() { [ "$(a cdc status --context orders 2>/dev/null | awk '/^orders-/ { printf "%s ", $2 }')" = "stream stream " ]; }

# b begins: it makes the streams in a run and is interrupted; then its host is thought to be lost, and a takes over.
check "every command has a row in this matrix" every_command_has_a_row
FICUS_HOST=beta "$FICUS" run start "$STREAMS" --execute --plain -f "$SHOP/b/ficus.yaml" >"$SHOP/b.log" 2>&1 &
b_pid=$!
made() { [ "$(my_sql orders ficus "select count(*) from progress where phase = 'stream'" 2>/dev/null)" = 1 ]; }
check "b makes the streams" until_ok 30 made
until_ok 10 grep -q look "$SHOP/b.log"
kill -INT "$b_pid"
wait "$b_pid"
exits 0 "a takes over" a run adopt orders --confirm="$(short b)" --execute
