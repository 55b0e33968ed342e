#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The exact comparison on real servers: nothing while customers write, N of N planted differences and none else,
# in both directions; text keys whose order differs between collations; the gate's exit statuses.

. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
start_both mono orders
cd "$FX_DIR" || exit 1

pg_sql mono postgres 'create database shop'
pg_sql mono shop "
create table orders (id bigint primary key, customer integer not null, total numeric(12,2), note text, at timestamptz);
create table words (word varchar(40), n integer, body bytea, primary key (word, n));
insert into orders select n, n % 97, n * 0.37, case n % 4 when 0 then null when 1 then '' else 'note ' || n end,
       timestamptz '2026-01-01' + n * interval '1.7 second' from generate_series(1, 20000) n;
insert into words select w || n % 50, n, decode(md5(n::text), 'hex')
  from generate_series(1, 2000) n, unnest(array['a', 'B', 'Ä', 'ä', 'ß', 'z', 'Z', '🌿', '_', 'aa']) w;
create user app; grant all on all tables in schema public to app;"
my_sql orders mysql "create database orders; use orders;
create table orders (id bigint primary key, customer integer not null, total_cents bigint, note text, at timestamp(6) null);
create table words (word varchar(40), n integer, body varbinary(64), primary key (word, n)) collate utf8mb4_bin;
create user 'app'@'%'; grant all on orders.* to 'app'@'%';"
cat >ficus.yaml <<YAML
apiVersion: ficus/v1
kind: Project
state: {dir: $FX_DIR/st}
databases:
  mono:   {url: "postgresql://ficus@localhost:${PG_PORT[mono]}/shop?socket=${PG_SOCK[mono]}"}
  orders: {url: "mysql://ficus@localhost/orders?socket=${MY_SOCK[orders]}"}
upstreams:
  monolith: {endpoints: ["http://127.0.0.1:1"]}
  orders:   {endpoints: ["http://127.0.0.1:2"]}
contexts:
  orders:
    old: {upstream: monolith, database: mono}
    new: {upstream: orders, database: orders}
    tables:
      - {from: public.orders, to: orders.orders, columns: {total: {to: total_cents, as: "total * 100", back: "total_cents / 100"}}}
      - public.words
YAML

# Without the binary log the reverse stream does not see a planted difference.
plant_my() { my_sql orders orders "set names utf8mb4; set sql_log_bin = 0; $1"; }
reconcile() { "$FICUS" reconcile run --show-values --report "$FX_DIR/out"; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
# A SQL expression over the report, r: the one reader of JSON that is certainly there is PostgreSQL.
field() { pg_sql mono postgres "select $1 from (select \$report\$$(cat "$FX_DIR/out/report.json")\$report\$::json as r) x"; }
sums() {
    field "(select concat_ws(' ', sum((t->>'missing')::int), sum((t->>'extra')::int), sum((t->>'different')::int))
        from json_array_elements(r->'tables') t) || ' ' || (r->>'divergent')"
}
differences="json_array_elements(r->'tables'->0->'differences') with ordinality d (d, n)"
in_phase_stream() { [ "$("$FICUS" cdc status | grep -c ' stream ')" = 2 ]; }

exits 10 "without a stream there is no comparison" reconcile
check "the streams start" "$FICUS" cdc start --execute
check "the copy ends and both streams are live" until_ok 60 in_phase_stream

# Customers write all the time: inserts, updates, deletes, key changes.
write_old() {
    local i
    for ((i = 0; ; i++)); do
        PG_USER=app pg_sql mono shop "
            insert into orders values (100000 + $i, $i, $i * 0.01, 'new', now());
            update orders set total = total + 0.01, note = 'seen $i' where id between 1000 and 15000 and id % 997 = $i % 997;
            delete from orders where id = 100000 + $i - 50;
            insert into words values ('w$i', $i, '\x00ff'); update words set n = n + 100000 where word = 'w' || ($i - 3);" \
            >/dev/null 2>&1 || break
    done
}
write_old &
writer=$!
sleep 0.5
for round in 1 2 3; do
    exits 0 "round $round: nothing differs while customers write" reconcile
    same "round $round: verdict and coverage" "equal 0 100" "$(field "concat_ws(' ', r->>'verdict', r->>'divergent', (r->>'coverage_percent')::float)")"
