-- Is there a table of the context of which the user would see no rows, or not all? A row when there is.
-- $1 schemas of the tables as an array, $2 their names. Rights: none.
select 1
  from unnest(cast(? as text[]), cast(? as text[])) as x(s, r)
  join pg_namespace n on n.nspname = x.s
  join pg_class c on c.relnamespace = n.oid and c.relname = x.r
 where not has_schema_privilege(n.oid, 'USAGE') or not has_table_privilege(c.oid, 'SELECT') or row_security_active(c.oid)
