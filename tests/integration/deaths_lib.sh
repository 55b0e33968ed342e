# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by 6202 and 6205 after servers.sh and the demo's lib.sh: the controller of a cut-over or a fall-back dies by SIGKILL at
# each failpoint in turn, under customers; the same command again finishes what was begun and does the rest. The ledger decides.
#
#     . deaths_lib.sh HALF     # 0 or 1: every second point, so that two scripts go through all of them side by side

fx_tmp
shop_up 2000
ficusd_start
tool() { "$FX_BUILD/tests/integration/fence_tool" "$SHOP/ficus.yaml" orders "$@" 2>>"$SHOP/tool.log"; }
cutover() { "$FICUS" cutover "$@" -f "$SHOP/ficus.yaml" --context orders --execute --confirm=orders; }
owns() { echo "$(tool old own)/$(tool new own)" | tr -d '0-9 '; }
same "ownership is installed" installed "$(tool install)"
check "the streams start" "$FICUS" cdc start -f "$SHOP/ficus.yaml" --context orders --execute
cutover_ready() { "$FICUS" cutover start -f "$SHOP/ficus.yaml" --context orders; } # preflight only
check "both are live" until_ok 20 cutover_ready
customers_start
direct_start
export FICUS_FAILPOINT_LOG=$FX_DIR/points
check "cut-over" cutover start
check "fall-back" cutover fallback
unset FICUS_FAILPOINT_LOG

died() { # POINT VERB
    FICUS_FAILPOINT="$1:kill" cutover "$2" >"$SHOP/died.log" 2>&1
    [ $? = 137 ] || { echo "did not die"; cat "$SHOP/died.log"; return 1; }
    cutover "$2" || return 1
    case $2 in start) [ "$(owns)" = AWAY/HERE ] ;; fallback) [ "$(owns)" = HERE/AWAY ] ;; esac
}
verb=start
# Both directions pass the same points: one each, in turn.
for point in $(sort -u "$FX_DIR/points" | grep '^cutover\.' | awk -v half="$1" 'NR % 2 == half'); do
    check "$verb, dead at $point, is finished by the same command" died "$point" "$verb"
    if [ "$verb" = start ]; then verb=fallback; else verb=start; fi
done
[ "$verb" = fallback ] || check "to the new side at last" cutover start
customers_stop
direct_stop
judge migrated >"$SHOP/verdict.log" 2>&1
check "no request failed" grep -q "failed 0," "$SHOP/verdict.log"
check "no acknowledged write was lost, doubled or leaked" grep -q "lost 0, duplicated 0, leaked 0" "$SHOP/verdict.log"
sed 's/^/# /' "$SHOP/verdict.log"
fx_done