done
same "it looked at every row" t "$(field "(r->>'rows_compared')::bigint > 39000")"
check "the applier was held for less than a second" test "$(field "(r->>'applier_held_ms')::bigint")" -lt 1000
gate() { "$FICUS" reconcile gate out/report.json "$@"; }
exits 0 "the gate passes" gate --unsigned --divergent 0 --coverage 100% --max-age 30m
sleep 1.1
exits 3 "a report that is too old is unknown" gate --unsigned --max-age 1s
exits 2 "an age of 0 is refused, it once meant any age" gate --unsigned --max-age 0
check "and the message says what does" says "--max-age any" "$(gate --unsigned --max-age 0 2>&1)"
exits 0 "any age has a word of its own" gate --unsigned --max-age any
# The age counts from the moment that both sides were read: this one takes two seconds after it.
FICUS_FAILPOINT=reconcile.advance.after:sleep=2000 reconcile >/dev/null
exits 3 "a slow comparison is as old as what it shows" gate --unsigned --max-age 1s
exits 2 "without a key no report is believed" gate
exits 3 "a report of another mapping is unknown" gate --unsigned --mapping 0123456789abcdef0123456789abcdef

# --- signed reports --------------------------------------------------------------------------------
check "a pair of keys" "$FICUS" reconcile key new ci.key
same "the private one is for its owner only" 600 "$(stat -c %a ci.key)"
exits 11 "a key is never overwritten" "$FICUS" reconcile key new ci.key
check "a second pair, for rotation" "$FICUS" reconcile key new next.key
same "both halves have one fingerprint" "$("$FICUS" reconcile key show ci.key)" "$("$FICUS" reconcile key show ci.key.pub)"
exits 3 "an unsigned report is not believed" gate --key ci.key.pub
exits 0 "a signed comparison" "$FICUS" reconcile run --report "$FX_DIR/out" --sign-with ci.key
exits 0 "the gate believes its key" gate --key ci.key.pub --divergent 0 --max-age 30m
exits 0 "and either of two keys" gate --key next.key.pub --key ci.key.pub
exits 3 "not another one" gate --key next.key.pub
exits 3 "nor none at all" gate --unsigned
exits 4 "a private key is not taken for a public one" gate --key ci.key
sed -i 's/"verdict":"equal"/"verdict": "equal"/' out/report.json
exits 3 "a space more is a change" gate --key ci.key.pub
sed -i 's#^state:.*#&\nreconcile: {sign_with: ci.key}#' ficus.yaml
exits 0 "the project file names the key" reconcile
exits 0 "and the report is signed with it" gate --key ci.key.pub
chmod 644 ci.key
exits 4 "a private key that others can read signs nothing" reconcile
exits 0 "the report is the one of before" gate --key ci.key.pub
chmod 600 ci.key
"$FX_BUILD/tests/integration/edit_tool" ficus.yaml out/report.json ci.key.pub next.key "${SEED:-$RANDOM}" 500 ci.key
same "of 500 edits of a signed report none passes, nor one that the key signed of something else" 0 $?
sed -i '/^reconcile:/d' ficus.yaml
exits 0 "an unsigned comparison" reconcile
"$FX_BUILD/tests/integration/edit_tool" ficus.yaml out/report.json - next.key "${SEED:-$RANDOM}" 500
same "of 500 edits of an unsigned report only those that keep it true pass" 0 $?

# --- one command, and two under set -e -------------------------------------------------------------
exits 0 "one command compares and judges" "$FICUS" reconcile run --gate --divergent 0
exits 2 "limits without --gate are refused" "$FICUS" reconcile run --divergent 0

# 11 planted differences, far from the rows that the writer touches.
plant_my "delete from orders where id in (500, 501, 19999);
insert into orders values (50001, 1, 1, 'extra', null), (50002, 1, 1, 'extra', null);
update orders set total_cents = total_cents + 1 where id = 600;
update orders set note = null where id = 601 and note is not null;
update orders set note = '' where id = 604 and note is null;
update orders set at = at + interval 1 microsecond where id = 605;
update words set body = concat(body, x'00') where word = 'Ä7' and n = 7;
delete from words where word = '🌿1' and n = 1;"
exits 1 "planted differences make it divergent" reconcile
kill "$writer" 2>/dev/null; wait "$writer" 2>/dev/null
exits 1 "and still after the writer stopped" reconcile
same "4 missing, 2 extra, 5 different: 11 of 11, and none else" "4 2 5 11" "$(sums)"
same "each is named" "500 501 600 601 604 605 19999 50001 50002" \
    "$(field "(select string_agg(id::text, ' ' order by id) from (select split_part(d->>'key', ' = ', 2)::int as id from $differences) k)")"
same "the value is shown" "22200 22201" \
    "$(field "(select (d->>'source') || ' ' || (d->>'target') from $differences where d->>'column' like '%total%' order by n limit 1)")"
exits 1 "the gate fails" gate --unsigned --divergent 0
exits 0 "unless so many were allowed" gate --unsigned --divergent 11
exits 1 "one command fails" "$FICUS" reconcile run --gate --divergent 10
exits 0 "unless so many were allowed" "$FICUS" reconcile run --gate --divergent 11
check "the documented two commands work under set -e" bash -ec "
    '$FICUS' reconcile run --context orders --report out/ --exit-zero
    '$FICUS' reconcile gate out/report.json --unsigned --divergent 11"
