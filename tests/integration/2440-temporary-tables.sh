#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# MariaDB as the source: the flag of a transaction that says "no table without transactions" is missing also when a
# temporary table took part. That is no reason to stop; a carried table that is really without transactions is one.
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"
. "$(dirname "$0")/../harness/ddl.sh"
sql() { my_sql orders orders "$1"; }

sql "create table foreign_log(n int) engine = MyISAM"
ficus cdc start --quick >/dev/null 2>&1 || not_ok "start"
until_ok 30 streams_phase reverse stream || not_ok "live"
streams_probe_back
sql "create temporary table tt as select 900 + seq as id, 1 as line from seq_1_to_5;
    insert into order_lines(order_id, line_no, sku, qty) select id, line, 't', 1 from tt"
sql "create temporary table tt engine = MyISAM as select 910 as id; begin; insert into tt values (911);
    insert into order_lines(order_id, line_no, sku, qty) select id, 1, 'm', 1 from tt; drop temporary table tt; commit"
sql "begin; insert into foreign_log values (1); insert into order_lines values (920, 1, 'f', 1); commit"
sql "insert into foreign_log values (2); update order_lines set qty = 2 where order_id = 920"
sql "begin; insert into foreign_log values (3); insert into order_lines values (930, 1, 'rolled back', 1); rollback" 2>/dev/null
streams_probe_back
check "temporary tables and tables that are not carried do not stop the stream" streams_phase reverse stream
streams_same "every row came, and none that was rolled back"
same "as many as were written" 8 "$(pg_sql mono shop "select count(*) from order_lines")"

sql "alter table order_lines engine = MyISAM; insert into order_lines values (940, 1, 'x', 1)"
check "a carried table without transactions stops the stream" until_ok 15 stopped reverse
check "naming the table" says "orders.order_lines" "$(error_of reverse)"
fx_done
