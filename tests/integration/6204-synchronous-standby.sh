#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The monolith's PostgreSQL has a synchronous standby. Log order is not visibility order then: a transaction whose commit
# waits for the standby stands in the stream already and is invisible on its own server. Neither a comparison nor a
# cut-over may take one for the other, and a commit of the protocol that waits there is neither lost nor guessed.
# seconds: 45
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../demo/lib.sh"
fx_tmp
RATE=60 CUSTOMERS=4 shop_up 800
tool() { "$FX_BUILD/tests/integration/fence_tool" "$SHOP/ficus.yaml" orders "$@" 2>>"$SHOP/tool.log"; }
cutover() { "$FICUS" cutover "$@" -f "$SHOP/ficus.yaml" --context orders; }
owns() { echo "$(tool old own)/$(tool new own)" | tr -d '0-9 '; }
compare() { "$FICUS" reconcile run -f "$SHOP/ficus.yaml" --context orders --quiet; }

# --- the standby: a base backup of the monolith's server --------------------------------------------------------------------
mkdir -p "$FX_DIR/standby"
if [ "$(id -u)" = 0 ]; then chown nobody:nogroup "$FX_DIR/standby"; fi
# shellcheck disable=SC2046
check "a base backup" $(fx_user) "$PG_BIN/pg_basebackup" -h "${PG_SOCK[mono]}" -p "${PG_PORT[mono]}" -U ficus -D "$FX_DIR/standby/d" \
    -c fast -X stream --no-sync -R -d "application_name=standby"
FX_ARGS[standby]=
fx_pg_boot standby
streams_wal() { [ "$(pg_sql mono postgres "select state from pg_stat_replication where application_name = 'standby'")" = streaming ]; }
check "the standby follows" until_ok 20 streams_wal
pg_sql mono postgres "alter system set synchronous_standby_names = 'standby'"
pg_sql mono postgres "select pg_reload_conf()" >/dev/null
is_sync() { [ "$(pg_sql mono postgres "select sync_state from pg_stat_replication where application_name = 'standby'")" = sync ]; }
check "it is synchronous" until_ok 20 is_sync
receiver() { pg_sql standby postgres "select pid from pg_stat_wal_receiver"; }
standby_stop() { kill -STOP "$(receiver)"; }
standby_go() { kill -CONT "$(receiver)"; }
waiting() { # a backend stands in its commit: SyncRep
    [ "$(pg_sql mono postgres "select count(*) from pg_stat_activity where wait_event = 'SyncRep' and $1")" != 0 ]
}

ficusd_start
same "ownership is installed" installed "$(tool install)"
check "the streams start" "$FICUS" cdc start -f "$SHOP/ficus.yaml" --context orders --execute
check "both are live" until_ok 20 cutover start # preflight only

# --- a transaction that is in the stream and not yet visible ------------------------------------------------------------------
standby_stop
fx_spawn writer "$SHOP/writer.log" psql -X -q -h "${PG_SOCK[mono]}" -p "${PG_PORT[mono]}" -U ficus -d shop \
    -c "set application_name = 'writer'; insert into orders (id, customer_id, status, total) values (800001, 1, 'early', 1)"
check "a commit waits for the standby" until_ok 10 waiting "application_name = 'writer'"
arrived() { [ "$(my_sql orders orders 'select count(*) from customer_orders where id = 800001')" = 1 ]; }
check "it stands in the stream already, and on the other side" until_ok 10 arrived
same "before its own server shows it" 0 "$(pg_sql mono shop 'select count(*) from orders where id = 800001')"
sed 's/^contexts:/reconcile: {cut_timeout: 1s}\ncontexts:/' "$SHOP/ficus.yaml" >"$SHOP/short.yaml"
exits 3 "a comparison in this moment does not know: neither equal nor divergent" \
    "$FICUS" reconcile run -f "$SHOP/short.yaml" --context orders --quiet
(sleep 1.5; standby_go) &
go=$!
exits 0 "one that waits for the standby finds both sides equal" compare
check "and leaves nothing behind that a cut-over would have to wait for" cutover start
wait "$go"
check "the writer is done" until_ok 5 arrived

# --- the standby hangs before anything is fenced: triggers cannot be made, and nobody is told to wait for ever -----------------------
standby_stop
status=0
timeout 60 "$FICUS" cutover start -f "$SHOP/ficus.yaml" --context orders --execute --confirm=orders >"$SHOP/arming.log" 2>&1 || status=$?
standby_go
# Its first write says who holds the context: that already waits for the standby, so nothing has begun that could be aborted.
same "a cut-over that cannot be prepared gives up" 5 "$status"
check "with the reason" grep -q "did not answer for" "$SHOP/arming.log"
same "the old side owns" HERE/AWAY "$(owns)"

