#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The demo's customers shop through ficusd while everything goes to the monolith: no request may fail, and the
# judge must be right both ways: it finds nothing when nothing happened, and each planted loss and duplicate.
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
. "$FX_ROOT/tests/demo/lib.sh"
shop_up 8000
ficusd_start
ok "ficusd proxies a route that is no context's"
customers_start
direct_start
sleep 3
customers_stop
direct_stop
same "no request failed" 0 "$(count_of customers requests_failed)"
same "no answer was wrong or stale" 0 "$(($(count_of customers wrong_answers) + $(count_of customers stale_reads)))"
check "customers wrote" test "$(count_of customers writes_acknowledged)" -gt 50
check "the nightly job wrote" test "$(count_of nightly direct_writes)" -gt 3

verdict() { # field
    judge rolled_back --expect rolled_back --out "$SHOP/verdict.json" >"$SHOP/judge.log"
    grep -o "\"$1\":[0-9]*" "$SHOP/verdict.json" | cut -d: -f2
}
same "the judge finds nothing lost" 0 "$(verdict writes_lost)"
same "and nothing duplicated" 0 "$(verdict writes_duplicated)"
check "no stale read, no word about it" bash -c "! grep -q 'younger than one second' '$SHOP/judge.log'"
cp "$SHOP/ledger/customers.counts" "$SHOP/customers.counts"
sed -i 's/^stale_reads .*/stale_reads 2/' "$SHOP/ledger/customers.counts"
verdict writes_lost >"$SHOP/judge.lost"
check "a stale read is explained" grep -q 'stale: a read missed a write younger than one second' "$SHOP/judge.log"
cp "$SHOP/customers.counts" "$SHOP/ledger/customers.counts"
lost=$(pg_sql mono shop "select min(id) from orders where ref like 'c%'")
pg_sql mono shop "insert into orders (customer_id, ref, status, total)
    select customer_id, ref, status, total from orders where ref like 'c%' order by id desc limit 1"
pg_sql mono shop "delete from order_lines where order_id = $lost; delete from orders where id = $lost"
pg_sql mono shop "update orders set hits = hits - 1 where id = (select min(id) from orders where hits > 0)"
# The increments of the deleted order may be missing as well: the judge counts those as a loss of their own.
check "the judge finds the planted losses" test "$(verdict writes_lost)" -ge 2
same "the judge finds the planted duplicate" 1 "$(verdict writes_duplicated)"

# Which side is judged, the rows of ownership say. Only the old side has ever been written here.
pg_sql mono shop "update orders set hits = 0, ref = null"
rm "$SHOP"/ledger/*.ledger
printf '1 I c c1-1 0 0\n2 A c1-1 1 3\n' >"$SHOP/ledger/customers.ledger"
pg_sql mono shop "insert into orders (customer_id, ref, status, total) values (1, 'c1-1', 'new', 1)"
own() { # OLD NEW: "STATE EPOCH" each
    pg_sql mono shop "update ficus.own set state = '${1% *}', epoch = ${1#* }"
    my_sql orders ficus "update own set state = '${2% *}', epoch = ${2#* }"
}
verdict_is() { # TEXT STATUS OWNER SIDE LOST, of a run that ended as $outcome
    local status=0
    judge "$outcome" --may-lack-report --out "$SHOP/verdict.json" >"$SHOP/judge.log" 2>&1 || status=$?
    same "$1" "$2 $3 $4 $5" "$status $(sed -E 's/.*"writes_lost":([0-9]+).*"owner":"([a-z]+)","judged_side":"([a-z]+)".*/\2 \3 \1/' "$SHOP/verdict.json")"
}
outcome=held
verdict_is "held before there is a row of ownership: nothing is lost, and it is not passed" 3 old old 0
check "it says that the run is held, and where the writes are" grep -q 'NOT FINISHED: the run is held. Nothing is lost: every acknowledged write is on the old side' "$SHOP/judge.log"
pg_sql mono shop "create schema ficus; create table ficus.own (grp text, state text, epoch bigint); insert into ficus.own values ('orders', 'HERE', 1)"
my_sql orders mysql "create database ficus; create table ficus.own (grp varchar(64), state varchar(16), epoch bigint); insert into ficus.own values ('orders', 'AWAY', 1)"
for outcome in held interrupted failed stuck rolled_back; do
    verdict_is "$outcome while the old side owns: the empty copy is behind, nothing is lost" 3 old old 0
done
check "what the copy does not have is said" grep -q '1 writes behind' "$SHOP/judge.log"
outcome=held
own 'FENCED 2' 'AWAY 1'
verdict_is "fenced: nobody owns, the old side did last" 3 nobody old 0
own 'AWAY 3' 'AWAY 1'
verdict_is "given up and not opened: the side that gave up last" 3 nobody old 0
own 'AWAY 3' 'HERE 3'
verdict_is "the new side owns and lacks an acknowledged write: lost" 1 new new 1
own 'AWAY 3' 'FENCED 4'
verdict_is "the new side is fenced and owned last: lost as well" 1 nobody new 1
own 'HERE 5' 'HERE 3'
verdict_is "both accept writes: never passed" 1 both new 1
check "and both are named" grep -q 'FAILED: both sides accept writes' "$SHOP/judge.log"
outcome=rolled_back
own 'HERE 5' 'AWAY 5'
my_port=${MY_PORT[orders]} MY_PORT[orders]=1
verdict_is "the new database is gone and the old side owns" 3 old old 0
check "its state is said to be unknown" grep -q 'new unknown' "$SHOP/judge.log"
own_only_old() { pg_sql mono shop "update ficus.own set state = 'AWAY'"; }
own_only_old
rm "$SHOP/verdict.json"
judge held --out "$SHOP/verdict.json" >"$SHOP/judge.log" 2>&1
check "the new database is gone and the old side does not own: no verdict" test $? -gt 3 -a ! -e "$SHOP/verdict.json"
MY_PORT[orders]=$my_port

# A machine that cannot do what is asked for: they measure, keep to a third, and slow down when asked.
rm "$SHOP"/ledger/customers.*
pg_sql mono shop "drop schema ficus cascade"
RATE=100000 customers_start --adapt
until_ok 20 customers_measured
rate=$(count_of customers rate)
check "the customers keep to a third of what was answered" test "$rate" -gt 0 -a "$rate" -le $(($(count_of customers capacity) / 3 + 1))
customers_slower
slowed() { test "$(count_of customers rate_least)" -lt "$rate"; }
check "and slow down when they are asked to" until_ok 10 slowed
customers_stop
check "the machine's commits are measured" test "$(commits_per_second)" -gt 0
for rate in 5 30 90 150; do
    plan_at_rate "$FX_ROOT/plans/library/extract-service.yaml" "$rate" >"$SHOP/plan.yaml"
    check "the plan for $rate requests/s is valid" "$FICUS" plan lint "$SHOP/plan.yaml" -f "$SHOP/ficus.yaml"
    check "and has smaller samples or longer waits" bash -c "! cmp -s '$FX_ROOT/plans/library/extract-service.yaml' '$SHOP/plan.yaml'"
done
plan_at_rate "$FX_ROOT/plans/library/extract-service.yaml" 250 | cmp -s - "$FX_ROOT/plans/library/extract-service.yaml"
same "for 250 it is the plan as it stands" 0 $?
fx_done
