#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# seconds: 45
# Strangers in PostgreSQL: a role that may create functions in a schema that everybody searches. Nothing of theirs ever runs
# as the user of Ficus, whatever command runs.
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
streams_tables
pg_sql mono shop "create role mallory login; grant create, usage on schema public to mallory; create schema loot authorization mallory"
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
says_not() { case $2 in *"$1"*) printf 'in: %s\n' "$2"; return 1 ;; esac; }
ficus() { "$FICUS" "$@" -f "$FX_DIR/ficus.yaml"; }

# --- functions and tables that our SQL could take for the server's ---------------------------------------------------------
while read -r name _; do
    pg_sql mono shop "select 1 from pg_proc where proname = '$name' and pronamespace = 'pg_catalog'::regnamespace limit 1" | grep -q 1 ||
        not_ok "pg_catalog has the function $name, which our SQL calls"
done < <(grep ' .*pg' "$(dirname "$0")/../lint/sql.names" | grep -v '^#')
cat >"$FX_DIR/plant.sql" <<'SQL'
create table loot.ran (who text, what text);
grant insert, select on loot.ran to public; grant usage on schema loot to public;
-- A better match than the server's own is called, wherever its schema is searched. Here: every argument of type name, "char",
-- oid, integer or cstring where the server's takes text, and operators of the same kind.
do $$
declare f record;
begin
    for f in select * from (values ('quote_ident', 'name', 'text', '''x'''), ('string_agg', 'name, text', 'text', '''x'''),
            ('current_setting', 'name', 'text', '''x'''), ('has_table_privilege', 'oid, name', 'boolean', 'true'),
            ('to_regclass', 'name', 'regclass', 'null'), ('split_part', 'text, name, integer', 'text', '''x'''),
            ('has_schema_privilege', 'oid, name', 'boolean', 'true'), ('hashtext', 'name', 'integer', '1'), ('concat', 'name', 'text', '''x'''),
            ('format', 'text, name, name', 'text', '''x'''), ('format', 'text, name', 'text', '''x'''), ('format', 'text, oid', 'text', '''x'''),
            ('greatest', 'real, integer', 'bigint', '1'), ('setval', 'name, bigint', 'bigint', '1'), ('ceil', 'integer', 'bigint', '1'),
            ('array_position', 'smallint[], smallint', 'integer', '1'), ('unnest', 'smallint[]', 'smallint', '1')) as v(name, args, ret, value)
    loop
        execute format('create function public.%I(%s) returns %s language plpgsql as $f$ begin
            insert into loot.ran values (current_user, %L); return %s; end $f$', f.name, f.args, f.ret, f.name, f.value);
    end loop;
end $$;
create function public.cat(text, name) returns text language plpgsql as $f$ begin insert into loot.ran values (current_user, '||'); return 'x'; end $f$;
create operator public.|| (leftarg = text, rightarg = name, function = public.cat);
create function public.same(name, text) returns boolean language plpgsql as $f$ begin insert into loot.ran values (current_user, '='); return true; end $f$;
create operator public.= (leftarg = name, rightarg = text, function = public.same);
SQL
PG_USER=mallory pg_file mono shop "$FX_DIR/plant.sql" || not_ok "the traps are set"
pg_sql mono shop "set search_path = public; select quote_ident(rolname) from pg_roles limit 1" >/dev/null
same "a session that searches public steps into them" t "$(pg_sql mono shop "select count(*) > 0 from loot.ran")"
pg_sql mono shop "truncate loot.ran; alter role ficus set search_path = public, pg_catalog; alter database shop set search_path = public, pg_catalog"
plain() { PGOPTIONS="-c search_path=pg_catalog,public -c client_min_messages=warning" pg_sql mono shop "$1"; }
port=$(fx_free_port)
sed -i -e "s,listen: .*,listen: [{address: \"127.0.0.1:$port\"}]," "$FX_DIR/ficus.yaml"
fx_spawn facade "$FX_DIR/facade.log" "$FICUSD" -f "$FX_DIR/ficus.yaml"
fx_wait_listen facade "$port" || not_ok "the facade listens"
printf '%s\n' 'apiVersion: ficus/v1' 'kind: Migration' 'metadata: {name: whole}' 'context: orders' 'steps:' \
    '  - {id: copy, do: stream.start, undo: stream.drop}' \
    '  - {id: equal, do: reconcile, gate: {divergent: 0, coverage: 100%, max_age: 30m}}' \
    '  - {id: rehearse, do: cutover.rehearse}' \
    '  - {id: cutover, do: cutover, undo: cutover.fallback}' \
    '  - {id: back, do: cutover.fallback, undo: cutover}' >"$FX_DIR/whole.yaml"
plain "insert into public.orders(id, total) select g, g from generate_series(1, 100) g"
exits 0 "the preflight passes" ficus cdc preflight --context orders
exits 0 "a whole migration and its way back" "$FICUS" run start "$FX_DIR/whole.yaml" --execute -f "$FX_DIR/ficus.yaml"
exits 0 "the status is shown" ficus status
exits 0 "and its end" "$FICUS" run rollback whole --execute -f "$FX_DIR/ficus.yaml"
fx_stop facade
same "nothing of theirs ran" "" "$(plain "select distinct who || ' ran ' || what from loot.ran")"

# --- a schema that somebody made before -------------------------------------------------------------------------------------
# plant TEXT SQL NAMED: the schema is as SQL leaves it; every command refuses it, names NAMED, runs nothing and advises no GRANT.
plain "drop schema if exists ficus cascade; truncate loot.ran"
my_sql orders orders "drop database if exists ficus; delete from customer_orders"
PG_USER=mallory pg_sql mono shop "create function loot.trap() returns trigger language plpgsql as
    'begin insert into loot.ran values (current_user, tg_name); return new; end'; create function loot.yes(text) returns boolean language plpgsql as
    'begin insert into loot.ran values (current_user, \$\$check\$\$); return true; end';
    create function loot.same(text, text) returns text language sql as 'select null::text'"
asked=
refuses() { # NAMED
    local told command status=0
    local commands=("cdc preflight --context orders" "cdc start --context orders --execute" "cutover start --context orders --execute --confirm orders" "upgrade"
        "upgrade --execute" "cdc drop --context orders --execute --confirm=orders")
    [ -z "$asked" ] || commands=("cdc start --context orders --execute") # every command with the first one
    asked=yes
    for command in "${commands[@]}"; do
        # shellcheck disable=SC2086
        told=$(ficus $command 2>&1) && { echo "passes: $command"; status=1; }
        says "$1" "$told" || { echo "in: $command"; status=1; }
        says_not "GRANT" "$told" || status=1
        says_not "nternal" "$told" || status=1
    done
    says "in database \"mono\" something of Ficus is not as Ficus made it" "$(ficus status 2>&1)" || { echo "in: status"; status=1; }
    [ -z "$(plain "select * from loot.ran")" ] || { echo "theirs ran: $(plain "select * from loot.ran")"; status=1; }
    return $status
}
plant() {
    plain "drop schema if exists ficus cascade; truncate loot.ran; $2"
    refuses "$3" >"$FX_DIR/refused" 2>&1 && ok "$1" || not_ok "$1: $(cat "$FX_DIR/refused")"
    [ "${4:-}" = "no statement" ] || check "$1: and what it prints mends it" mends
}
# mends TEXT: the statements that the error names, one after the other, lead to a database that is accepted.
statement() { sed -n 's/.* as an administrator: \(.*;\) Drop no table of schema ficus and not its function fence: .*/\1/p' <<<"$1"; }
mends() {
    local told sql i
    for i in $(seq 1 40); do
        told=$(ficus upgrade 2>&1)
        case $told in *"something of Ficus is not as"*) ;; *) return 0 ;; esac
        sql=$(statement "$told")
        case $sql in "" | *"DROP TABLE"* | *"ficus.fence() CASCADE"* | *"DROP FUNCTION"*) break ;; esac
        plain "$sql" >"$FX_DIR/mend" 2>&1 || break
    done
    printf 'try %s: %s\n%s\n' "$i" "$told" "$(cat "$FX_DIR/mend")"
    return 1
}
own="create table ficus.own (grp text primary key, state text, epoch bigint, until timestamptz, operator text)"
plant "a schema of somebody else is refused" "create schema ficus authorization mallory" "schema ficus belongs to role mallory"
plant "and a table in ours" "create schema ficus; set role mallory; reset role; create table ficus.own (); alter table ficus.own owner to mallory" \
    "ficus.own belongs to role mallory"
