#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The PostgreSQL fence, statement by statement: who waits, who is refused, what a stalled or a late controller can do.
# seconds: 45
. "$(dirname "$0")/fence_lib.sh"
fence_setup
pg_sql mono shop "create sequence public.v start 1000000; grant all on sequence public.v to app"
write="insert into public.t (v) values (nextval('public.v'))"

same "at the start the old side is HERE" "HERE 1" "$(tool old own)"
same "and the new side AWAY" "AWAY 1" "$(tool new own)"
same "arming changes nothing for writers" armed "$(tool old arm 2)"
check "a customer writes" pg_app "$write"
same "the armed triggers are disabled" "D D D" \
    "$(pg_sql mono shop "select string_agg(tgenabled::text, ' ') from pg_trigger where tgname = 'ficus_fence_orders'")"

# --- isolation: a snapshot older than the fence, and a prepared statement, do not get past it ------
mkfifo "$FX_DIR/rr"
psql -X -q -A -t -h "${PG_SOCK[mono]}" -p "${PG_PORT[mono]}" -U app -d shop -v VERBOSITY=verbose <"$FX_DIR/rr" >"$FX_DIR/rr.out" 2>&1 &
rr=$!
exec 7>"$FX_DIR/rr"
echo "prepare w as $write; execute w; begin isolation level repeatable read; select count(*) > 0 from public.t;" >&7
until_ok 5 grep -q '^t$' "$FX_DIR/rr.out"
same "the fence is taken while a reader's snapshot is open" taken "$(tool old fence 1 60000 800)"
same "own says so" "FENCED 2" "$(tool old own)"
printf '%s\n' "execute w;" "rollback;" "begin isolation level serializable;" "execute w;" "rollback;" "execute w;" "\\q" >&7
exec 7>&-
wait "$rr"
same "REPEATABLE READ with an older snapshot, SERIALIZABLE and READ COMMITTED are refused, prepared or not" 3 \
    "$(grep -c 'ERROR:  40001' "$FX_DIR/rr.out")"
refused "a direct write to a leaf partition is refused" "held back" pg_app "insert into public.par1 values (1, 1)"
refused "through the parent too" "held back" pg_app "insert into public.par values (1, 1)"
refused "COPY is refused" "held back" bash -c "echo 9 | psql -X -q -h ${PG_SOCK[mono]} -p ${PG_PORT[mono]} -U app -d shop -c 'copy public.t (v) from stdin'"
refused "a statement of zero rows is refused" "held back" pg_app "delete from public.t where false"
refused "TRUNCATE is refused" "held back" pg_sql mono shop "truncate public.t"
check "readers go on, with row locks too" pg_app "select * from public.t for update"
same "every table and leaf carries the fence" 0 "$(tool old armed 2)"
pg_sql mono shop "alter table only public.par1 disable trigger ficus_fence_orders"
check "without its own trigger a leaf would be open: so each leaf has one" pg_app "insert into public.par1 values (2, 2)"
same "and step 8 finds a leaf without" "1" "$(tool old armed 2 | head -n 1)"
pg_sql mono shop "alter table only public.par1 enable trigger ficus_fence_orders"

# --- abort, guarded disarm --------------------------------------------------------------------------
same "a second fence is refused" refused "$(tool old fence 1 60000 800)"
same "a commit of another epoch finds no row" 0 "$(tool old commit 3)"
same "abort is one compare-and-set" 1 "$(tool old abort 1)"
same "and can be repeated" 0 "$(tool old abort 1)"
same "HERE two epochs on" "HERE 3" "$(tool old own)"
check "customers write while the triggers are still there" pg_app "$write"
stall cutover.disarm.before 2500 "$FX_DIR/late" tool old disarm
same "meanwhile the next fence comes" taken "$(tool old fence 3 60000 800)"
wait "$stalled"
same "a disarm that wakes late is stopped by its guard" guarded "$(cat "$FX_DIR/late")"
refused "and the fence still refuses" "held back" pg_app "$write"
same "abort again" 1 "$(tool old abort 3)"
same "now it disarms" disarmed "$(tool old disarm)"
same "all triggers are disabled" "D D D" \
    "$(pg_sql mono shop "select string_agg(tgenabled::text, ' ') from pg_trigger where tgname = 'ficus_fence_orders'")"

