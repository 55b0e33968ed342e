#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A cut-over dies while the facade holds, and nobody tells the facade what became of it. When its hold ends, started again
# meanwhile or not, it goes on to the owner only if the cut-over cannot have committed; else it sends no write anywhere
# until a command that has asked the databases tells it.
# seconds: 65
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../demo/lib.sh"
fx_tmp
shop_up 200
ficusd_start
SHORT=(-f "$SHOP/ficus.yaml" --context orders --hold 3s --drain 1s --fence-ttl 2s --execute --confirm=orders)
cutover() { "$FICUS" cutover "$@" "${SHORT[@]}"; }
owns() { echo "$(pg_sql mono shop "select state from ficus.own where grp = 'orders'")/$(my_sql orders ficus "select state from own where grp = 'orders'")"; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
group() { facade_status | tr -d ' \n' | grep -o '{"group":"orders",[^}]*}'; }
field() { group | grep -o "\"$1\":[^,}]*" | sed 's/.*://; s/"//g'; }
admin() { curl -s -o "$FX_DIR/answer" -w '%{http_code}' --unix-socket "$SHOP/state/admin.sock" "http://facade$1"; }
write() { curl -s -m 10 -o "$FX_DIR/answer" -D "$FX_DIR/head" -w '%{http_code}' -H 'content-type: application/json' --data-binary '{"by":1}' "http://127.0.0.1:$PORT_FACADE/orders/$ORDER/increment"; }
hits() { pg_sql mono shop "select hits from orders where id = $ORDER"; }
# Started again as a service manager does it: without a goodbye.
facade_kill() { kill -KILL "${FX_PID[facade]}"; wait "${FX_PID[facade]}" 2>/dev/null; unset 'FX_PID[facade]'; }
facade_again() { facade_kill; ficusd_start; }
not_holding() { [ "$(field hold)" != holding ]; }
dies_at() { # POINT VERB
    local status=0
    FICUS_FAILPOINT=$1:kill cutover "$2" >"$SHOP/died.log" 2>&1 || status=$?
    same "$2 dies at $1" 137 "$status"
    [ "$status" = 137 ] || sed 's/^/# /' "$SHOP/died.log"
}
ORDER=$(pg_sql mono shop "select min(id) from orders")
same "ownership is installed" installed "$("$FX_BUILD/tests/integration/fence_tool" "$SHOP/ficus.yaml" orders install 2>"$SHOP/tool.log")"
exits 0 "the streams start" "$FICUS" cdc start -f "$SHOP/ficus.yaml" --context orders --quick --execute
same "a healthy facade says so" 200 "$(admin /health)"

# --- before it was told: no commit can come, so the old side owns ---------------------------------------------------------
dies_at cutover.step.way-back.end start
same "the facade holds" holding "$(field hold)"
facade_again
same "started again it holds still" holding "$(field hold)"
same "a write waits, and goes to the old side at the deadline" 200 "$(write)"
same "which the facade knows to own" false "$(field owner_unknown)"
exits 0 "the same command again cuts over" cutover start
same "to the new side" AWAY/HERE "$(owns)"
exits 0 "and back" cutover fallback

# --- told, and not committed: the fence stands on the old side -------------------------------------------------------------
dies_at cutover.step.move.end start
same "the old side is fenced" FENCED/AWAY "$(owns)"
facade_again
same "started again it holds still" holding "$(field hold)"
before=$(hits)
same "a write waits until the deadline and is refused" 503 "$(write)"
check "for a while" grep -qi '^retry-after:' "$FX_DIR/head"
check "it was not sent" grep -q "the write was not sent" "$FX_DIR/answer"
same "indeed" "$before" "$(hits)"
same "the next one is refused at once" 503 "$(write)"
same "a read is served" 200 "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$PORT_FACADE/orders/$ORDER")"
same "health says no" 503 "$(admin /health)"
check "and why" grep -q '"group": *"orders", *"problem": *"owner_unknown"' "$FX_DIR/answer"
admin /metrics >/dev/null
check "the metric too" grep -q 'ficus_facade_owner_unknown{group="orders"} 1' "$FX_DIR/answer"
check "and the log" grep -q '"level":"error".*may have committed' "$SHOP/ficusd.log"
check "route explain says where a write goes" says "no side: 503" "$("$FICUS" route explain POST "/orders/$ORDER/increment" -f "$SHOP/ficus.yaml")"
check "route list names the commands" says "ficus run resume" "$("$FICUS" route list -f "$SHOP/ficus.yaml")"
out=$("$FICUS" route release orders --execute -f "$SHOP/ficus.yaml" 2>&1)
same "nobody releases to a side that is fenced" 12 $?
check "but says what does" says "ficus run resume" "$out"
out=$("$FICUS" route sync orders --execute -f "$SHOP/ficus.yaml" 2>&1)
same "nor does a look at the databases know an owner" 12 $?
fix=$(grep -o 'ficus cutover [a-z]* --context orders --execute --confirm=orders' <<<"$out")
check "it names a command" test -n "$fix"
# shellcheck disable=SC2086
exits 0 "which finishes what was begun" "$FICUS" ${fix#ficus } -f "$SHOP/ficus.yaml"
same "writes are sent again" 200 "$(write)"
same "health says yes" 200 "$(admin /health)"
[ "$(owns)" = HERE/AWAY ] || exits 0 "back to the old side" cutover fallback
same "the old side owns" HERE/AWAY "$(owns)"

# --- committed, nobody open: a facade that was never restarted knows no more ------------------------------------------------
dies_at cutover.step.commit.end start
same "no side accepts" AWAY/AWAY "$(owns)"
same "a write waits until the deadline and is refused" 503 "$(write)"
check "by the facade" grep -q "the write was not sent" "$FX_DIR/answer"
out=$("$FICUS" route sync orders --execute -f "$SHOP/ficus.yaml" 2>&1)
same "route sync finds no owner" 12 $?
exits 0 "the same command again opens the new side" cutover start
same "and tells the facade" new "$(field owner)"
same "writes are sent again" 200 "$(write)"

# --- on the way back, the winner open, the facade away until long after its deadline ---------------------------------------
dies_at cutover.step.open.end fallback
same "the old side owns" HERE/AWAY "$(owns)"
facade_kill
sleep 3
ficusd_start
check "its hold is over" until_ok 5 not_holding
same "it does not send writes to the new side" 503 "$(write)"
same "reads go where they went" new "$(field owner)"
exits 0 "route sync tells it the owner" "$FICUS" route sync orders --execute -f "$SHOP/ficus.yaml"
same "which is the old side" "old false" "$(field owner) $(field owner_unknown)"
same "writes are sent again" 200 "$(write)"

# --- told, given up by the fence itself, and the facade still holds: route sync ends the hold --------------------------------
SHORT+=(--hold 12s)
dies_at cutover.step.move.end start
facade_again
sleep 2
pg_sql mono shop "update orders set hits = hits where id = $ORDER" >/dev/null # what heals an expired fence
same "the old side accepts again" HERE/AWAY "$(owns)"
same "the facade holds, and would know no owner after that" "holding true" "$(field hold) $(field moving)"
exits 0 "route sync tells it" "$FICUS" route sync orders --execute -f "$SHOP/ficus.yaml"
same "and does not leave it to the deadline" "open false false" "$(field hold) $(field moving) $(field owner_unknown)"
same "writes are sent again" 200 "$(write)"
SHORT+=(--hold 3s)

# --- a failover of the old side forgets the fence: the databases have a lower epoch than the facade -------------------------
dies_at cutover.step.move.end start
pg_sql mono shop "update ficus.own set state = 'HERE', epoch = epoch - 1 where grp = 'orders'" >/dev/null
check "its hold is over" until_ok 5 not_holding
same "the facade is in doubt" true "$(field owner_unknown)"
out=$("$FICUS" route sync orders --execute -f "$SHOP/ficus.yaml" 2>&1)
check "route sync names the way on" says "the same ficus cutover command again" "$out"
exits 0 "which goes through" cutover start
same "to the new side" "AWAY/HERE new false" "$(owns) $(field owner) $(field owner_unknown)"
exits 0 "and back" cutover fallback

# --- the controller lives, the facade dies between the word and the commit --------------------------------------------------
slowly() { # a cut-over that sleeps when the facade was told, which then dies
    rm -f "$FX_DIR/points"
    FICUS_FAILPOINT_LOG=$FX_DIR/points FICUS_FAILPOINT=cutover.step.move.end:sleep=700 "$FICUS" cutover start "${SHORT[@]}" >"$SHOP/slow.log" 2>&1 &
    pid=$!
    until_ok 10 grep -q cutover.step.move.end "$FX_DIR/points" || not_ok "it comes to its commit"
    facade_kill
}
slowly
kill -INT "$pid"
sleep 1
ficusd_start
status=0; wait "$pid" || status=$?
same "given up, it exits with" 10 "$status"
same "a facade that comes back is told that too" "false open" "$(field owner_unknown) $(field hold)"
same "the old side owns" HERE/AWAY "$(owns)"
same "and has the writes" 200 "$(write)"
slowly
sleep 1
ficusd_start
status=0; wait "$pid" || status=$?
same "or the cut-over goes through" 0 "$status"
same "and the facade learns the new owner" "new false" "$(field owner) $(field owner_unknown)"
same "which has the writes" 200 "$(write)"

# --- the facade has lost its state: nothing but a switch tells it an owner --------------------------------------------------
facade_kill
rm "$SHOP/state/facade.json"
ficusd_start
same "it knows no owner" true "$(field owner_unknown)"
out=$("$FICUS" route release orders --execute --force -f "$SHOP/ficus.yaml" 2>&1)
same "a release cannot tell it one, by force neither" 12 $?
check "and says what does" says "ficus route sync orders --execute" "$out"
exits 0 "which does" "$FICUS" route sync orders --execute -f "$SHOP/ficus.yaml"
same "the owner is the new side" "new false" "$(field owner) $(field owner_unknown)"
same "which has the writes" 200 "$(write)"

# --- a facade of an older Ficus that does not know the canary yet: found before the fence -----------------------------------
facade_kill
cat >"$FX_DIR/older.py" <<'EOF'
import http.server, os, socketserver, sys
STATUS = b"""{"api":1,"controller_epoch":0,"routes":[],"groups":
[{"group":"orders","owner":"new","epoch":0,"hold":"open","in_flight":0}]}"""
class Older(http.server.BaseHTTPRequestHandler):
    def answer(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("content-length", str(len(STATUS)))
        self.end_headers()
        self.wfile.write(STATUS)
    do_GET = do_POST = answer
    def address_string(self): return "ficus"
    def log_message(self, *args): pass
if os.path.exists(sys.argv[1]): os.remove(sys.argv[1])
socketserver.UnixStreamServer(sys.argv[1], Older).serve_forever()
EOF
python3 "$FX_DIR/older.py" "$SHOP/state/admin.sock" &
FX_PID[facade]=$!
check "it answers" until_ok 5 facade_status
out=$("$FICUS" cutover rehearse --rounds 1 --context orders --execute -f "$SHOP/ficus.yaml" 2>&1)
same "a rehearsal refuses it" 1 $?
check "and says why" says "was started by an older Ficus" "$out"
fx_done
