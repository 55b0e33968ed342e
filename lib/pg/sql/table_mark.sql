-- Where the rows of a table, of its partitions and of what inherits from it are stored, and their columns: one text that
-- changes whenever one of them is rewritten, truncated, replaced, attached or altered. $1 schema, $2 name.
with recursive tree as (
    select c.oid
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = ? and c.relname = ?
    union
    select i.inhrelid from tree join pg_inherits i on i.inhparent = tree.oid
)
select coalesce(string_agg(format('%s %s %s', c.oid, pg_relation_filenode(c.oid), (
               select md5(string_agg(format('%s %s %s %s %s %s', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attisdropped,
                                            a.attgenerated), ',' order by a.attnum))
                 from pg_attribute a
                where a.attrelid = c.oid and a.attnum > 0)), ';' order by c.oid), '')
  from tree join pg_class c on c.oid = tree.oid
