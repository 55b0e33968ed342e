#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the users of both databases must be allowed to do is found before anything is written, with the statement that grants
# it: typed as printed, these are all that both streams and both fences need. Who may not see who owns the tables is not
# told to empty them. And a MariaDB whose binary log may forget what its tables hold is refused.
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
PG_USER=ficus
pg_sql mono shop "create role app login; grant all on schema public to app"
PG_USER=app streams_tables
my_sql orders orders "set global log_bin_trust_function_creators = 0"
pg_sql mono shop "create role weak login; grant select on all tables in schema public to weak"
my_sql orders orders "create user weak; grant select on orders.* to weak"
sed "s,//ficus@,//weak@," "$FX_DIR/ficus.yaml" >"$FX_DIR/weak.yaml"
preflight() { "$FICUS" cdc preflight --context orders -f "$FX_DIR/weak.yaml" 2>&1; }
start() { "$FICUS" cdc start --context orders --execute -f "$FX_DIR/weak.yaml"; }
tool() { "$FX_BUILD/tests/integration/fence_tool" "$FX_DIR/weak.yaml" orders "$@" 2>>"$FX_DIR/tool.log"; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
says_not() { case $2 in *"$1"*) printf 'in: %s\n' "$2"; return 1 ;; esac; }
# What each finding says to type, as "database statement".
fixes() { preflight | sed -n 's/^ *\(detail:\)\{0,1\} *\(mono\|orders\): .* \[\(.*;\)\]$/\2 \3/p'; }
mend() {
    local database sql
    fixes >"$FX_DIR/fixes"
    while read -r database sql; do
        if [ "$database" = mono ]; then pg_sql mono shop "$sql"; else my_sql orders orders "$sql"; fi ||
            not_ok "what is printed can be typed: $sql"
    done <"$FX_DIR/fixes"
}

was=$(my_sql orders orders "select @@global.gtid_binlog_pos")
exits 4 "users who may only read are refused" start
told=$(preflight)
check "not what the way back writes" says "GRANT INSERT, UPDATE, DELETE ON TABLE public.order_lines, public.orders TO weak;" "$told"
check "nor what the way there writes" says "GRANT INSERT, UPDATE, DELETE, TRIGGER ON \`orders\`.* TO \`weak\`@\`%\`;" "$told"
check "nor a slot" says "ALTER ROLE weak REPLICATION;" "$told"
check "nor a publication" says "GRANT app TO weak;" "$told"
check "nor what Ficus keeps" says "GRANT CREATE ON DATABASE shop TO weak;" "$told"
same "MariaDB has not written anything" "$was" "$(my_sql orders orders "select @@global.gtid_binlog_pos")"
same "nor PostgreSQL" 0 "$(pg_sql mono shop "select (select count(*) from pg_namespace where nspname = 'ficus') + (select count(*) from pg_publication)
    + (select count(*) from pg_replication_origin) + (select count(*) from pg_replication_slots)")"
my_sql orders orders "insert into customer_orders(id) values (7)"
told=$(preflight)
check "who may not see ficus.own is told that it cannot be told" says "cannot tell which side owns" "$told"
check "and not to delete" says_not "--empty-target" "$told"
my_sql orders orders "delete from customer_orders"

for _ in 1 2 3 4; do if preflight >/dev/null; then break; fi; mend; done
exits 0 "when what is printed has been typed, it passes" preflight
same "with grants only: nobody became a superuser" f "$(pg_sql mono shop "select rolsuper from pg_roles where rolname = 'weak'")"
check "on neither side" says_not "SUPER" "$(my_sql orders orders "show grants for weak")"
pg_sql mono shop "insert into orders(id, total) select g, g from generate_series(1, 100) g"

# --- what these users can do --------------------------------------------------------------------------------------------
port=$(fx_free_port)
sed -i "s,listen: .*,listen: [{address: \"127.0.0.1:$port\"}]," "$FX_DIR/weak.yaml"
fx_spawn facade "$FX_DIR/facade.log" "$FICUSD" -f "$FX_DIR/weak.yaml"
fx_wait_listen facade "$port" || not_ok "the facade listens"
printf '%s\n' 'apiVersion: ficus/v1' 'kind: Migration' 'metadata: {name: whole}' 'context: orders' 'steps:' \
    '  - {id: copy, do: stream.start, undo: stream.drop}' \
    '  - {id: equal, do: reconcile, gate: {divergent: 0, coverage: 100%, max_age: 30m}}' \
    '  - {id: rehearse, do: cutover.rehearse}' \
    '  - {id: cutover, do: cutover, undo: cutover.fallback}' \
    '  - {id: back, do: cutover.fallback, undo: cutover}' >"$FX_DIR/whole.yaml"
