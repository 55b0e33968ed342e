#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# seconds: 30
# Rows are applied by a user who may do nothing else (databases.NAME.apply_user). The owner of a table attaches code of every kind
# while the streams run: whatever runs has the rights of that user, and what decides who may write is out of its reach.
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
streams_tables
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
says_not() { case $2 in *"$1"*) printf 'in: %s\n' "$2"; return 1 ;; esac; }
ficus() { "$FICUS" "$@" -f "$FX_DIR/ficus.yaml"; }
plain() { PGOPTIONS="-c search_path=pg_catalog,public -c client_min_messages=warning" pg_sql mono shop "$1"; }
owner() { PG_USER=owner pg_sql mono shop "set client_min_messages = warning; $1"; }

test_arrived() { [ "$(my_sql orders orders "select note from customer_orders where id = 5001")" = "behind the fence" ]; }

# --- one user, as before: works, and is told --------------------------------------------------------------------------------
check "one user for everything is warned" says 'user ficus applies rows as well' "$(ficus cdc preflight --context orders 2>&1)"
cp "$FX_DIR/ficus.yaml" "$FX_DIR/one.yaml"
sed -i -e 's,^\(  mono: .*\)}$,\1\, apply_user: applier},' -e 's,^\(  orders: {url: "mysql.*\)}$,\1\, apply_user: applier},' "$FX_DIR/ficus.yaml"
same "the project names two appliers" 2 "$(grep -c apply_user "$FX_DIR/ficus.yaml")"
check "the operator's own name is refused" says 'apply_user must be another user' \
    "$(sed 's/apply_user: applier/apply_user: ficus/' "$FX_DIR/ficus.yaml" >"$FX_DIR/same.yaml"; "$FICUS" cdc preflight --context orders -f "$FX_DIR/same.yaml" 2>&1)"
check "an apply_user that does not exist is named" says 'checking apply_user "applier" of database "mono"' "$(ficus cdc preflight --context orders 2>&1)"

# --- the rights: what is missing is named with its GRANT, and so is what is too much ---------------------------------------------
plain "create role applier login; create role owner login; create role strong createrole; alter table public.orders owner to owner;
    alter table public.order_lines owner to owner; grant create on schema public to owner; create schema own authorization owner"
my_sql orders mysql "create user applier; create role strong"
told=$(ficus cdc preflight --context orders 2>&1)
check "missing rights on tables are named" says "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.order_lines, public.orders TO applier;" "$told"
check "and the origin" says "GRANT EXECUTE ON FUNCTION pg_replication_origin_session_setup(text) TO applier;" "$told"
check "and the setting" says "GRANT SET ON PARAMETER session_replication_role TO applier;" "$told"
check "and who may not connect, says why" says "orders: apply_user applier: could not connect" "$told"
my_sql orders mysql "grant select on orders.* to applier"
told=$(ficus cdc preflight --context orders 2>&1)
check "and those of MariaDB" says "GRANT INSERT, UPDATE, DELETE ON \`orders\`.* TO \`applier\`@\`%\`;" "$told"
fixes() { ficus cdc preflight --context orders 2>&1 | sed -n 's/^ *\(detail:\)\{0,1\} *\(mono\|orders\): .*apply_user.* \[\(.*;\)\]$/\2 \3/p'; }
mend() {
    local database sql
    while read -r database sql; do
        if [ "$database" = mono ]; then plain "$sql"; else my_sql orders orders "$sql"; fi || not_ok "what is printed can be typed: $sql"
    done < <(fixes)
}
mend
exits 0 "typed as printed, the preflight passes" ficus cdc preflight --context orders
check "and warns no more of one user" says_not "applies rows as well" "$(ficus cdc preflight --context orders 2>&1)"
too_much() { # TEXT DATABASE GRANT
    if [ "$2" = mono ]; then plain "$3"; else my_sql orders orders "$3"; fi
    told=$(ficus cdc preflight --context orders 2>&1) && not_ok "$1 is too much"
    check "$1 is too much" says "apply_user" "$told"
    mend
    exits 0 "and is taken back as printed" ficus cdc preflight --context orders
}
too_much "a superuser" mono "alter role applier superuser"
too_much "REPLICATION" mono "alter role applier replication"
too_much "a strong role, even one that is not inherited" mono "alter role applier noinherit; grant strong to applier"
too_much "the owner of the tables" mono "grant owner to applier"
too_much "a role that reads files" mono "grant pg_read_server_files to applier"
too_much "a role that it is a member of by way of another" mono "create role step; grant strong to step; grant step to applier"
too_much "a right on the whole MariaDB server" orders "grant process on *.* to applier"
too_much "TRIGGER on the tables" orders "grant trigger on orders.* to applier"
too_much "EXECUTE" orders "grant execute on orders.* to applier"
too_much "all of database ficus" orders "create database if not exists ficus collate utf8mb4_bin; grant select, update on ficus.* to applier"
too_much "a role on MariaDB" orders "grant strong to applier"
too_much "passing on its rights" orders "grant select on orders.* to applier with grant option"

