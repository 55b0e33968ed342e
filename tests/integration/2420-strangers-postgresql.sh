#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# seconds: 20
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
plain() { PGOPTIONS="-c search_path=pg_catalog,public" pg_sql mono shop "$1"; }
admin=$(fx_free_port)
sed -i -e "s,listen: .*,listen: [{address: \"127.0.0.1:$(fx_free_port)\"}]," -e "s,admin: {.*,admin: {address: \"127.0.0.1:$admin\"}," "$FX_DIR/ficus.yaml"
fx_spawn facade "$FX_DIR/facade.log" "$FICUSD" -f "$FX_DIR/ficus.yaml"
fx_wait_listen facade "$admin" || not_ok "the facade listens"
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
fx_done