exits 0 "a whole migration and its way back" "$FICUS" run start "$FX_DIR/whole.yaml" --execute -f "$FX_DIR/weak.yaml"
exits 0 "and its end" "$FICUS" run rollback whole --execute -f "$FX_DIR/weak.yaml"
fx_stop facade
my_sql orders orders "delete from customer_orders"
exits 0 "these users start both streams" start
check "which copy" until_ok 30 streams_phase forward stream
check "and go back" until_ok 30 streams_phase reverse stream
pg_sql mono shop "insert into orders(id, total) values (101, 1); update orders set total = 5 where id = 1; delete from orders where id = 2"
streams_caught_up
my_sql orders orders "insert into customer_orders(id, total_cents) values (200, 1); update customer_orders set qty = 3 where id = 3; delete from customer_orders where id = 4"
streams_probe_back
streams_same "both carry inserts, updates and deletes"
exits 0 "are compared" "$FICUS" reconcile run --context orders -f "$FX_DIR/weak.yaml"
same "install ownership" installed "$(tool install)"
same "fence the old side" "armed taken" "$(echo $(tool old arm 2) $(tool old fence 1 60000 800))"
same "commit, raise the counter of the new one and open it" "1 raised 1" "$(echo $(tool old commit 1) $(tool new raise 3 5000) $(tool new open 3))"
same "raise that of the old one" raised "$(tool old raise 5 6000)"
check "find what would disturb a fence" says_not "denied" "$(tool new check 2000; tail -n 3 "$FX_DIR/tool.log")"
same "fence that" "armed taken" "$(echo $(tool new arm 4) $(tool new fence 3 60000 800))"
same "give it back, and take the fences away" "1 disarmed" "$(echo $(tool new abort 3) $(tool new disarm))"
exits 12 "the streams stay while the new side owns the tables" "$FICUS" cdc drop --context orders --execute --confirm=orders -f "$FX_DIR/weak.yaml"
own() { # OLD NEW: as nobody but this test sets them
    pg_sql mono shop "update ficus.own set state = '$1' where grp = 'orders'"
    my_sql orders ficus "update own set state = '$2' where grp = 'orders'"
}
own HERE AWAY
exits 0 "and take the streams away" "$FICUS" cdc drop --context orders --execute --confirm=orders -f "$FX_DIR/weak.yaml"
own AWAY HERE

# --- who owns the tables --------------------------------------------------------------------------------------------------
told=$(preflight)
check "the new side owns its tables now" says "this database owns the tables" "$told"
check "and nobody is told to empty them" says_not "--empty-target" "$told"
my_sql orders orders "revoke all on ficus.* from weak"
told=$(preflight)
check "whoever may not see that learns it from the side that gave them away" says "this database owns the tables" "$told"
check "and is not told to empty them" says_not "--empty-target" "$told"
pg_sql mono shop "update ficus.own set state = 'HERE' where grp = 'orders'"
told=$(preflight)
check "if not from there, cannot tell" says "cannot tell which side owns" "$told"
check "that they are not empty is said without advice" says "orders.customer_orders: the target table is not empty; cannot tell who filled it" "$told"
check "no advice anywhere" says_not "--empty-target" "$told"
my_sql orders orders "update ficus.own set state = 'AWAY'; grant select on ficus.own to weak"
told=$(preflight)
check "nor can it when only the stream's progress may not be read" says "cannot tell which side owns" "$told"
check "no advice then" says_not "--empty-target" "$told"
my_sql orders orders "drop database ficus; grant all on ficus.* to weak"
pg_sql mono shop "alter schema ficus owner to ficus; alter table ficus.own owner to ficus; revoke all on schema ficus from weak, public"
told=$(preflight)
check "what belongs to somebody else on PostgreSQL is not used" says "ficus.own belongs to role ficus" "$told"
check "without advice" says_not "--empty-target" "$told"
check "and nobody is told to become that somebody" says_not "GRANT ficus TO" "$told"
pg_sql mono shop "drop schema ficus cascade"
check "when nobody owns them, it is said what to type" says "ficus cdc start --context orders --empty-target --execute --confirm=orders" "$(preflight)"
my_sql orders orders "delete from customer_orders; delete from order_lines"
exits 0 "and then it passes" preflight

# --- names in any spelling -------------------------------------------------------------------------------------------------
stop_my orders
FX_ARGS[orders]="--lower-case-table-names=1 --log-bin-trust-function-creators=1"
restart_my orders
my_sql orders orders "create user folded; grant select, insert, update, delete, trigger on orders.customer_orders to folded;
    grant select, insert, update, delete, trigger on orders.order_lines to folded; grant all on ficus.* to folded; grant replication slave, process on *.* to folded"
sed -e "s,//weak@127.0.0.1:${MY_PORT[orders]},//folded@127.0.0.1:${MY_PORT[orders]}," -e "s,orders.customer_orders,orders.Customer_Orders," "$FX_DIR/weak.yaml" >"$FX_DIR/folded.yaml"
folded() { "$FICUS" cdc preflight --context orders -f "$FX_DIR/folded.yaml" 2>&1; }
check "who may read single tables only does not see what is JSON" says "[GRANT SELECT ON \`orders\`.* TO \`folded\`@\`%\`;]" "$(folded)"
my_sql orders orders "grant select on orders.* to folded"
exits 0 "a right on a table is found under any spelling that the server takes" folded

# --- a server that may forget ----------------------------------------------------------------------------------------------
my_sql orders orders "set global sync_binlog = 0, global innodb_flush_log_at_trx_commit = 2"
told=$(preflight)
check "a binary log that is not written through is refused" says "SET GLOBAL sync_binlog = 1;" "$told"
check "and so are tables that are not" says "SET GLOBAL innodb_flush_log_at_trx_commit = 1;" "$told"
exits 4 "also by the start" start
mend
exits 0 "set as it says, it passes" preflight
fx_done
