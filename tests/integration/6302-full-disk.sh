#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The disk under the journal is full: before a run begins nothing is changed, in its middle it stops with the reason, and
# goes on when there is room again. The small disk is a tmpfs that only the run sees, in a mount namespace of its own.
# seconds: 20
. "$(dirname "$0")/../harness/servers.sh"
ways=-m
[ "$(id -u)" = 0 ] || ways=-Urm
if ! unshare $ways mount -t tmpfs none /mnt 2>/dev/null; then
    skip "a full disk needs a mount namespace, which this machine does not give us"
    fx_done
fi
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
  - {id: equal, do: reconcile, gate: {divergent: 0, coverage: 100%}}
  - {id: canary, do: {route.ramp: {routes: [orders-read], through: [10%, 50%], every: 3s}}, undo: route.reset}
  - {id: cutover, do: cutover, undo: cutover.fallback}
  - {id: finish, do: finish}
YAML
export FICUS SHOP P
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
# small_disk KIB COMMANDS: the commands see a disk of that size under the journals; runs/fill is theirs to make
small_disk() {
    mkdir -p "$SHOP/state/runs"
    unshare $ways bash -c "mount -t tmpfs -o size=$1k tmpfs \"\$SHOP/state/runs\" || exit 99
run() { \"\$FICUS\" run \"\$@\" -f \"\$SHOP/ficus.yaml\"; }
fill() { dd if=/dev/zero of=\"\$SHOP/state/runs/fill\" bs=1k 2>/dev/null; }
$2"
}
facade() { facade_status | grep -o "\"$1\": *[0-9.]*" | head -n 1 | grep -o '[0-9.]*$'; }

ficusd_start
customers_start
out=$(small_disk 32 'mkdir "$SHOP/state/runs/short"; fill; run start "$P" --execute; status=$?
[ ! -s "$SHOP/state/runs/short/journal" ] || echo "a journal was begun"; exit $status' 2>&1)
same "a full disk at the start has the exit status of the table" 11 $?
check "and is said" says "No space left on device" "$out"
check "with the file" says "state/runs/short" "$out"
check "no journal was begun" bash -c "case \$1 in *'was begun'*) exit 1 ;; esac" - "$out"
same "nothing was made on the old side" 0 "$(pg_sql mono shop "select count(*) from pg_namespace where nspname = 'ficus'")"
same "nor on the new side" 0 "$(my_sql orders mysql "select count(*) from information_schema.schemata where schema_name = 'ficus'")"
same "nor at the facade" 0 "$(facade controller_epoch)"

# In the middle: the canary has begun, the disk fills, the next record finds no room.
out=$(small_disk 256 'run start "$P" --execute >"$SHOP/run.log" 2>&1 & pid=$!
for i in $(seq 600); do grep -q "canary: 10 %" "$SHOP/run.log" && break; sleep 0.1; done
fill; wait $pid; echo "first $?"
run journal verify short && echo whole
"$FICUS" run status short -f "$SHOP/ficus.yaml" | grep canary
run resume short >"$SHOP/resume.log" 2>&1; echo "still full $?"
rm "$SHOP/state/runs/fill"
run resume short >>"$SHOP/resume.log" 2>&1; echo "with room $?"
run journal verify short && run journal show short | tail -n 1
cp "$(find "$SHOP/state/runs" -path "*latest/report.json")" "$SHOP/report.json"' 2>&1)
printf '%s\n' "$out" | sed 's/^/# /'
check "a full disk in the middle stops the run" says "first 11" "$out"
check "and is said there too" grep -q "No space left on device" "$SHOP/run.log"
check "with the way on" grep -q "ficus run resume" "$SHOP/run.log"
check "the journal stays whole" says whole "$out"
check "while the disk is full, resume says the same" says "still full 11" "$out"
check "with room the run goes on to its end" says "with room 0" "$out"
customers_stop
check "and the customers' ledger balances" judge migrated --report "$SHOP/report.json"
fx_done