plant "and a view" "create schema ficus; create table ficus.progress (stream text); create view ficus.version as select 1 as one, 2 as version from (select loot.yes('')) as y" \
    "ficus.version is not a plain table"
plant "and a schema in which others may create" "create schema ficus; grant create on schema ficus to mallory" "role mallory may create objects in schema ficus"
plant "and a trigger" "create schema ficus; $own; create trigger t before insert or update or delete on ficus.own for each row execute function loot.trap()" \
    "trigger t is on ficus.own"
plant "and a rule" "create schema ficus; $own; create rule r as on update to ficus.own do also insert into loot.ran values (current_user, 'rule')" "rule r is on ficus.own"
plant "and a policy" "create schema ficus; $own; alter table ficus.own enable row level security; create policy p on ficus.own using (loot.yes(grp))" "policy p is on ficus.own"
plant "and a default" "create schema ficus; $own; alter table ficus.own alter operator set default loot.yes('')::text" "default value for column operator"
plant "and a check" "create schema ficus; $own; alter table ficus.own add constraint c check (loot.yes(grp)) not valid" "constraint c on table ficus.own uses function loot.yes"
plant "and a domain" "create domain loot.d as text check (loot.yes(value)); create schema ficus; create table ficus.own (grp loot.d primary key)" "uses type loot.d" "no statement"
plain "drop domain loot.d cascade"
plant "and an index that computes" "create schema ficus; $own; create index i on ficus.own ((lower(grp)))" "index ficus.i computes what it holds"
plant "and a partitioned table" "create schema ficus; create table ficus.progress (stream text) partition by list (stream)" "ficus.progress is not a plain table" "no statement"
plant "and a table that has a child" "create schema ficus; $own; create table loot.child () inherits (ficus.own)" "ficus.own is not a plain table"
plain "drop table loot.child"
plant "and one that is a child" "create schema ficus; create table loot.parent (grp text); create table ficus.own () inherits (loot.parent)" "ficus.own inherits from another table"
plain "drop schema ficus cascade; drop table loot.parent"
plant "and a schema in which everybody may create" "create schema ficus; grant create on schema ficus to public" "role PUBLIC may create objects in schema ficus"
plant "and a type and an operator" "create schema ficus; create domain ficus.d as text; create type ficus.e as enum ('x');
    create operator ficus.+ (leftarg = text, rightarg = text, function = loot.same)" "operator ficus.+(text,text) is in schema ficus"
