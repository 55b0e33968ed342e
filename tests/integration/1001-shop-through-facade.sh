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
fx_done