# --- disarm among writers: nobody is a deadlock's victim --------------------------------------------
tool old fence 5 60000 800 >/dev/null
tool old abort 5 >/dev/null
for i in 1 2 3; do
    (for _ in $(seq 60); do pg_app "begin; $write; select pg_sleep(0.005); update public.par set v = 1; commit" || echo failed; done) \
        >"$FX_DIR/w$i" 2>&1 &
    writers[i]=$!
done
for _ in 1 2 3 4 5 6; do tool old disarm >>"$FX_DIR/disarms"; done
wait "${writers[@]}"
same "no customer failed while the triggers were being disabled" "" "$(grep -h 'ERROR\|failed' "$FX_DIR"/w[123])"

# --- an expired fence is reopened ----------------------------------------------------------------------------------------
same "a fence of 2 s" taken "$(tool old fence 7 2000 800)"
refused "refuses before its time" "held back" pg_app "$write"
is_expired() { tool old own | grep -q expired; }
until_ok 10 is_expired
same "shows as expired after it" "FENCED 8 expired" "$(tool old own)"
check "the first writer reopens it" pg_app "$write"
same "by raising the epoch" "HERE 9" "$(tool old own)"
same "commit finds nothing" 0 "$(tool old commit 7)"
same "abort finds nothing" 0 "$(tool old abort 7)"
same "a customer who reopens an expired fence and then sleeps is limited to 5 s" "5s" \
    "$(tool old fence 9 1 800 >/dev/null; sleep 0.1; pg_app "begin; $write; show idle_in_transaction_session_timeout" | tail -n 1)"
tool old abort 9 >/dev/null
tool old invalidate 9 >/dev/null
epoch=$(tool old own | cut -d ' ' -f 2)
same "the customer's rollback took the reopening back, and abort or invalidate went on from there" "HERE 11" "HERE $epoch"

# --- groups: reopening a canary does not open the real group ---------------------------------------
canary old arm 2 >/dev/null
same "the canary is fenced for a moment" taken "$(canary old fence 1 100 800)"
same "the real group for longer" taken "$(tool old fence 11 60000 800)"
sleep 0.2
check "a canary write reopens the canary" pg_sql mono shop "insert into ficus.canary (grp) values ('orders.canary')"
same "the canary is HERE" "HERE 3" "$(canary old own)"
same "the real group is still FENCED" "FENCED 12" "$(tool old own)"
tool old abort 11 >/dev/null
canary old disarm >/dev/null

# --- a stalled controller ------------------------------------------------------------------------------
stall cutover.fence.before_commit 2500 "$FX_DIR/stalled" tool old fence 13 60000 800
started=$(ms)
check "a customer waits for the stalled fence and then writes" pg_app "$write"
at_most 1800 "its locks went after a second" "$started"
wait "$stalled"
refused "the controller learns that it lost its session" "terminat" cat "$FX_DIR/stalled" /nonexistent
same "the epoch is unchanged" "HERE 13" "$(tool old own)"

