-- A table by name: oid, kind, replica identity, encoding of the database. Parameters: schema, name.
select c.oid::text, c.relkind::text, c.relreplident::text, getdatabaseencoding()::text
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = ? and c.relname = ? and c.relkind in ('r', 'p', 'v', 'm', 'f')
