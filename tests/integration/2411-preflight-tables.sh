#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tables that a stream would carry wrongly without noticing are refused before it begins and again whenever it starts:
# inheritance, unlogged and foreign tables, views, row level security, triggers and rules that fire for the applier, engines
# without transactions. Keys that keep other rows apart on the other side are refused before the copy. Partitioned tables work.
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
streams_tables
preflight() { "$FICUS" cdc preflight --context orders "$@" -f "$FX_DIR/ficus.yaml" 2>&1; }
start() { "$FICUS" cdc start --context orders --execute -f "$FX_DIR/ficus.yaml" 2>&1; }
restarted() { "$FICUS" cdc stop --context orders --execute -f "$FX_DIR/ficus.yaml" && "$FICUS" cdc run --context orders --direction "$1" -f "$FX_DIR/ficus.yaml" 2>&1; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
says_not() { case $2 in *"$1"*) printf 'in: %s\n' "$2"; return 1 ;; esac; }
# refused SIDE MAKE NEEDLE MEND: what MAKE does is found, with MEND as the statement, which does mend it (MEND empty: no statement)
refused() {
    local side=$1 make=$2 needle=$3 mend=$4 told
    on "$side" "$make"
    told=$(preflight)
    check "$needle" says "$needle" "$told"
    same "nothing else is found: ${needle:0:40}" 1 "$(echo "$told" | grep -c ": 1 finding in 1 group  \[")"
    if [ -z "$mend" ]; then return; fi
    check "with the statement: $mend" says "[$mend]" "$told"
    on "$side" "$mend"
    exits 0 "which mends it" preflight
}
on() { if [ "$1" = old ]; then pg_sql mono shop "$2"; else my_sql orders orders "$2"; fi; }

# --- tables that look right and are not ---------------------------------------------------------------------------------
refused old "create table more () inherits (order_lines)" "table public.more inherits from public.order_lines" \
    "ALTER TABLE public.more NO INHERIT public.order_lines;"
refused old "alter table order_lines set unlogged" "table public.order_lines is unlogged" "ALTER TABLE public.order_lines SET LOGGED;"
pg_sql mono shop "create function f() returns trigger language plpgsql as 'begin new.sku = ''changed''; return new; end';
    create trigger f before insert on order_lines for each row execute function f()"
exits 0 "an ordinary trigger does not fire for the applier" preflight
refused old "alter table order_lines enable always trigger f" "trigger f of public.order_lines is enabled ALWAYS" "ALTER TABLE public.order_lines ENABLE TRIGGER f;"
refused old "alter table order_lines enable replica trigger f" "trigger f of public.order_lines is enabled for REPLICA" "ALTER TABLE public.order_lines ENABLE TRIGGER f;"
refused old "create rule r as on insert to order_lines do instead nothing; alter table order_lines enable always rule r" \
    "rule r of public.order_lines is enabled ALWAYS" "ALTER TABLE public.order_lines ENABLE RULE r;"
pg_sql mono shop "drop trigger f on order_lines; drop rule r on order_lines"
pg_sql mono shop "create role rls login; grant select on all tables in schema public to rls; alter table order_lines enable row level security"
sed "s,//ficus@127.0.0.1:${PG_PORT[mono]},//rls@127.0.0.1:${PG_PORT[mono]}," "$FX_DIR/ficus.yaml" >"$FX_DIR/rls.yaml"
told=$("$FICUS" cdc preflight --context orders -f "$FX_DIR/rls.yaml" 2>&1)
check "rows that the user would not see" says "row level security hides rows of public.order_lines from user rls [ALTER ROLE rls BYPASSRLS;]" "$told"
exits 0 "concern only who does not see them" preflight
pg_sql mono shop "alter role rls bypassrls"
check "a role with the right sees them" says_not "row level security" "$("$FICUS" cdc preflight --context orders -f "$FX_DIR/rls.yaml" 2>&1)"
pg_sql mono shop "alter table order_lines disable row level security"
refused new "alter table order_lines engine = MyISAM" "engine is MyISAM, not InnoDB" "ALTER TABLE orders.order_lines ENGINE = InnoDB;"
refused new "create trigger audit before insert on order_lines for each row set new.sku = 'changed'" "trigger audit would fire for every applied row" "DROP TRIGGER orders.audit;"
my_sql orders orders "create table goods (sku varchar(64) primary key)"
refused new "alter table order_lines add constraint fk foreign key (sku) references goods (sku) on delete cascade" "foreign key fk cascades" "ALTER TABLE orders.order_lines DROP FOREIGN KEY fk;"

for kind in "view:create view order_lines as select * from x:drop view order_lines" \
    "materialized view:create materialized view order_lines as select * from x:drop materialized view order_lines" \
    "foreign table:create foreign table order_lines(order_id bigint, line_no int, sku varchar(64), qty int) server s options (filename '/dev/null'):drop foreign table order_lines"; do
    IFS=: read -r what make unmake <<<"$kind"
    pg_sql mono shop "create extension if not exists file_fdw; create server if not exists s foreign data wrapper file_fdw;
        alter table order_lines rename to x; $make" 2>/dev/null
    check "a $what is no table" says "is a $what, not a table" "$(preflight)"
    pg_sql mono shop "$unmake; alter table x rename to order_lines"
done
my_sql orders orders "rename table order_lines to x; create view order_lines as select * from x"
check "nor is a view of MariaDB" says "is a VIEW, not a table" "$(preflight)"
my_sql orders orders "drop view order_lines; rename table x to order_lines"

# --- keys -----------------------------------------------------------------------------------------------------------------
refused new "alter table order_lines add unique key k (qty, sku)" "unique key k has no counterpart in public.order_lines" "ALTER TABLE orders.order_lines DROP INDEX \`k\`;"
pg_sql mono shop "create unique index u on order_lines (qty)"
my_sql orders orders "alter table order_lines add unique key k (qty, line_no)"
check "a key is kept by one over fewer columns, and not by one over more" says "ALTER TABLE orders.order_lines ADD UNIQUE KEY (\`qty\`);" "$(preflight)"
check "which is the only finding" says ": 1 finding in 1 group " "$(preflight)"
my_sql orders orders "alter table order_lines add unique key (qty)"
exits 0 "both are kept now" preflight
my_sql orders orders "alter table order_lines drop index k, drop index qty"
pg_sql mono shop "drop index u; create unique index u on order_lines (lower(sku))"
check "an index over an expression asks for its like" says "give orders.order_lines a generated column" "$(preflight)"
my_sql orders orders "alter table order_lines add low varchar(64) as (lower(sku)) persistent, add unique key (low)"
exits 0 "and takes it" preflight
pg_sql mono shop "drop index u"
check "which then has no counterpart" says "unique key low has no counterpart" "$(preflight)"
my_sql orders orders "alter table order_lines drop column low"
pg_sql mono shop "create unique index u on order_lines (sku) where qty > 0"
check "so does an index over a part of the rows" says "unique index u has no counterpart" "$(preflight)"
pg_sql mono shop "drop index u; create unique index u on order_lines (sku)"
my_sql orders orders "alter table order_lines add unique key k (sku(10))"
check "a key over the beginning of a column keeps other rows apart" says "unique key k has no counterpart" "$(preflight)"
my_sql orders orders "alter table order_lines drop index k, add unique key k (sku)"
exits 0 "one over all of it does not" preflight
refused new "alter table order_lines modify sku varchar(64) collate utf8mb4_general_ci" "column sku of a unique key compares as utf8mb4_general_ci" \
    "ALTER TABLE orders.order_lines MODIFY \`sku\` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;"
pg_sql mono shop "insert into order_lines values (1, 1, 'a'), (1, 2, 'a ')"
exits 0 "without padding, trailing spaces are told apart" preflight
my_sql orders orders "alter table order_lines modify sku varchar(64) collate utf8mb4_bin"
check "with padding they are not" says "(order_id, line_no)=(1, 2): column sku of a unique key ends in a space" "$(preflight --show-values)"
check "also without the scan" says "public.order_lines: column sku of a unique key has values that end in a space" \
    "$("$FICUS" cdc preflight --quick --context orders -f "$FX_DIR/ficus.yaml" 2>&1)"
pg_sql mono shop "insert into order_lines select 2, g, 'x' || g || ' ' from generate_series(1, 50) g"
told=$(preflight --show-values)
check "the first rows of many are shown" says "(order_id, line_no)=(2, 2): column sku" "$told"
check "and the others counted" says "public.order_lines: 48 more rows have such values in column sku" "$told"
pg_sql mono shop "delete from order_lines where order_id = 2"
pg_sql mono shop "delete from order_lines; drop index u"
my_sql orders orders "alter table order_lines drop index k"
# Rows that the old side takes for one, and the new side keeps apart.
pg_sql mono shop "create collation folds (provider = icu, locale = 'und-u-ks-level2', deterministic = false); create unique index u on order_lines (sku)"
my_sql orders orders "alter table order_lines modify sku varchar(64) collate utf8mb4_nopad_bin, add unique key k (sku)"
refused old "alter table order_lines alter column sku type varchar(64) collate folds" "column sku of a unique key compares as folds: values that differ in orders.order_lines" \
    "ALTER TABLE public.order_lines ALTER COLUMN sku TYPE character varying(64) COLLATE \"C\";"
pg_sql mono shop "drop index u; create unique index u on order_lines (sku collate folds)"
check "an index may fold what its column does not" says "column sku of a unique key compares as folds" "$(preflight)"
pg_sql mono shop "drop index u; alter table order_lines alter column sku type varchar(64) collate folds; create unique index u on order_lines (sku collate \"C\")"
check "and a column what its index does not: rows are found by it" says "column sku of a unique key compares as folds" "$(preflight)"
pg_sql mono shop "alter table order_lines alter column sku type char(10) collate \"C\""
check "nor does char tell trailing spaces apart" says "column sku of a unique key has type character(10), which ignores trailing spaces" "$(preflight)"
my_sql orders orders "alter table order_lines modify sku char(10) collate utf8mb4_nopad_bin"
exits 0 "char on both sides does not either" preflight
pg_sql mono shop "drop index u; alter table order_lines alter column sku type varchar(64) collate folds; create unique index u on order_lines (sku);
    insert into order_lines values (1, 1, 'a ')"
my_sql orders orders "alter table order_lines modify sku varchar(64) collate utf8mb4_bin"
told=$("$FICUS" cdc preflight --quick --context orders -f "$FX_DIR/ficus.yaml" 2>&1)
check "where the old side folds and the new one pads, without the scan: the one is told" says "column sku of a unique key compares as folds" "$told"
check "and so is the other" says "public.order_lines: column sku of a unique key has values that end in a space" "$told"
pg_sql mono shop "delete from order_lines"
pg_sql mono shop "drop index u; alter table order_lines alter column sku type varchar(64); drop collation folds"
my_sql orders orders "alter table order_lines drop index k, modify sku varchar(64) collate utf8mb4_bin"
refused old "alter table order_lines drop constraint order_lines_pkey, add constraint pk primary key (order_id, line_no) deferrable" "constraint pk is DEFERRABLE" \
    "ALTER TABLE public.order_lines DROP CONSTRAINT pk, ADD CONSTRAINT pk PRIMARY KEY (\"order_id\", \"line_no\");"
my_sql orders orders "alter table order_lines add unique key (sku)"
refused old "alter table order_lines add constraint u unique (sku) deferrable" "constraint u is DEFERRABLE" \
    "ALTER TABLE public.order_lines DROP CONSTRAINT u, ADD CONSTRAINT u UNIQUE (\"sku\");"
pg_sql mono shop "alter table order_lines drop constraint u"
my_sql orders orders "alter table order_lines drop index sku"
refused old "alter table order_lines add constraint e exclude using btree (qty with =)" "exclusion constraint e has no counterpart" ""
pg_sql mono shop "alter table order_lines drop constraint e"

# --- partitioned on both sides: carried ------------------------------------------------------------------------------------
pg_sql mono shop "drop table order_lines; create table order_lines(order_id bigint, line_no integer, sku varchar(64), qty integer,
    primary key (order_id, line_no)) partition by range (order_id);
    create table lines_0 partition of order_lines for values from (0) to (1000);
    create table lines_1 (qty integer, sku varchar(64), line_no integer not null, order_id bigint not null);
    alter table order_lines attach partition lines_1 for values from (1000) to (2000)"
