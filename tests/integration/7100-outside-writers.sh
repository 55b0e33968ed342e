#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Writers that know nothing of Ficus keep ledgers of their own during a whole plan (cut-over, fall-back, cut-over):
# pgbench straight on the monolith's tables, curl through the facade. What they were told is done must stand exactly
# once on both databases; what they were told is not done, on neither.
#
#   pgbench   --max-tries retries 40001 (fenced) by itself; 25006 (away) is not retriable and ends a client, so it runs
#             in short slices. Its ledger is its own transaction log (-l): a line for each transaction that committed.
#   curl      each loop notes what it is about to ask, then the status that it got.
# seconds: 25
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../demo/lib.sh"
fx_tmp
shop_up 2000
ficusd_start
W=$SHOP/outside
mkdir -p "$W/pgbench" "$W/curl"

cat >"$SHOP/plan.yaml" <<'YAML'
apiVersion: ficus/v1
kind: Migration
metadata: {name: outside}
context: orders
policy: {fence_ttl: 10s, hold: 20s, client_timeout: 40s, gate_wait: 20s}
steps:
  - {id: copy, do: stream.start, undo: stream.drop}
  - {id: equal, do: reconcile, gate: {divergent: 0, coverage: 100%}}
  - {id: canary, do: {route.ramp: {routes: [orders-read], through: [50%], every: 500ms}}, undo: route.reset}
  - {id: rehearse, do: cutover.rehearse}
  - {id: cutover, do: cutover, undo: cutover.fallback}
  - {id: there, do: {wait: 2s}, gate: {write_leaks: 0}}
  - {id: fallback, do: cutover.fallback, undo: cutover}
  - {id: back, do: {wait: 2s}, gate: {write_leaks: 0}}
  - {id: again, do: cutover, undo: cutover.fallback}
  - {id: finish, do: finish}
YAML

# --- pgbench: one order, one line of it and one increment of a popular order in a transaction -----------------------
# A retry begins at BEGIN with the variables as they were there, so a reference stays what it is.
cat >"$W/bench.sql" <<'SQL'
\set n :n + 1
\set popular random(1, 20)
begin;
\sleep 15 ms
insert into orders (customer_id, ref, status, total)
    values (7000 + :client_id, 'pgbench-' || :slice || '-' || :client_id || '-' || :n, 'pgbench', :n / 100.0);
insert into order_lines (order_id, product_id, quantity, price)
    values (currval(pg_get_serial_sequence('orders', 'id')), 1, 1, :n / 100.0);
update orders set hits = hits + 1 where id = :popular;
commit;
SQL
bench_slices() { # until $W/stop exists
    local slice=0 status
    cd "$W/pgbench" || exit 1
    while [ ! -e "$W/stop" ]; do
        slice=$((slice + 1)) status=0
        pgbench -n -f "$W/bench.sql" -c 2 -t 30 -l --log-prefix="slice.$slice" --max-tries=100000 --verbose-errors -D n=0 -D "slice=$slice" \
            -h "${PG_SOCK[mono]}" -p "${PG_PORT[mono]}" -U shop shop >"out.$slice" 2>&1 || status=$?
        echo "${EPOCHREALTIME/,/.} $slice $status" >>slices
        [ "$status" = 0 ] || sleep 0.1
    done
}