plant "and a fence function of somebody else" "create schema ficus; create function ficus.fence() returns trigger language plpgsql as 'begin return null; end';
    alter function ficus.fence() owner to mallory" "function ficus.fence belongs to role mallory"
plant "and one that runs with the customer's rights" "create schema ficus; create function ficus.fence() returns trigger language plpgsql as 'begin return null; end'" \
    "function ficus.fence is not as Ficus creates it"
plant "and another function" "create schema ficus; create function ficus.fence(int) returns int language sql as 'select 1'" "function ficus.fence(integer) is in schema ficus"
plant "and a publication of somebody else" "create publication ficus_orders; alter publication ficus_orders owner to mallory" "publication ficus_orders belongs to role mallory"
plain "drop publication ficus_orders"
plain "select pg_create_logical_replication_slot('ficus_orders', 'test_decoding')" >/dev/null
plant "and a slot that decodes in another way" "select 1" "replication slot ficus_orders decodes with test_decoding"
plain "select pg_drop_replication_slot('ficus_orders')"
plant "and an event trigger whose function a stranger may replace" "create function loot.ev() returns event_trigger language plpgsql as 'begin end';
    alter function loot.ev() owner to mallory; create event trigger ev on ddl_command_end execute function loot.ev()" "event trigger ev runs loot.ev()"
plain "drop event trigger ev; drop schema if exists ficus cascade; truncate loot.ran; delete from public.orders"
my_sql orders orders "delete from customer_orders; delete from order_lines"
exits 0 "without them it starts" ficus cdc start --context orders --execute
check "and streams" until_ok 30 streams_phase reverse stream
plain "create trigger late before update on ficus.progress for each row execute function loot.trap()"
ficus cdc stop --context orders --execute >/dev/null
check "one that comes later is refused by the next start" says "trigger late is on ficus.progress" "$(ficus cdc start --context orders --execute 2>&1)"
same "nothing of theirs ran" "" "$(plain "select * from loot.ran")"

