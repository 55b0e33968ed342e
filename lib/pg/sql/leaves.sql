-- Leaf partitions of a partitioned table, quoted, in one fixed order. Parameter: oid.
select format('%I.%I', n.nspname, c.relname)
  from pg_partition_tree(?::oid::regclass) t
  join pg_class c on c.oid = t.relid
  join pg_namespace n on n.oid = c.relnamespace
 where t.isleaf and c.relkind = 'r' and t.level > 0
 order by 1