my_sql orders orders "drop table order_lines; create table order_lines(order_id bigint, line_no int, sku varchar(64), qty int,
    primary key (order_id, line_no)) partition by hash (order_id) partitions 3"
refused old "alter table lines_1 replica identity nothing" "partition public.lines_1 has another replica identity" "ALTER TABLE public.lines_1 REPLICA IDENTITY DEFAULT;"
# Foreign keys to tables outside of the context, whose rows the other side lacks: the source has asked, the target does not.
pg_sql mono shop "create table buyers (name varchar(64) primary key); insert into buyers values ('ann');
    alter table orders add foreign key (customer) references buyers on delete cascade deferrable initially deferred"
my_sql orders orders "create table buyers (name varchar(64) primary key); insert into buyers values ('bob');
    alter table customer_orders add foreign key (customer) references buyers (name)"
pg_sql mono shop "insert into orders(id, customer) values (1, 'ann');
    insert into order_lines select g, 1, 's', g from generate_series(0, 1999) g"
exits 0 "both streams start" start
check "live" until_ok 30 streams_phase reverse stream
pg_sql mono shop "insert into orders(id, customer) values (2, 'ann'); insert into order_lines values (5, 2, 'x', 1), (1005, 2, 'y', 1); update lines_1 set qty = 7 where order_id = 1006; delete from order_lines where order_id in (3, 1003);
    create table public.lines_2 partition of order_lines for values from (2000) to (3000); alter table order_lines detach partition lines_2;
    alter table order_lines attach partition lines_2 for values from (2000) to (3000);
    insert into lines_2 values (2001, 1, 'new', 1); update order_lines set order_id = 2002 where order_id = 7;
    update order_lines set qty = 9 where order_id = 2001" # attached with rows: see 2430