# --- code of the tables themselves ---------------------------------------------------------------------------------------------
# The owner of a table attaches functions that he may replace at any time; they would run in the reverse applier.
# --- what is Ficus's own, after a restore without its owners ----------------------------------------------------------------------
plain "drop trigger late on ficus.progress"
same "ownership is installed" installed "$("$FX_BUILD/tests/integration/fence_tool" "$FX_DIR/ficus.yaml" orders install 2>&1 | tail -n 1)"
rows="select (select count(*) from ficus.own), (select count(*) from ficus.progress), (select count(*) from pg_trigger where tgfoid = 'ficus.fence'::regproc)"
before=$(plain "$rows")
check "which has rows" says 2 "${before%%|*}"
plain "create role restored; alter schema ficus owner to restored; alter function ficus.fence() owner to restored; alter function ficus.fence() reset all"
for table in $(plain "select relname from pg_class where relkind = 'r' and relnamespace = 'ficus'::regnamespace"); do plain "alter table ficus.$table owner to restored"; done
check "is refused by every command" refuses "ficus.canary belongs to role restored"
told=$(ficus status 2>&1)
check "each thing with its statement" says "[ALTER TABLE ficus.own OWNER TO ficus;]" "$(ficus cdc start --context orders --execute 2>&1)"
check "and nobody is told to remove it" says_not "remove" "$told"
check "what is printed mends it" mends
same "and removes nothing" "$before" "$(plain "$rows")"
exits 0 "the streams start" ficus cdc start --context orders --execute
ficus cdc stop --context orders --execute >/dev/null

plain "create role owner login; alter table public.orders owner to owner; create schema own authorization owner; grant create on schema public to owner"
attach() { # TEXT SQL NAMED
    PG_USER=owner pg_sql mono shop "set client_min_messages = warning; $2" || not_ok "$1 is attached"
    told=$(ficus cdc preflight --context orders 2>&1) && not_ok "$1 is found by the preflight"
    check "$1 is found by the preflight" says "$3" "$told"
    check "and stops a start" says "$3" "$(ficus cdc start --context orders --execute 2>&1)"
    PG_USER=owner pg_sql mono shop "$4"
}
PG_USER=owner pg_sql mono shop "create function own.evil(text) returns boolean language plpgsql immutable as
    'begin if current_user = ''ficus'' then alter role owner superuser; end if; return true; end'"
called="calls function own.evil(text) of role owner, which could do anything that user ficus may"
attach "a check" "alter table public.orders add constraint evil check (own.evil(note)) not valid" "constraint evil on table public.orders of table public.orders $called" \
    "alter table public.orders drop constraint evil"
attach "a default" "alter table public.orders alter paid set default own.evil('')" "default value for column paid" "alter table public.orders alter paid drop default"
attach "an index" "create index evil on public.orders (own.evil(note))" "index public.evil of table public.orders $called" "drop index public.evil"
attach "a predicate" "create index evil on public.orders (id) where own.evil(note)" "index public.evil" "drop index public.evil"
attach "a policy" "create policy evil on public.orders using (own.evil(note)); alter table public.orders enable row level security" "policy evil on table public.orders" \
    "drop policy evil on public.orders; alter table public.orders disable row level security"
attach "a domain" "create domain own.d as varchar(64) check (own.evil(value)); alter table public.orders alter customer type own.d" "$called" \
    "alter table public.orders alter customer type varchar(64); drop domain own.d"
PG_USER=owner pg_sql mono shop "alter table public.orders add constraint evil check (own.evil(note)) not valid"
check "the statement that it prints" says "ALTER FUNCTION own.evil(text) OWNER TO ficus;" "$(ficus cdc preflight --context orders 2>&1)"
plain "alter function own.evil(text) owner to ficus"
exits 0 "makes it one that only the user may replace" ficus cdc preflight --context orders
check "a superuser is warned" says 'warning: database "mono": user ficus is a superuser' "$(ficus cdc preflight --context orders 2>&1)"
same "nobody became one" f "$(plain "select rolsuper from pg_roles where rolname = 'owner'")"
fx_done
