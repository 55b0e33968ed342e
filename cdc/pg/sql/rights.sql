-- What the user must be allowed to do on the PostgreSQL side: copy and capture, apply the reverse stream, publish, fence, and keep
-- Ficus's own tables. Only asks. One row a finding: what is missing, the statement that grants it.
-- What of Ficus's own belongs to somebody else is not asked here: that is no right that is missing (lib/ownership/schema.h).
-- $1 schemas of the tables as an array, $2 their names, $3 rights on them, $4 functions: fewer where another user applies.
-- Rights: none. PostgreSQL 14+.
with me as (
    select quote_ident(current_user) as id
), t as (
    select c.oid, c.relowner, n.oid as nsp, quote_ident(n.nspname) as schema, format('%I.%I', n.nspname, c.relname) as name
      from unnest(cast(? as text[]), cast(? as text[])) as x(s, r)
      join pg_namespace n on n.nspname = x.s
      join pg_class c on c.relnamespace = n.oid and c.relname = x.r
), own_sequences as (
    select distinct s.oid, s.oid::regclass::text as name
      from t
      join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid and d.classid = 'pg_class'::regclass
           and d.deptype in ('a', 'i')
      join pg_class s on s.oid = d.objid and s.relkind = 'S'
)
select 'user ' || id || ' may not replicate', 'ALTER ROLE ' || id || ' REPLICATION;'
  from me
 where not (select rolsuper or rolreplication from pg_roles where rolname = current_user)
union all
select 'user ' || id || ' may not use schema ' || string_agg(distinct schema, ', '),
       'GRANT USAGE ON SCHEMA ' || string_agg(distinct schema, ', ') || ' TO ' || id || ';'
  from me, t
 where not has_schema_privilege(nsp, 'USAGE')
 group by id
union all
select 'user ' || id || ' may not ' || missing || ' on ' || string_agg(name, ', ' order by name),
       'GRANT ' || missing || ' ON TABLE ' || string_agg(name, ', ' order by name) || ' TO ' || id || ';'
  from me, t
 cross join lateral (select string_agg(p, ', ' order by n)
                       from unnest(cast(? as text[])) with ordinality as x(p, n)
                      where not has_table_privilege(t.oid, p)) as m(missing)
 where missing is not null
 group by id, missing
union all
select 'user ' || id || ' may not read and raise ' || string_agg(name, ', ' order by name),
       'GRANT SELECT, UPDATE ON SEQUENCE ' || string_agg(name, ', ' order by name) || ' TO ' || id || ';'
  from me, own_sequences
 where not (has_sequence_privilege(oid, 'SELECT') and has_sequence_privilege(oid, 'UPDATE'))
 group by id
union all
select 'user ' || id || ' does not act for ' || quote_ident(r.rolname) || ', the owner of '
       || string_agg(name, ', ' order by name) || '; only the owner publishes and fences a table',
       case when pg_has_role(r.oid, 'MEMBER') then 'ALTER ROLE ' || id || ' INHERIT;'
            else 'GRANT ' || quote_ident(r.rolname) || ' TO ' || id || ';' end
  from me, t join pg_roles r on r.oid = t.relowner
 where not pg_has_role(t.relowner, 'USAGE')
 group by id, r.rolname, r.oid
union all
select 'user ' || id || ' may not create schema ficus and a publication in database ' || quote_ident(current_database()),
       'GRANT CREATE ON DATABASE ' || quote_ident(current_database()) || ' TO ' || id || ';'
  from me
 where not has_database_privilege(current_database(), 'CREATE')
union all
select 'user ' || id || ' may not create the replication origin that marks the writes of Ficus',
       'GRANT EXECUTE ON FUNCTION ' || string_agg(f, ', ') || ' TO ' || id || ';'
  from me, unnest(cast(? as text[])) as x(f)
 where not has_function_privilege('pg_catalog.' || f, 'EXECUTE')
 group by id
union all
select 'user ' || id || ' may not see how old other users'' transactions are, which a fence asks before it waits for them',
       'GRANT pg_read_all_stats TO ' || id || ';'
  from me
 where not pg_has_role('pg_read_all_stats', 'USAGE')
