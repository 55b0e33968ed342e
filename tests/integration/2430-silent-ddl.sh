#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# DDL on PostgreSQL that changes rows without a change in the log: rewrites between slot and copy, and rewrites while
# streaming. Each is carried or a loud stop; what keeps the rows as they are (VACUUM FULL, CLUSTER, SET TABLESPACE) is neither.
# 2434 has tables that are others for a moment, 2433 partitions.
# seconds: 40
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"
. "$(dirname "$0")/../harness/ddl.sh"

# --- between the slot and the read ---------------------------------------------------------------------------------------------
during_copy() { # POINT TEXT SQL
    FICUS_FAILPOINT=$1:sleep=2500 FICUS_FAILPOINT_ONCE="$FX_DIR/once.$RANDOM" "$FICUS" cdc start --context orders --execute --quick \
        -f "$FX_DIR/ficus.yaml" >"$FX_DIR/start.out" 2>&1 &
    local start=$!
    until_ok 20 has_slot || not_ok "the slot is made"
    sleep 0.3
    sql "$3"
    wait $start || not_ok "start with $2: $(cat "$FX_DIR/start.out")"
    until_ok 30 streams_phase forward stream || not_ok "live after $2"
}
plain
during_copy copy.slot.after "a rewrite" "alter table order_lines alter qty type integer using qty * 2"
equal "a table that is rewritten between the slot and its copy is copied as it is then"
plain
during_copy copy.slot.after "TRUNCATE" "truncate order_lines; insert into order_lines values (1, 1, 'a', 7), (2, 1, 'b', 9)"
equal "one that is truncated and filled, too"
check "and the stream goes on" streams_phase forward stream
parted
during_copy copy.slot.after "a partition that comes" "create table lines_3 ($lines); insert into lines_3 values (201, 1, 'c', 5);
    alter table order_lines attach partition lines_3 for values from (200) to (300)"
equal "a partition that is attached meanwhile is copied"
plain
during_copy copy.lock.after "a copy" "set lock_timeout = '300ms'; alter table order_lines alter qty type integer using qty * 2" 2>/dev/null
equal "while tables are read nobody rewrites them"

# --- while streaming -----------------------------------------------------------------------------------------------------------
live
sql "update order_lines set qty = qty + 1"
streams_caught_up
sleep 2 # the catalog was looked at since then
each "vacuum full order_lines"
each "alter table order_lines alter qty set statistics 50" "cluster order_lines using order_lines_pkey"
each "set allow_in_place_tablespaces = on" "create tablespace other location ''" "alter table order_lines set tablespace other" \
    "vacuum full order_lines" "alter table order_lines alter sku type varchar(64)" "analyze order_lines" "create index on order_lines(qty)"
sleep 2.5
check "VACUUM FULL, CLUSTER, SET TABLESPACE and an index are no reason to stop" streams_phase forward stream
equal "nor do they change anything"
sql "alter table order_lines alter qty type integer using qty * 2; insert into order_lines values (5000, 1, 'n', 1)"
stop_says "ALTER COLUMN … TYPE the same USING another value" "rewritten by ALTER TABLE"
check "a start does not go on" starts_in_vain
check "the hint names a command that works" says "ficus cdc drop --context orders --execute" "$(error_of forward)"
ficus cdc stop >/dev/null 2>&1
plain
live
ficus cdc stop >/dev/null
each "vacuum full order_lines"
live
equal "what was packed while the stream was down"
ficus cdc stop >/dev/null
each "alter table order_lines alter qty type integer using qty * 2" "vacuum full order_lines" "analyze order_lines"
check "what was rewritten while the stream was down does not start" starts_in_vain
check "saying why" says "rewritten by ALTER TABLE" "$(error_of forward)"
fx_done