# --- curl: create an order, increment it twice, increment a popular one ---------------------------------------------
ask() { # LEDGER REF KIND ORDER PATH BODY: notes the question and its answer; the body in $answer
    local code
    printf 'ask %s %s %s\n' "$2" "$3" "$4" >>"$1"
    answer=$(curl -s -m 60 -H 'content-type: application/json' -H "x-customer: ${1##*/}" --data-binary "$6" -w '\n%{http_code}' \
        "http://127.0.0.1:$PORT_FACADE$5")
    code=${answer##*$'\n'} answer=${answer%$'\n'*}
    printf 'got %s %s\n' "$2" "${code:-000}" >>"$1"
    case $code in 2??) return 0 ;; *) printf '%s\n' "$answer" >>"$1.refused"; return 1 ;; esac
}
curl_loop() { # NUMBER; until $W/stop exists
    local ledger=$W/curl/$1 n=0 id i answer
    while [ ! -e "$W/stop" ]; do
        n=$((n + 1))
        ask "$ledger" "curl-$1-$n" create 0 /orders \
            "{\"customer\":$((8000 + $1)),\"ref\":\"curl-$1-$n\",\"note\":\"🌿\",\"lines\":[{\"product\":1,\"quantity\":2,\"price_cents\":$n}]}" || continue
        id=${answer#*\"id\":} id=${id%%[!0-9]*}
        for i in 1 2; do ask "$ledger" "curl-$1-$n-$i" increment "$id" "/orders/$id/increment" '{"by":1}'; done
        i=$((RANDOM % 20 + 1))
        ask "$ledger" "curl-$1-$n-p" increment "$i" "/orders/$i/increment" '{"by":1}'
        sleep 0.05
    done
}
export -f bench_slices curl_loop ask
export W PORT_FACADE
# Arrays do not pass an environment. The writers ask for less than the machine can do and give way to the streams: one that
# is overrun does not catch up within the time of a fence, and the cut-over rightly gives up.
fx_spawn pgbench "$W/pgbench.log" bash -c "declare -A PG_SOCK=([mono]='${PG_SOCK[mono]}') PG_PORT=([mono]='${PG_PORT[mono]}'); bench_slices"
fx_spawn curl1 "$W/curl.log" nice bash -c 'curl_loop 1'
fx_spawn curl2 "$W/curl.log" nice bash -c 'curl_loop 2'

check "the plan goes all its way beside them" timeout 60 "$FICUS" run start "$SHOP/plan.yaml" --execute -f "$SHOP/ficus.yaml"
sleep 0.5
touch "$W/stop"
check "the writers end by themselves" fx_wait_gone 30 "${FX_PID[pgbench]}" "${FX_PID[curl1]}" "${FX_PID[curl2]}"
check "both sides are equal" final_compare "$SHOP/compare"

# --- the ledgers against both databases -------------------------------------------------------------------------------
# pgbench: "client transaction time script epoch us retries", time "failed" when it gave up.
cat "$W"/pgbench/slice.*.* 2>/dev/null | awk '$3 != "failed"' >"$W/bench.done"
bench_done=$(wc -l <"$W/bench.done")
retries=$(cat "$W"/pgbench/out.* | grep -c 'repeats the transaction')
away=$(grep -l 'owned by the other side' "$W"/pgbench/out.* 2>/dev/null | wc -l)
slices=$(wc -l <"$W/pgbench/slices")
cat "$W"/curl/[12] >"$W/curl.all"
awk '$1 == "ask" { kind[$2] = $3; order[$2] = $4 }
     $1 == "got" { code[$2] = $3 }
     END { for (r in kind) print r, kind[r], order[r], (r in code) ? code[r] : "000" }' "$W/curl.all" | LC_ALL=C sort >"$W/curl.answers"
fx_say "pgbench: $slices slices, $bench_done transactions done, $retries retries while fenced, $away slices refused while away"
fx_say "curl: $(wc -l <"$W/curl.answers") requests, answers: $(awk '{ n[$4]++ } END { for (c in n) printf "%s %d ", c, n[c] }' "$W/curl.answers")"
check "pgbench wrote, was refused, wrote again and was refused again" awk '
    $3 == 0 && want % 2 == 0 { want++ } $3 != 0 && want % 2 == 1 { want++ } END { exit want < 4 }' "$W/pgbench/slices"
same "and nothing but being refused ended a client of it" "" \
    "$(cat "$W"/pgbench/out.* | grep 'aborted in command' | grep -v 'owned by the other side')"
same "every request of curl was acknowledged" 0 "$(awk '$4 !~ /^2/' "$W/curl.answers" | wc -l)"

# REF COUNT lines of what stands on a side, and of what was acknowledged.
refs_of() { awk '$2 == "create" && $4 ~ /^2/ { print $1, 1 }' "$W/curl.answers" | LC_ALL=C sort; }
old_refs() { pg_sql mono shop "select ref || ' ' || count(*) from orders where ref like '$1-%' group by ref" | LC_ALL=C sort; }
new_refs() { my_sql orders orders "select concat(ref, ' ', count(*)) from customer_orders where ref like '$1-%' group by ref" | LC_ALL=C sort; }
both() { # WHAT EXPECTED-FILE OLD-FILE NEW-FILE
    check "$1: exactly once on the old side" diff "$2" "$3"
    check "$1: exactly once on the new side" diff "$2" "$4"
}
refs_of >"$W/curl.want"
old_refs curl >"$W/curl.old"
new_refs curl >"$W/curl.new"
both "orders of curl" "$W/curl.want" "$W/curl.old" "$W/curl.new"
# pgbench's log has no references, but the n-th transaction that a client finishes is its n-th reference.
for f in "$W"/pgbench/slice.*; do
    slice=${f##*/slice.} slice=${slice%%.*}
    awk -v slice="$slice" '$3 != "failed" { print "pgbench-" slice "-" $1 "-" $2, 1 }' "$f"
done | LC_ALL=C sort >"$W/bench.want"
old_refs pgbench >"$W/bench.old"
new_refs pgbench >"$W/bench.new"
both "orders of pgbench" "$W/bench.want" "$W/bench.old" "$W/bench.new"
# Increments: on the popular orders both kinds of writers meet.
{ awk '$2 == "increment" && $4 ~ /^2/ { n++ } END { print n + 0 }' "$W/curl.answers"; echo "$bench_done"; } | awk '{ n += $1 } END { print n }' >"$W/hits.want"
pg_sql mono shop "select sum(hits) from orders" >"$W/hits.old"
my_sql orders orders "select sum(hits) from customer_orders" >"$W/hits.new"
both "increments of both" "$W/hits.want" "$W/hits.old" "$W/hits.new"
lines="$bench_done $(wc -l <"$W/curl.want")"
same "their lines too, on the old side" "$lines" "$(pg_sql mono shop "select count(*) filter (where o.ref like 'pgbench-%') || ' ' || count(*) filter (where o.ref like 'curl-%') from order_lines l join orders o on o.id = l.order_id")"
same "and on the new side" "$lines" "$(my_sql orders orders "select concat(sum(o.ref like 'pgbench-%'), ' ', sum(o.ref like 'curl-%')) from order_lines l join customer_orders o on o.id = l.order_id")"
fx_done
