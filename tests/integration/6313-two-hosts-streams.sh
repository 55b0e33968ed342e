#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Two hosts, every command of one against the states of the other before a cut-over: adopted, streaming, an adoption cut off
# in the middle, dropped, installed, copying. 6314 has the states of a cut-over.
# seconds: 70
. "$(dirname "$0")/matrix_lib.sh"

against "adopted" b a "run adopt"
exits 0 "a starts the streams" a cdc start --context orders --quick --execute
check "they run" until_ok 20 streams_run
against "streaming" b a "cdc start"

# --- an adoption that is cut off between the two databases: neither can do anything ----------------------------------------------
status=0
FICUS_FAILPOINT=adopt.old.after:kill b run adopt orders --confirm="$(short a)" --execute >"$SHOP/died.log" 2>&1 || status=$?
same "b dies between the two databases" 137 "$status"
same "one names b, one names a" "$(id b) $(id a)" "$(pg_sql mono shop "select id from ficus.controller") $(my_sql orders ficus "select id from controller")"
against "adoption cut off" a b "run adopt"
against "adoption cut off" b a "cdc start"
exits 0 "the same command again goes on" b run adopt orders --confirm="$(short a)" --execute
same "both name b" "$(id b) $(id b)" "$(pg_sql mono shop "select id from ficus.controller") $(my_sql orders ficus "select id from controller")"
exits 0 "a takes it back" a run adopt orders --confirm="$(short b)" --execute

# --- dropped, installed, copying ------------------------------------------------------------------------------------------------
exits 0 "a drops the streams" a cdc drop --context orders --execute --confirm=orders
against "dropped" b a "cdc drop"
FICUS_FAILPOINT=copy.slot.before:sleep=60000 a cdc start --context orders --quick --execute --empty-target --confirm=orders >"$SHOP/start.log" 2>&1
installed() { [ "$(pg_sql mono shop "select count(*) from ficus.controller")" = 1 ]; }
check "a installs" until_ok 10 installed
against "installed" b a "cdc start"
a cdc stop --context orders --execute >/dev/null 2>&1
FICUS_FAILPOINT=copy.batch:sleep=60000 a cdc start --context orders --quick --execute --empty-target --confirm=orders >"$SHOP/start.log" 2>&1
copies() { [ "$(pg_sql mono shop "select count(*) from pg_replication_slots")" != 0 ]; }
check "a copies" until_ok 10 copies
against "copying" b a "cdc start"

# --- the host that copies is lost ------------------------------------------------------------------------------------------------
a cdc stop --context orders --execute >/dev/null 2>&1
exits 0 "copying: b takes over" b run adopt orders --confirm="$(short a)" --execute
exits 0 "and its start goes on with the copy" b cdc start --context orders --quick --execute
copied() { [ "$(b cdc status --context orders 2>/dev/null | awk '/^orders-/ { printf "%s ", $2 }')" = "stream stream " ]; }
check "to its end" until_ok 30 copied
same "all rows are there" "$(pg_sql mono shop "select count(*) from orders")" "$(my_sql orders orders "select count(*) from customer_orders")"
sort -rnk2 "$FX_DIR/times" | head -n 5
fx_done