# --- the fence waits for writers, prepared ones too, and is the victim of deadlocks ------------------
hold inflight "begin; $write;"
refused "an attempt gives up on a long writer" "DB_CONFLICT" tool old fence 13 60000 400
let_go inflight "$write; commit; select 'fine';"
same "who was not disturbed" fine "$(tail -n 1 "$FX_DIR/inflight.out")"
pg_app "begin; $write; prepare transaction 'p1'" >/dev/null
refused "a prepared transaction holds the fence off" "DB_CONFLICT" tool old fence 13 60000 400
sleep 2
check "preflight names it" grep -q "p1" <(tool old check 2000)
pg_app "rollback prepared 'p1'"
# The fence has locked par and waits for t, which the customer has; then the customer asks for par.
mkfifo "$FX_DIR/dl"
psql -X -q -A -t -h "${PG_SOCK[mono]}" -p "${PG_PORT[mono]}" -U app -d shop <"$FX_DIR/dl" >"$FX_DIR/dl.out" 2>&1 &
customer=$!
exec 7>"$FX_DIR/dl"
echo "begin; lock table public.t in row exclusive mode; select 'locked';" >&7
until_ok 5 grep -q locked "$FX_DIR/dl.out"
watch_pg "and mode = 'ShareRowExclusiveLock'"
tool old fence 13 60000 800 >"$FX_DIR/dl.fence" 2>&1 &
fence=$!
wait "$watching"
same "the fence waits for the customer" 0 $?
printf '%s\n' "update public.par set v = 3;" "commit;" "select 'fine';" >&7
exec 7>&-
wait "$fence"
wait "$customer"
check "a deadlock with a customer ends the fence's attempt" grep -q DB_CONFLICT "$FX_DIR/dl.fence"
check "and never the customer" grep -q fine "$FX_DIR/dl.out"
same "who got no error" 0 "$(grep -c ERROR "$FX_DIR/dl.out")"
same "the group stays where it was" "HERE 13" "$(tool old own)"

# --- autovacuum gets out of the way -------------------------------------------------------------------
pg_sql mono shop "create table public.filler (i int); insert into public.t (v) select -g from generate_series(1, 60000) g;
    alter table public.t set (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_threshold = 1,
    autovacuum_vacuum_scale_factor = 0); delete from public.t where v < 0"
if until_ok 20 grep -q t <(pg_sql mono shop "select 't' from pg_stat_progress_vacuum where relid = 'public.t'::regclass") ||
    until_ok 20 bash -c "psql -X -A -t -h ${PG_SOCK[mono]} -p ${PG_PORT[mono]} -U ficus -d shop -c \"select 't' from pg_stat_progress_vacuum\" | grep -q t"; then
    started=$(ms)
    epoch=$(tool old own | cut -d ' ' -f 2)
    opening=$(($(ms) - started)) # a process and a session, on this machine at this moment
    started=$(ms)
    same "the first attempt gets past an autovacuum" taken "$(tool old fence "$epoch" 60000 800)"
    at_most $((700 + 2 * opening)) "after the short deadlock_timeout" "$started"
    tool old abort "$epoch" >/dev/null
else
    skip "autovacuum did not start on the table"
fi

# --- an unknown commit is resolved by the compare-and-set, never by a SELECT -------------------------
epoch=$(tool old own | cut -d ' ' -f 2)
same "fenced again" taken "$(tool old fence "$epoch" 60000 800)"
HOLD="hold_pg ficus" hold commit "begin; update ficus.own set state = 'AWAY', epoch = $((epoch + 2)) where grp = 'orders' and state = 'FENCED';"
same "a SELECT says FENCED while a commit is in flight" "FENCED $((epoch + 1))" "$(tool old own)"
watch_pg
tool old abort "$epoch" >"$FX_DIR/abort" &
abort=$!
wait "$watching" || not_ok "the abort waits"
let_go commit "commit;"
wait "$abort"
same "the abort waits for it and learns that it lost" 0 "$(cat "$FX_DIR/abort")"
same "the commit had won" "AWAY $((epoch + 2))" "$(tool old own)"
refused "AWAY is refused with another code than FENCED" "owned by the other side" pg_app "$write"
same "opening the other side" 1 "$(tool new open $((epoch + 2)))"
same "once" 0 "$(tool new open $((epoch + 2)))"
same "a late controller with a lower epoch opens nothing" 0 "$(tool old open "$epoch")"
same "AWAY is not disarmed" guarded "$(tool old disarm)"
pg_sql mono shop "drop trigger ficus_fence_orders on public.t; alter table only public.par1 disable trigger ficus_fence_orders"
check "a side that is AWAY without enabled triggers accepts writes" pg_app "$write"
same "so installing ownership on it makes it refuse" refuses "$(tool old refuse $((epoch + 2)))"
refused "with triggers that it creates" "owned by the other side" pg_app "$write"
refused "and triggers that it enables" "owned by the other side" pg_app "insert into public.par1 values (3, 3)"
same "on every table" 0 "$(tool old armed $((epoch + 2)))"