streams_caught_up
streams_same "what goes into partitions, and from one to another, arrives"
my_sql orders orders "insert into customer_orders(id, customer) values (3, 'bob'); insert into order_lines values (8, 3, 'b', 1), (2008, 3, 'b', 2); update order_lines set order_id = 2009 where order_id = 9; delete from order_lines where order_id = 1010"
streams_probe_back
streams_same "and goes back"
same "into its partition" 2009 "$(pg_sql mono shop "select order_id from lines_2 where order_id = 2009")"

# --- again at the start of a stream -------------------------------------------------------------------------------------------
my_sql orders orders "set sql_log_bin = 0; create trigger audit before insert on order_lines for each row set new.sku = 'changed'" # else the reverse stream stops at the DDL
told=$(restarted forward)
check "a trigger that came later stops the stream when it starts" says "trigger audit would fire" "$told"
check "with the statement" says "DROP TRIGGER orders.audit;" "$told"
my_sql orders orders "set sql_log_bin = 0; drop trigger audit"
pg_sql mono shop "create trigger f before insert on lines_1 for each row execute function f(); alter table lines_1 enable always trigger f"
told=$(restarted reverse)
check "on a partition too" says "trigger f of public.lines_1 is enabled ALWAYS" "$told"
pg_sql mono shop "drop trigger f on lines_1"
exits 0 "mended, it starts" start
check "and lives" until_ok 30 streams_phase reverse stream
streams_caught_up
streams_same "nothing was changed on the way"
fx_done
