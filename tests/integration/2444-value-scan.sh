#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The value scan of the preflight: several sessions find what one would find, in the order of the keys; one that is killed goes on where it
# was, and reads pieces with a finding again; another mapping begins anew. What one server refuses and the other stores is found before a copy.
# seconds: 20
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
pg_sql mono shop "create table orders(id bigint primary key, customer varchar(64), note text, doc json, at timestamp);
    create table order_lines(order_id bigint, line_no integer, sku varchar(64), amount numeric, primary key (order_id, line_no));
    create table tags(name varchar(40) collate \"C\" primary key, n int)"
my_sql orders orders "create table customer_orders(id bigint primary key, customer varchar(64), note longtext, doc json, at datetime(6));
    create table order_lines(order_id bigint, line_no int, sku varchar(64), amount decimal(20,4), primary key (order_id, line_no));
    create table tags(name varchar(40) collate utf8mb4_nopad_bin primary key, n int)"
sed -i -e 's/^      - {from: public.orders,.*/      - {from: public.orders, to: orders.customer_orders}\n      - public.tags/' "$FX_DIR/ficus.yaml"
pg_sql mono shop "insert into orders select g, 'c' || g, 'n', '{\"a\":1}', '2024-01-01' from generate_series(1, 5000) g;
    insert into order_lines select g / 7, g % 7, 'S', g from generate_series(1, 420000) g;
    insert into tags select md5(g::text), g from generate_series(1, 3000) g; analyze"
look() { "$FICUS" cdc preflight --context orders -f "$FX_DIR/ficus.yaml" "$@" 2>&1; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
says_not() { case $2 in *"$1"*) printf 'in: %s\n' "$2"; return 1 ;; esac; }
file=$FX_DIR/st/preflight/orders.scan
pieces() { python3 -c 'import json, sys; p = json.load(open(sys.argv[1]))["pieces"]; print(sum(1 for x in p if x["clean"]))' "$file"; }

exits 0 "values that fit pass" look
check "and nothing is left of the scan" test ! -e "$file"

# --- what the mapping carries as a type, and not as a value ----------------------------------------------------------------
pg_sql mono shop "update order_lines set amount = 0.123456 where order_id = 100; update order_lines set amount = 'NaN' where order_id = 40000 and line_no = 3;
    update orders set at = 'infinity' where id = 2500; update orders set at = '0001-01-01 BC' where id = 4999;
    update orders set doc = '\"\\ud83d\"' where id = 17; update orders set doc = (repeat('[', 32) || repeat(']', 32))::json where id = 18;
    update orders set doc = (repeat('[', 31) || repeat(']', 31))::json where id = 19; update orders set doc = '{\"a\":1,\"a\":2}' where id = 4000"
my_sql orders orders "alter table tags modify name varchar(36) collate utf8mb4_nopad_bin"
pg_sql mono shop "insert into tags values (repeat('é', 37), 1)"
pg_sql mono shop "alter table tags alter name type varchar(36) using left(name, 36)"
told=$(look --show-values)
check "digits that would be rounded" says 'value 0.123456 does not fit a column of type decimal(20,4)' "$told"
check "the first three, and how many more" says "public.order_lines: 5 more rows have such values in column amount" "$told"
check "NaN is one of them, in the middle of another piece" says_not "NaN" "$told"
check "infinity" says 'key (id)=(2500): value infinity' "$told"
check "years before Christ" says 'key (id)=(4999)' "$told"
check "half a character in JSON" says "key (id)=(17): value '\"\ud83d\"'" "$told"
check "JSON that is nested too deep" says 'key (id)=(18)' "$told"
check "not one level less" says_not 'key (id)=(19)' "$told"
check "two members of one name" says 'key (id)=(4000)' "$told"
check "the group says what to do" says "Correct these values on the old side, or change" "$told"
check "in the order of the keys" says "17 18 2500 4000 4999 " "$(echo "$told" | grep -o '(id)=([0-9]*)' | grep -o '[0-9]*' | sort -un | tr '\n' ' ')"
"$FICUS" cdc preflight --json --context orders -f "$FX_DIR/ficus.yaml" >"$FX_DIR/json" 2>/dev/null
same "JSON has them" "True 9" "$(python3 -c '
import json, sys
g = [g for g in json.load(open(sys.argv[1]))["groups"] if g["kind"] == "value"][0]
print(bool(g["advice"]), g["count"])' "$FX_DIR/json")"
# Both servers were asked: what is refused here is what MariaDB refuses, and one level less it takes.
same "MariaDB takes 31 levels and not 32, and no half characters" "1 0 0" "$(my_sql orders orders "select json_valid(concat(repeat('[', 31), repeat(']', 31))),
    json_valid(concat(repeat('[', 32), repeat(']', 32))), json_valid('\"\\\\ud83d\"')" | tr '\t' ' ')"

# --- killed, and resumed ------------------------------------------------------------------------------------------------
sed "s/^contexts:/cdc: {scan_sessions: 1}\ncontexts:/" "$FX_DIR/ficus.yaml" >"$FX_DIR/one.yaml"
interrupted() { # a scan that is killed after five pieces, of which the first has a finding
    FICUS_FAILPOINT="preflight.piece.after:sleep=30000:5" "$FICUS" cdc preflight --context orders -f "$FX_DIR/one.yaml" >/dev/null 2>&1 &
    local pid=$!
    check "a scan leaves what it has read" until_ok 20 test -s "$file"
    until_ok 10 has_read 4
    kill -9 "$pid"
    wait "$pid" 2>/dev/null
}
has_read() { [ "$(pieces)" = "$1" ]; }
interrupted
same "for its user only" 600 "$(stat -c %a "$file")"
same "a piece with a finding is not among what need not be read again" 4 "$(pieces)"
pg_sql mono shop "update order_lines set amount = 1 where order_id = 100"
again=$(look --show-values)
check "the next one goes on" says "the value scan goes on where it was interrupted: 200" "$again"
check "it has the findings of what was not read" says 'key (id)=(18)' "$again"
check "and none that was corrected meanwhile" says_not '(100, ' "$again"
check "nor is anything told twice" says_not "more rows" "$again"
check "at its end nothing is left" test ! -e "$file"
interrupted
my_sql orders orders "alter table customer_orders modify customer varchar(80)"
check "with other types it begins anew" says_not "interrupted" "$(look)"

# --- one session ---------------------------------------------------------------------------------------------------------
same "one session finds the same" "$(look --show-values | grep -v warning)" "$("$FICUS" cdc preflight --context orders -f "$FX_DIR/one.yaml" --show-values 2>&1 | grep -v warning)"
fx_done
