-- What makes a PostgreSQL table one that streams would carry wrongly. One row a finding: what is wrong, what fixes it.
-- $1 schemas of the context's tables as an array, $2 their names. Rights: none. PostgreSQL 14+.
--
-- The applier's session has session_replication_role = replica: ordinary triggers, rules and foreign keys do not fire for it,
-- those that are enabled ALWAYS or for REPLICA do. The publication goes by the partitioned table, so a partition's own
-- replica identity decides what its changes carry, and a child by inheritance is another table.
with recursive t as (
    select c.oid, c.relkind, c.relpersistence, c.relispartition, format('%I.%I', n.nspname, c.relname) as name
      from unnest(cast(? as text[]), cast(? as text[])) as x(s, r)
      join pg_namespace n on n.nspname = x.s
      join pg_class c on c.relnamespace = n.oid and c.relname = x.r and c.relkind in ('r', 'p')
), tree as (
    select t.oid as root, t.name as root_name, t.oid from t
    union
    select tree.root, tree.root_name, i.inhrelid from tree join pg_inherits i on i.inhparent = tree.oid
), member as (
    select tree.root, tree.root_name, c.oid, c.relkind, c.relpersistence, c.relispartition, c.relreplident,
           format('%I.%I', n.nspname, c.relname) as name
      from tree join pg_class c on c.oid = tree.oid join pg_namespace n on n.oid = c.relnamespace
)
select 'table ' || name || ' inherits from ' || root_name || ': its rows are neither copied nor streamed',
       'ALTER TABLE ' || name || ' NO INHERIT ' || root_name || ';'
  from member
 where oid <> root and not relispartition
   and (select relkind from pg_class where oid = root) = 'r'
union all
select 'table ' || t.name || ' is a partition of ' || m.root_name || ', which is in the context too: take one of them out of the context', null
  from t join member m on m.oid = t.oid and m.root <> t.oid
 where t.relispartition
union all
select name || ' is a foreign table: its changes are not in the log; take it out of the context', null
  from member where relkind = 'f'
union all
select 'table ' || name || ' is unlogged: its changes are not in the log', 'ALTER TABLE ' || name || ' SET LOGGED;'
  from member where relpersistence = 'u'
union all
select 'partition ' || name || ' has another replica identity than its primary key',
       'ALTER TABLE ' || name || ' REPLICA IDENTITY DEFAULT;'
  from member where oid <> root and relispartition and relkind = 'r' and relreplident in ('n', 'i')
union all
select 'trigger ' || quote_ident(tgname) || ' of ' || name || ' is enabled '
       || case tgenabled when 'A' then 'ALWAYS' else 'for REPLICA' end || ' and would fire for every applied row',
       'ALTER TABLE ' || name || ' ENABLE TRIGGER ' || quote_ident(tgname) || ';'
  from member join pg_trigger on tgrelid = member.oid
 where tgenabled in ('A', 'R')
union all
select 'rule ' || quote_ident(rulename) || ' of ' || name || ' is enabled '
       || case ev_enabled when 'A' then 'ALWAYS' else 'for REPLICA' end || ' and would rewrite what is applied',
       'ALTER TABLE ' || name || ' ENABLE RULE ' || quote_ident(rulename) || ';'
  from member join pg_rewrite on ev_class = member.oid
 where ev_enabled in ('A', 'R') and ev_type <> '1'
union all
select 'row level security hides rows of ' || name || ' from user ' || quote_ident(current_user),
       'ALTER ROLE ' || quote_ident(current_user) || ' BYPASSRLS;'
  from t where row_security_active(oid)
