#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The disk is full under the facade's state, and under the files of the streams: the run says so at once, with the place.
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
cat >"$SHOP/plan.yaml" <<YAML
apiVersion: ficus/v1
kind: Migration
metadata: {name: full}
context: orders
policy: {gate_wait: 20s, retry: 10s}
steps:
  - {id: copy, do: stream.start, undo: stream.drop}
  - {id: pause, do: {wait: 3s}}
  - {id: canary, do: {route.ramp: {routes: [orders-read], through: [10%], every: 1s}}, undo: route.reset}
  - {id: finish, do: finish, point_of_no_return: true}
YAML
export FICUS FICUSD SHOP
mkdir -p -m 700 "$SHOP/state"
# Its admin socket is outside, where the tools see it.
sed -i "s#^facade:#facade:\n  admin: {address: \"unix:$SHOP/admin.sock\"}#" "$SHOP/ficus.yaml"
# The facade sees a small disk of its own where its state is.
fx_spawn facade "$SHOP/ficusd.log" unshare $ways bash -c 'mount -t tmpfs -o size=64k,mode=0700 tmpfs "$SHOP/state" && exec "$FICUSD" -f "$SHOP/ficus.yaml"'
fx_wait_listen facade "$PORT_FACADE" || fx_die "the facade does not start: $(tail -n 3 "$SHOP/ficusd.log")"
"$FICUS" run start "$SHOP/plan.yaml" --execute -f "$SHOP/ficus.yaml" >"$SHOP/run.log" 2>&1 &
run=$!
check "the run begins" until_ok 60 grep -q "pause: wait" "$SHOP/run.log"
dd if=/dev/zero of="/proc/${FX_PID[facade]}/root$SHOP/state/fill" bs=1k 2>/dev/null
check "what the facade cannot write is said at once" until_ok 8 grep -q "No space left on device" "$SHOP/run.log"
check "with what to do" until_ok 5 grep -q "Free space in .*/state" "$SHOP/run.log"
status=0; wait "$run" || status=$?
same "the way back needs the same room: the run is stuck" 11 "$status"
sed 's/^/# /' "$SHOP/run.log"
rm "/proc/${FX_PID[facade]}/root$SHOP/state/fill"
exits 1 "with room the way back goes on" "$FICUS" run resume full -f "$SHOP/ficus.yaml"

my_sql orders orders "delete from order_lines; delete from order_facts; delete from customer_orders"
# The streams' own files: neither log nor error file can be written, the reason comes all the same.
out=$(unshare $ways bash -c 'mount -t tmpfs -o size=4k,mode=0700 tmpfs "$SHOP/state/streams" || exit 99
dd if=/dev/zero of="$SHOP/state/streams/fill" bs=1k 2>/dev/null; df "$SHOP/state/streams" | tail -n 1
"$FICUS" cdc start --context orders --execute -f "$SHOP/ficus.yaml"; echo "exit $?"' 2>&1)
printf '%s\n' "$out" | sed 's/^/# /'
says() { case $2 in *"$1"*) return 0 ;; esac; return 1; }
check "a stream that cannot write its lock says why" says "No space left on device" "$out"
check "and where" says "state/streams/" "$out"
check "with the exit status of a file that cannot be written" says "exit 11" "$out"
fx_done