# --- the cut-over with it, under customers ------------------------------------------------------------------------------------
customers_start
direct_start
check "cut-over" cutover start --execute --confirm=orders
same "the new side owns" AWAY/HERE "$(owns)"
check "fall-back" cutover fallback --execute --confirm=orders
same "the old side owns" HERE/AWAY "$(owns)"

# --- the standby hangs while the losing side commits ---------------------------------------------------------------------------
# begin: a cut-over that stands in its commit, waiting for the standby; $pid
begin() {
    local at # known before: the cut-over does not sleep for long
    at=$(receiver)
    rm -f "$FX_DIR/points"
    FICUS_FAILPOINT_LOG=$FX_DIR/points FICUS_FAILPOINT=cutover.step.commit.begin:sleep=1000 "$FICUS" cutover start \
        -f "$SHOP/ficus.yaml" --context orders --fence-ttl 5s --execute --confirm=orders >"$SHOP/cutover.log" 2>&1 &
    pid=$!
    until_ok 10 grep -q cutover.step.commit.begin "$FX_DIR/points" || not_ok "the cut-over comes to its commit"
    kill -STOP "$at"
    check "its commit waits for the standby" until_ok 10 waiting "query ilike '%ficus.own%'"
}
direct_write() { PG_USER=shop pg_sql mono shop "set statement_timeout = '1s'; update orders set hits = hits where id = 1"; }
begin
same "nobody can see it yet" "FENCED" "$(tool old own | cut -d ' ' -f 1)"
same "the other side is not opened on a guess" "AWAY" "$(tool new own | cut -d ' ' -f 1)"
is_expired() { tool old own | grep -q expired; }
until_ok 20 is_expired || not_ok "the fence's time is over"
check "a direct writer waits for it too, although the fence's time is over" grep -q "statement timeout" <(direct_write 2>&1)
same "the other side is still closed" "AWAY" "$(tool new own | cut -d ' ' -f 1)"
# PostgreSQL's statement_timeout ends before a commit waits: the controller has to give the answer up by itself.
asks() { [ "$(pg_sql mono postgres "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query ilike 'update ficus.own set state = ''HERE''%'")" != 0 ]; }
check "the controller does not wait for ever: it asks the row, which waits for the commit" until_ok 10 asks
standby_go
status=0; wait "$pid" || status=$?
same "when the standby is back the cut-over goes on to its end" 0 "$status"
same "the new side owns" AWAY/HERE "$(owns)"
until_ok 30 cutover fallback || not_ok "the reverse stream has caught up" # preflight only
check "fall-back" cutover fallback --execute --confirm=orders

# --- and the controller dies while it waits --------------------------------------------------------------------------------------
begin
kill -KILL "$pid"
wait "$pid" 2>/dev/null
(sleep 2; standby_go) &
go=$!
check "the same command asks the row, waits for the commit in flight, and finishes" cutover start --execute --confirm=orders
wait "$go"
same "the new side owns" AWAY/HERE "$(owns)"

# --- the other engine hangs altogether in the same moment, on the way back ----------------------------------------------------------
rm -f "$FX_DIR/points"
FICUS_FAILPOINT_LOG=$FX_DIR/points FICUS_FAILPOINT=cutover.commit.before:sleep=1000 "$FICUS" cutover fallback \
    -f "$SHOP/ficus.yaml" --context orders --execute --confirm=orders >"$SHOP/fallback.log" 2>&1 &
pid=$!
until_ok 10 grep -q cutover.commit.before "$FX_DIR/points" || not_ok "the fall-back comes to its commit"
kill -STOP "${FX_PID[orders]}"
sleep 5
kill -CONT "${FX_PID[orders]}"
status=0; wait "$pid" || status=$?
same "a server that hangs in the commit is asked again, and the fall-back goes on to its end" 0 "$status"
same "the old side owns" HERE/AWAY "$(owns)"
check "the answer was given up meanwhile" grep -q "did not answer for" "$SHOP/fallback.log"
check "to the new side at last" cutover start --execute --confirm=orders
customers_stop
direct_stop
judge migrated >"$SHOP/verdict.log" 2>&1
check "no request failed" grep -q "failed 0," "$SHOP/verdict.log"
check "no acknowledged write was lost, doubled or leaked" grep -q "lost 0, duplicated 0, leaked 0" "$SHOP/verdict.log"
sed 's/^/# /' "$SHOP/verdict.log"
exits 0 "both sides are equal" final_compare "$SHOP/compare"
fx_done