# --- the streams work, and what the owner attaches later runs as the applier --------------------------------------------------
plain "insert into public.orders(id, total, note) select g, g, 'x' from generate_series(1, 50) g; insert into public.order_lines values (1, 1, 'a', 1)"
exits 0 "both streams start" ficus cdc start --context orders --execute
check "the reverse one too" until_ok 30 streams_phase reverse stream

# --- in ficus it has what the start gave it, and whatever is more is named and taken back as printed, while the streams run ----------
grants() { plain "select string_agg(distinct c.relname || ' ' || a.privilege_type, ',' order by c.relname || ' ' || a.privilege_type)
    from pg_class c, aclexplode(c.relacl) a where c.relnamespace = 'ficus'::regnamespace and a.grantee = 'applier'::regrole and a.privilege_type <> 'SELECT'
    union all select string_agg(c.relname || '.' || t.attname || ' ' || a.privilege_type, ',' order by c.relname, t.attname, a.privilege_type)
    from pg_class c join pg_attribute t on t.attrelid = c.oid, aclexplode(t.attacl) a where c.relnamespace = 'ficus'::regnamespace"; }
my_grants() { my_sql orders orders "show grants for applier" | sort; }
given=$(grants)
my_given=$(my_grants)
exits 0 "what the start gave is not too much" ficus cdc preflight --context orders
too_much "every right on every table of ficus" mono "grant all on all tables in schema ficus to applier"
same "and exactly what was given is left" "$given" "$(grants)"
too_much "DELETE on the leaks, for everybody" mono "grant delete on ficus.leak to public"
too_much "who holds the context, by a column" mono "grant update (host) on ficus.controller to applier"
too_much "the epoch, by its column" mono "grant update (epoch) on ficus.progress to applier"
too_much "a right on ficus by way of a role that is not inherited" mono "grant delete on ficus.leak to step; revoke strong from step; grant step to applier"
same "and what was given is there still" "$given" "$(grants)"
too_much "DELETE on MariaDB's leaks" orders "grant delete on ficus.leak to applier"
too_much "a column of who holds the context on MariaDB" orders "grant update (host) on ficus.controller to applier"
too_much "the epoch in MariaDB, made anew" orders "grant insert, delete on ficus.progress to applier"
too_much "passing on a right in ficus" orders "grant insert on ficus.leak to applier with grant option"
same "and exactly what was given there is left" "$my_given" "$(my_grants)"
plain "create table own.ran (who text, what text); grant insert on own.ran to public; grant usage on schema own to public; alter table own.ran owner to owner"
# Whatever it can get at, it tries, and writes down as whom and with which result.
owner "create function own.evil(what text) returns boolean language plpgsql volatile as \$f\$
declare act text;
begin
    foreach act in array array['alter role owner superuser', 'alter role applier superuser', 'reset role; set role ficus', 'set session authorization ficus',
        'update ficus.own set state = ''HERE''', 'update ficus.progress set epoch = epoch + 100', 'delete from ficus.controller',
        'alter table public.orders disable trigger all', 'create table ficus.mine ()', 'copy own.ran to program ''id''',
        'create table public.by_applier ()', 'drop publication ficus_orders', 'select pg_drop_replication_slot(slot_name) from pg_replication_slots']
    loop
        begin
            execute act;
            insert into own.ran values (current_user, what || ' could: ' || act);
        exception when others then null;
        end;
    end loop;
    insert into own.ran values (current_user, what);
    return true;
end \$f\$;
create function own.evil_trigger() returns trigger language plpgsql as 'begin perform own.evil(tg_name); return new; end'"
run_by() { # TEXT PLANT WRITE UNPLANT: WRITE on the new side, while the old side is as PLANT left it
    owner "$2"
    my_sql orders orders "$3"
    streams_probe_back
    same "$1 runs as the applier" applier "$(plain "select distinct who from own.ran")"
    same "and can do nothing that matters" "" "$(plain "select what from own.ran where what like '%could%'")"
    owner "$4; truncate own.ran"
}
# The reverse stream applies what the new side writes; the fence is not installed here.
run_by "a check" "alter table public.orders add constraint evil check (own.evil('check')) not valid" "insert into customer_orders(id, note) values (1001, 'a')" \
    "alter table public.orders drop constraint evil"
owner "create function own.same(bigint) returns bigint language plpgsql immutable as 'begin perform own.evil(''index''); return \$1; end'"
run_by "an index" "create index evil on public.orders (own.same(id)); truncate own.ran" "insert into customer_orders(id, note) values (1002, 'a')" "drop index public.evil"
run_by "an index's predicate" "create index evil on public.orders (id) where own.same(id) > 0; truncate own.ran" "insert into customer_orders(id, note) values (1004, 'a')" "drop index public.evil"
run_by "a trigger for replicas" "create trigger evil before insert on public.orders for each row execute function own.evil_trigger();
    alter table public.orders enable replica trigger evil" "insert into customer_orders(id, note) values (1003, 'a')" "drop trigger evil on public.orders"
check "the reverse stream still runs" streams_phase reverse stream
exits 0 "the forward one goes on, or starts again if it looked while the trigger was there" ficus cdc start --context orders --execute

# --- a view in place of a table: reading it would run its functions as the reader ---------------------------------------------
owner "create function own.seen(text) returns text language plpgsql as 'begin perform own.evil(\$1); return \$1; end'; truncate own.ran;
    alter table public.order_lines rename to lines; create view public.order_lines as select order_id, line_no, own.seen(sku) as sku, qty from public.lines;
    grant select on public.order_lines to applier, ficus"
ficus reconcile run --context orders >/dev/null 2>&1 && not_ok "a view cannot be compared"
ficus cdc preflight --context orders >/dev/null 2>&1 && not_ok "nor be streamed"
same "nothing that the operator reads runs code" "" "$(plain "select * from own.ran")"
owner "drop view public.order_lines; alter table public.lines rename to order_lines"
# --- two owners in one context: one could write to the tables of the other ---------------------------------------------------------
owner "alter table public.orders add constraint evil check (own.evil('check')) not valid"
exits 0 "code of the one owner of all tables passes" ficus cdc preflight --context orders
plain "create role other login; alter table public.order_lines owner to other"
check "with a second owner it is named" says "which could do anything that user applier may" "$(ficus cdc preflight --context orders 2>&1)"
plain "alter table public.order_lines owner to owner"
owner "alter table public.orders drop constraint evil"

# --- the way of PostgreSQL 14, which has no GRANT SET: a superuser gives the role the value -----------------------------------------
ficus cdc stop --context orders --execute >/dev/null
plain "revoke set on parameter session_replication_role from applier; alter role applier set session_replication_role = replica"
exits 0 "ALTER ROLE … SET is enough" ficus cdc preflight --context orders
exits 0 "the streams start with it" ficus cdc start --context orders --execute
streams_probe_back
ok "and apply"
# An applier that is gone: needed only where a rehearsal left rows, and found out before anything is dropped.
ficus cdc stop --context orders --execute >/dev/null
plain "insert into ficus.canary(grp, note) values ('orders.canary', 'left'); alter role applier nologin"
told=$(ficus cdc drop --context orders --execute --confirm=orders 2>&1) && not_ok "the rows of a rehearsal need the applier"
check "a drop that needs the applier says how to do without" says "take apply_user and apply_password out of databases.mono" "$told"
same "and has dropped nothing" 1 "$(plain "select count(*) from pg_replication_slots")"
plain "delete from ficus.canary"
exits 0 "without such rows the applier is not needed" ficus cdc drop --context orders --execute --confirm=orders
plain "alter role applier login"
exits 0 "both streams start from nothing" ficus cdc start --context orders --execute --empty-target --confirm=orders
exits 0 "they are dropped by both users together" ficus cdc drop --context orders --execute --confirm=orders

# --- a whole migration and its way back: MariaDB's fence lets the applier pass --------------------------------------------------------
my_sql orders orders "delete from customer_orders; delete from order_lines"
port=$(fx_free_port)
sed -i "s,listen: .*,listen: [{address: \"127.0.0.1:$port\"}]," "$FX_DIR/ficus.yaml"
fx_spawn facade "$FX_DIR/facade.log" "$FICUSD" -f "$FX_DIR/ficus.yaml"
fx_wait_listen facade "$port" || not_ok "the facade listens"
printf '%s\n' 'apiVersion: ficus/v1' 'kind: Migration' 'metadata: {name: whole}' 'context: orders' 'steps:' \
    '  - {id: copy, do: stream.start, undo: stream.drop}' \
    '  - {id: equal, do: reconcile, gate: {divergent: 0, coverage: 100%, max_age: 30m}}' \
    '  - {id: rehearse, do: cutover.rehearse}' \
    '  - {id: cutover, do: cutover, undo: cutover.fallback}' \
    '  - {id: back, do: cutover.fallback, undo: cutover}' >"$FX_DIR/whole.yaml"
exits 0 "a whole migration and its way back" ficus run start "$FX_DIR/whole.yaml" --execute
plain "insert into public.orders(id, total, note) values (5001, 1, 'behind the fence')"
check "what is applied behind MariaDB's fence arrives" until_ok 20 test_arrived
exits 0 "and its end" ficus run rollback whole --execute
fx_stop facade
same "nobody became anything" "f f" "$(plain "select string_agg(rolsuper::text, ' ') from (select left(rolsuper::text, 1) as rolsuper from pg_roles where rolname in ('owner', 'applier')) as r")"
fx_done
