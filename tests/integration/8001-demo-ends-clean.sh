#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The demo leaves neither a process nor a directory behind, however it ends: SIGTERM in the middle of the canary
# (streams are running, as children of nobody), Ctrl-C for the whole process group, twice, and SIGTERM beside a dead server.
# seconds: 90
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
export DEMO_ROWS=2000 RATE=100 CUSTOMERS=4 TMPDIR=$FX_DIR
unset FX_HARNESS_MARK # the demo marks its own; ours would only hide a leak from it

demo_until() { # TEXT [COMMAND…]: starts a demo and waits until it has printed TEXT
    # Job control gives it a process group of its own, as a terminal would, and leaves SIGINT alone.
    local text=$1
    shift
    [ $# != 0 ] || set -- "$FX_ROOT/tests/demo/run"
    set -m
    "$@" >"$FX_DIR/demo.log" 2>&1 </dev/null &
    demo=$!
    set +m
    FX_PID[demo]=$demo
    until_ok 80 grep -q "$text" "$FX_DIR/demo.log" || { cat "$FX_DIR/demo.log"; fx_die "the demo never said \"$text\""; }
    dir=$(sed -n 's/.* \(.*\)\/shop\/ficus.yaml$/\1/p' "$FX_DIR/demo.log")
}
left_over() { # nothing may carry its mark, nothing may stand in its directory
    local marked
    marked=$(FX_DIR=$dir fx_marked)
    [ -z "$marked" ] || { ps -o pid,ppid,stat,args -p "${marked//$'\n'/,}"; return 1; }
    [ ! -e "$dir" ] || { find "$dir" | head; return 1; }
}

# Through make, as one that does not wait would end it: make hands SIGTERM to what it started itself, and no further.
demo_until 'step 4/' make --no-print-directory -C "$FX_ROOT" VARIANT="$FX_VARIANT" demo
check "streams run as processes of their own" test "$(FX_DIR=$dir fx_marked | xargs -I{} cat /proc/{}/cmdline 2>/dev/null | tr '\0' ' ' | grep -o 'cdc run' | wc -l)" -ge 2
kill -TERM "$demo"
wait "$demo"
same "SIGTERM ends make demo with its status" 143 $?
check "and leaves nothing behind" left_over
check "it says that there is no verdict" grep -q 'interrupted: no verdict was given' "$FX_DIR/demo.log"
check "project and state are kept, and the run can be read" "$FICUS" run status -f "$FX_ROOT/build/demo/ficus.yaml"
check "and its journal verified" "$FICUS" run journal verify -f "$FX_ROOT/build/demo/ficus.yaml"
check "the plan is kept as well" "$FICUS" plan lint "$FX_ROOT/build/demo/plan.yaml" -f "$FX_ROOT/build/demo/ficus.yaml"

demo_until 'step 1/'
kill -INT -- "-$demo"
wait "$demo"
same "Ctrl-C ends the demo with its status" 130 $?
check "and leaves nothing behind" left_over

# The impatient: more Ctrl-C, before the cleanup has begun or while it runs, make it neither shorter nor less.
for pause in 0 0.02 0.05 0.2; do
    demo_until 'step 4/'
    for ((i = 0; i < 10; i++)); do
        kill -INT -- "-$demo" 2>/dev/null # at the end nobody is there any more
        sleep "$pause"
    done
    wait "$demo"
    same "Ctrl-C every $pause s changes nothing of its status" 130 $?
    check "and leaves nothing behind" left_over
done

# Through make the second one ends make at once; the demo's own script goes on to the end of its cleanup.
demo_until 'step 3/' make --no-print-directory -C "$FX_ROOT" VARIANT="$FX_VARIANT" demo
kill -INT -- "-$demo"
sleep 0.02
kill -INT -- "-$demo"
wait "$demo"
check "two Ctrl-C for make demo leave nothing behind" until_ok 20 left_over

demo_until 'step 3/'
kill -KILL "$(pgrep -f "postgres -D $dir/mono/d" | head -n 1)"
sleep 1
kill -TERM "$demo"
wait "$demo"
same "SIGTERM ends it as well when a server is dead" 143 $?
check "and leaves nothing behind" left_over
fx_done
