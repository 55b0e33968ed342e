#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The facade against scripted upstreams: proxying, failures, splits, shadow, hold and switch, SIGKILL inside a
# hold, drain. The stories stand in tests/unit/strangler/test_facade_*.c; a line for each.
# seconds: 30
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
for source in "$FX_ROOT"/tests/unit/strangler/test_facade_*.c; do
    TMPDIR=$FX_DIR FX_FICUSD=$FICUSD live "strangler/$(basename "$source" .c)"
done
# Signals that end other programs, while it starts: it waits for its file here, long before it can read any.
mkfifo -m 600 "$FX_DIR/later.yaml"
"$FICUSD" -f "$FX_DIR/later.yaml" >"$FX_DIR/starting.log" 2>&1 &
pid=$!
waits_for_file() { [ "$(cat "/proc/$pid/comm")" = ficusd ] && grep -q '^SigBlk:.*a01$' "/proc/$pid/status"; }
check "from its first moment it waits with signals" until_ok 5 waits_for_file
for number in HUP USR1 USR2; do kill -"$number" "$pid"; done
echo 'kind: Nothing' >"$FX_DIR/later.yaml" &
status=0; wait "$pid" || status=$?
check "none of them ends a facade that starts (exit status $status)" [ "$status" -lt 128 ]
check "it goes on to read its file" grep -q "later.yaml" "$FX_DIR/starting.log"
fx_done
