-- Rights of a PostgreSQL user that does nothing but apply: what it lacks, and what it must not have. Code that an owner attaches to
-- a table runs in the applier's session, may end any SET ROLE, and so has every right of the session's login and of each role
-- that it is a member of, inherited or not. Rights on the tables themselves: see rights.sql. In the session of the applier.
-- $1 schemas of the tables as an array, $2 their names. Rights: none. One row a finding: what, fix. PostgreSQL 14+.
with me as (
    select r.oid, r.rolname, quote_ident(r.rolname) as id, r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication
      from pg_roles r where r.rolname = current_user
), t as (
    select c.oid, c.relowner, n.oid as nsp, quote_ident(n.nspname) as schema, format('%I.%I', n.nspname, c.relname) as name
      from unnest(cast(? as text[]), cast(? as text[])) as x(s, r)
      join pg_namespace n on n.nspname = x.s
      join pg_class c on c.relnamespace = n.oid and c.relname = x.r
), ours as (
    select c.oid, c.relname, 'ficus.' || quote_ident(c.relname) as name, c.relacl, n.nspowner
      from pg_namespace n join pg_class c on c.relnamespace = n.oid and c.relkind = 'r'
     where n.nspname = 'ficus'
), given as ( -- what cdc_pg_grant gives beyond SELECT (cdc/pg/applier.c); col null: on the whole table
    values ('progress', 'UPDATE', 'position'), ('progress', 'UPDATE', 'ordinal'), ('progress', 'UPDATE', 'phase'),
           ('barrier', 'INSERT', null), ('barrier', 'UPDATE', 'grp'), ('leak', 'INSERT', null),
           ('canary', 'INSERT', null), ('canary', 'UPDATE', null), ('canary', 'DELETE', null),
           ('dead', 'INSERT', null), ('dead', 'UPDATE', null), ('dead', 'DELETE', null)
), held as ( -- by any role, on a table or on one of its columns
    select o.oid, a.grantee, a.privilege_type, null::name as col from ours o, aclexplode(o.relacl) as a
    union all
    select o.oid, a.grantee, a.privilege_type, t.attname
      from ours o join pg_attribute t on t.attrelid = o.oid and t.attnum > 0 and not t.attisdropped, aclexplode(t.attacl) as a
), excess as ( -- of one role on one table
    select r.oid, r.relname, r.name, r.grantee, string_agg(r.right_, ', ' order by r.right_) as rights, bool_or(r.right_ = 'UPDATE') as is_whole_update
      from (select o.oid, o.relname, o.name, h.grantee,
                   h.privilege_type || coalesce(' (' || string_agg(distinct quote_ident(h.col), ', ' order by quote_ident(h.col)) || ')', '') as right_
              from held h join ours o on o.oid = h.oid
             where h.privilege_type <> 'SELECT'
               and not exists (select 1 from given as g(tbl, right_, col)
                                where g.tbl = o.relname and g.right_ = h.privilege_type and (g.col is null or g.col = h.col))
             group by o.oid, o.relname, o.name, h.grantee, h.privilege_type, h.col is null) as r
     group by r.oid, r.relname, r.name, r.grantee
), member as ( -- of r, by way of via
    select r.oid, r.rolname, quote_ident(r.rolname) as id, quote_ident(via.rolname) as via,
           r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolreplication as is_strong
      from me join pg_auth_members m on m.member = me.oid join pg_roles via on via.oid = m.roleid
      join pg_roles r on r.oid <> me.oid and pg_has_role(via.oid, r.oid, 'MEMBER')
)
select 'apply_user ' || id || ' may not use schema ' || string_agg(distinct schema, ', '),
       'GRANT USAGE ON SCHEMA ' || string_agg(distinct schema, ', ') || ' TO ' || id || ';'
  from me, t
 where not has_schema_privilege(nsp, 'USAGE')
 group by id