exits 1 "and fail there" bash -ec "
    '$FICUS' reconcile run --context orders --report out/ --exit-zero
    '$FICUS' reconcile gate out/report.json --unsigned"

# --- a comparison that fails leaves no older report ------------------------------------------------
sed 's#^databases:#&\n  gone: {url: "postgresql://ficus@localhost:1/none"}#; s/database: mono}/database: gone}/' ficus.yaml >gone.yaml
"$FICUS" reconcile run -f gone.yaml --report "$FX_DIR/out" >/dev/null 2>&1
check "a comparison that cannot begin fails" test $? -ge 3
exits 3 "and the gate does not find the report of before" gate --unsigned --divergent 11
check "it says why" says "the comparison failed: " "$(gate --unsigned --divergent 11)"
FICUS_FAILPOINT=reconcile.cut.before:kill "$FICUS" reconcile run --report "$FX_DIR/out" >/dev/null 2>&1
exits 3 "nor after a comparison that was killed" gate --unsigned --divergent 11


# Single keys, as the cut-over's verify looks at them: composite text keys, a key that exists nowhere, quotes.
keys_tool=$FX_BUILD/tests/integration/keys_tool
same "single keys: one missing, one different, the rest equal" "1 0 1" \
    "$("$keys_tool" ficus.yaml forward 0:i500 0:i502 0:i-7 '1:tÄ7:i7' '1:tä7:i7' "1:ta'b:i1" '1:tnope:i1')"
same "the other way round: one extra" "0 1 1" "$("$keys_tool" ficus.yaml reverse 0:i500 0:i502 '1:tÄ7:i7' '1:tä7:i7')"
exits 0 "keys that are equal are equal, whatever else differs" "$keys_tool" ficus.yaml forward 0:i502 '1:tB1:i1'

# The other direction: the new side owns, its customers write there, the old side is the copy.
plant_my "insert into orders select n, n % 97, round(n * 37), case n % 4 when 0 then null when 1 then '' else concat('note ', n) end,
    timestamp('2026-01-01') + interval n * 1700000 microsecond from (select 500 n union select 501 union select 19999) x;
delete from orders where id in (50001, 50002);
update orders set total_cents = total_cents - 1 where id = 600;
update orders set note = '' where id = 601;
update orders set note = null where id = 604;
update orders set at = at - interval 1 microsecond where id = 605;
update words set body = unhex(md5(7)) where word = 'Ä7' and n = 7;
insert into words values ('🌿1', 1, unhex(md5(1)));"
exits 0 "repaired by hand, both sides are equal again" reconcile
pg_sql mono shop "create table if not exists ficus.own (grp text primary key, state text, epoch bigint, until timestamptz, operator text)" 2>/dev/null
my_sql orders ficus "create table if not exists ficus.own (grp varchar(64) primary key, state varchar(16), epoch bigint, until datetime(6), operator varchar(64))"
own() { # OLD NEW
    pg_sql mono shop "delete from ficus.own where grp = 'orders'; insert into ficus.own (grp, state, epoch) values ('orders', '$1', 3)"
    my_sql orders ficus "delete from own where grp = 'orders'; insert into own (grp, state, epoch) values ('orders', '$2', 3)"
}
own AWAY FENCED
exits 3 "while nobody owns the context nothing is compared" reconcile
own AWAY HERE
write_new() {
    local i
    for ((i = 0; ; i++)); do
        MY_USER=app my_sql orders orders "set names utf8mb4;
            insert into orders values (200000 + $i, $i, $i, 'new', now(6));
            update orders set total_cents = total_cents + 1 where id between 1000 and 15000 and id % 997 = $i % 997;
            delete from orders where id = 200000 + $i - 50;
            insert into words values ('v$i', $i, x'00ff'); update words set n = n + 100000 where word = 'v$((i - 3))';" \
            >/dev/null 2>&1 || break
    done
}
write_new &
writer=$!
sleep 0.5
exits 0 "nothing differs while customers write to the new side" reconcile
same "the direction is reverse" "reverse equal 0" "$(field "concat_ws(' ', r->>'direction', r->>'verdict', r->>'divergent')")"
# Differences on the old side; the forward stream is stopped short so that it does not carry them over.
forward=$(comm -12 <(pgrep -f "cdc run.*forward" | sort) <(fx_marked | sort))
check "the forward stream stands still" kill -STOP $forward
pg_sql mono shop "set session_replication_role = replica; delete from orders where id = 42; update words set body = null where word = 'ß9' and n = 9;
    insert into orders values (-5, 1, null, null, null);"
exits 1 "planted differences on the old side are found" reconcile
kill "$writer" 2>/dev/null; wait "$writer" 2>/dev/null
same "3 of 3, and none else" "1 1 1 3" "$(sums)"

fx_done
