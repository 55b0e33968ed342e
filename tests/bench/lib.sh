# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Rows of a benchmark: source it after tests/harness/servers.sh and fx_tmp.
#
#     bench_begin facade                              # build/bench/facade.json
#     bench_note "plain, 64" ficusd 12.3              # one measurement of one of those that are compared
#     bench_row "plain, 64" us/request "<= 1.0" ficusd nginx haproxy   # ours, then the peers: the best of them counts
#     bench_end                                       # writes the file; exit status 1 when a goal is missed
#
# A measurement is worth nothing alone: machines differ. What counts is the ratio of two that were taken in turn
# (A B A B) in the same minutes; a row holds the medians and their ratio.

BENCH_ROWS=0 BENCH_MISSED=0

bench_begin() { # NAME
    BENCH_FILE=$FX_ROOT/build/bench/$1.json
    BENCH_NOTES=$FX_DIR/bench.notes BENCH_LINES=$FX_DIR/bench.rows
    mkdir -p "$FX_ROOT/build/bench"
    : >"$BENCH_NOTES"
    : >"$BENCH_LINES"
    printf '%-42s %11s %11s %-13s %-12s %6s  %-8s\n' what ours peer '' unit ratio goal
}
bench_note() { printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$BENCH_NOTES"; } # WHAT WHO VALUE
bench_median() { # WHAT WHO
    awk -F '\t' -v what="$1" -v who="$2" '$1 == what && $2 == who { print $3 }' "$BENCH_NOTES" | sort -g |
        awk '{ v[NR] = $1 } END { if (NR > 0) print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}
# The goal is "<= N" (a cost), ">= N" (a rate), or "-" with the direction: "- <=" is a cost without a goal.
bench_row() { # WHAT UNIT GOAL OURS PEER…
    local what=$1 unit=$2 goal=$3 ours peer best= best_name= who holds ratio
    ours=$(bench_median "$what" "$4")
    shift 4
    for who in "$@"; do
        peer=$(bench_median "$what" "$who")
        [ -n "$peer" ] || continue
        if [ -z "$best" ] || awk -v a="$peer" -v b="$best" -v goal="$goal" 'BEGIN { exit !(goal ~ />=/ ? a > b : a < b) }'; then
            best=$peer best_name=$who
        fi
    done
    [ -n "$ours" ] && [ -n "$best" ] || fx_die "no measurement of \"$what\""
    read -r ratio holds <<<"$(awk -v a="$ours" -v b="$best" -v goal="$goal" 'BEGIN {
        ratio = a / b; n = split(goal, part, " ")
        holds = part[1] == "-" ? "null" : part[1] == "<=" ? (ratio <= part[2] ? "true" : "false") : (ratio >= part[2] ? "true" : "false")
        printf "%.3f %s", ratio, holds }')"
    BENCH_ROWS=$((BENCH_ROWS + 1))
    [ "$holds" != false ] || BENCH_MISSED=$((BENCH_MISSED + 1))
    printf '%-42s %11.4g %11.4g %-13s %-12s %6.2f  %-8s%s\n' "$what" "$ours" "$best" "$best_name" "$unit" "$ratio" \
        "${goal#- ?=}" "$([ "$holds" = false ] && echo MISSED)"
    printf '{"what":"%s","ours":%s,"peer":%s,"peer_name":"%s","unit":"%s","ratio":%s,"goal":%s,"holds":%s}\n' \
        "$what" "$ours" "$best" "$best_name" "$unit" "$ratio" \
        "$([ "$holds" = null ] && echo null || echo "\"$goal\"")" "$holds" >>"$BENCH_LINES"
}
bench_end() {
    {
        printf '{"rows":[\n'
        sed '$!s/$/,/' "$BENCH_LINES"
        printf ']}\n'
    } >"$BENCH_FILE"
    fx_say "$BENCH_ROWS rows, $BENCH_MISSED goals missed: ${BENCH_FILE#"$FX_ROOT"/}"
    [ "$BENCH_MISSED" = 0 ]
    exit $?
}
# CPU time that a process and its threads have used, in nanoseconds.
bench_cpu_ns() { cat /proc/"$1"/task/*/schedstat | awk '{ sum += $1 } END { printf "%.0f", sum }'; }