# --- identities ----------------------------------------------------------------------------------------
same "sequences of an AWAY side are raised" raised "$(tool old raise $((epoch + 4)) 5000000)"
same "to the number" 5000000 "$(pg_sql mono shop "select last_value from public.t_id_seq")"
same "never lowered" "raised 5000000" "$(tool old raise $((epoch + 4)) 10) $(pg_sql mono shop "select last_value from public.t_id_seq")"
same "a late one at the winner changes nothing" guarded "$(tool old raise $((epoch + 2)) 9000000)"
same "really nothing" 5000000 "$(pg_sql mono shop "select last_value from public.t_id_seq")"

# --- why REVOKE and a new slot have no place in here -------------------------------------------------
same "fall-back: the old side opens" 1 "$(tool old open $((epoch + 4)))"
epoch=$((epoch + 4))
tool old fence "$epoch" 1 800 >/dev/null
pg_sql mono shop "revoke insert on public.t from app"
refused "with REVOKE the permission is checked before the trigger" "permission denied" pg_app "$write"
same "so that an expired fence is not reopened" "FENCED $((epoch + 1)) expired" "$(tool old own)"
pg_sql mono shop "grant insert on public.t to app"
tool old abort "$epoch" >/dev/null
HOLD="hold_pg ficus postgres" hold other "begin; select txid_current();"
refused "creating a slot waits for transactions of other databases" "statement timeout" \
    pg_sql mono shop "set statement_timeout = 500; select pg_create_logical_replication_slot('late', 'pgoutput')"
let_go other "rollback;"

# --- foreign fences ----------------------------------------------------------------------------------
pg_sql mono shop "create trigger ficus_fence_other before insert on public.t for each statement execute function ficus.fence('other')"
check "preflight finds somebody else's fence and says how to remove it" grep -q 'DROP TRIGGER "ficus_fence_other" ON public.t;' <(tool old check 2000)
pg_sql mono shop "drop trigger ficus_fence_other on public.t"
same "nothing is left to complain about" "0" "$(tool old check 2000)"
hold long "begin; $write;"
names_long() { tool old check 500 | grep -q "long transaction"; }
check "preflight names a long writer" until_ok 10 names_long
check "and its age is known" test "$(tool old age)" -ge 500
let_go long "rollback;"
waits_for_nobody() { test "$(tool old age)" -le 100; } # 100: for autovacuum, which comes every second and gives way
check "nobody writes: the fence would wait for nobody" until_ok 10 waits_for_nobody
hold long "begin; select count(*) from public.t;"
hold reader "select 1;"
my_sql orders ficus "update own set state = 'AWAY' where grp = 'orders'" # only the old side took part above
watch_pg
(tool drop >"$FX_DIR/drop1" || true) &
drop=$!
wait "$watching" || not_ok "the drop waits"
began=$(ms)
tell reader "select 'rows ' || count(*) from public.t;"
check "a customer reads while the triggers cannot be dropped" grep -q '^rows [0-9]' "$FX_DIR/reader.out"
at_most 1500 "and waits no longer than the drop's lock limit" "$began"
wait "$drop"
let_go reader ""
check "the drop gives up instead of keeping everybody waiting" grep -q "DB_CONFLICT.*lock timeout" "$FX_DIR/drop1"
let_go long "rollback;"
same "dropping takes everything with it" "dropped" "$(tool drop)"
same "no trigger stays" 0 "$(pg_sql mono shop "select count(*) from pg_trigger where tgname like 'ficus%'")"
same "dropping again is fine" "dropped" "$(tool drop)"
fx_done