union all
select 'apply_user ' || id || ' may not ' || missing || ' on ' || string_agg(name, ', ' order by name),
       'GRANT ' || missing || ' ON TABLE ' || string_agg(name, ', ' order by name) || ' TO ' || id || ';'
  from me, t
 cross join lateral (select string_agg(p, ', ' order by n)
                       from unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) with ordinality as x(p, n)
                      where not has_table_privilege(t.oid, p)) as m(missing)
 where missing is not null
 group by id, missing
union all
select 'row level security would refuse what apply_user ' || id || ' writes to ' || string_agg(name, ', ' order by name),
       'ALTER ROLE ' || id || ' BYPASSRLS;'
  from me, t
 where row_security_active(t.oid)
 group by id
union all
select 'apply_user ' || id || ' may not mark its writes with the replication origin of Ficus',
       'GRANT EXECUTE ON FUNCTION pg_replication_origin_session_setup(text) TO ' || id || ';'
  from me
 where not has_function_privilege('pg_catalog.pg_replication_origin_session_setup(text)', 'EXECUTE')
union all
select 'apply_user ' || id || ' has ' || a.right_ || ', and code that somebody attaches to a table would have it too',
       'ALTER ROLE ' || id || ' NO' || a.right_ || ';'
  from me, lateral (values ('SUPERUSER', rolsuper), ('CREATEROLE', rolcreaterole), ('CREATEDB', rolcreatedb),
                           ('REPLICATION', rolreplication)) as a(right_, has_it)
 where a.has_it
union all
select 'apply_user ' || me.id || ' becomes another role, ' || quote_ident(session_user) || ', whose rights would remain to code of others',
       'ALTER ROLE ' || quote_ident(session_user) || ' RESET role;'
  from me
 where session_user <> current_user
union all
select 'apply_user ' || me.id || ' is a member of ' || m.id || case when m.via <> m.id then ' by way of ' || m.via else '' end || ', ' ||
       case when m.is_strong then 'which administers the server'
            when m.rolname like 'pg\_%' then 'which reaches beyond the tables'
            when m.oid in (select nspowner from ours) then 'which owns schema ficus'
            when m.oid in (select grantee from excess) then
                 'which may ' || (select string_agg(e.rights || ' on ' || e.name, ', ' order by e.name) from excess e where e.grantee = m.oid)
            else 'which owns ' || (select string_agg(name, ', ' order by name) from t where t.relowner = m.oid) end,
       'REVOKE ' || m.via || ' FROM ' || me.id || ';'
  from me, member m
 where not me.rolsuper and (m.is_strong or m.rolname like 'pg\_%' or m.oid in (select nspowner from ours) or m.oid in (select grantee from excess)
        or m.oid in (select relowner from t))
union all
select 'apply_user ' || id || ' owns ' || string_agg(name, ', ' order by name) || ', and code of others would be able to disable its fence',
       'ALTER TABLE ' || min(name) || ' OWNER TO ROLE_OF_THE_APPLICATION;'
  from me, t
 where t.relowner = me.oid
 group by id
union all
select 'apply_user ' || me.id || case e.grantee when 0 then ', as everybody,' else '' end || ' may ' || e.rights || ' on ' ||
       string_agg(e.name, ', ' order by e.name) || ', and does not need that',
       -- A REVOKE on a table takes the right on single columns too: what the applier needs of it is given again.
       'REVOKE ' || e.rights || ' ON ' || string_agg(e.name, ', ' order by e.name) || ' FROM ' || case e.grantee when 0 then 'PUBLIC' else me.id end || ';' ||
       coalesce(string_agg(' GRANT UPDATE (' || again.columns || ') ON ' || e.name || ' TO ' || me.id || ';', '' order by e.name)
                    filter (where e.is_whole_update and e.grantee <> 0), '')
  from me join excess e on e.grantee in (0, me.oid)
  left join lateral (select string_agg(g.col, ', ') as columns from given as g(tbl, right_, col)
                      where g.tbl = e.relname and g.right_ = 'UPDATE' and g.col is not null) as again on true
 where not rolsuper
 group by me.id, e.grantee, e.rights
 order by 1
