-- Everything that keeps rows of a PostgreSQL table apart. One row for each column of each index; the columns are those of
-- enum cdc_key_column in cdc/engine.h.
-- $1 schema, $2 table. Rights: none. PostgreSQL 14+.
select i.relname, a.attname, x.indisprimary::int, (not x.indimmediate)::int,
       (x.indpred is not null or x.indexprs is not null
        or coalesce((to_jsonb(x) ->> 'indnullsnotdistinct')::boolean, false))::int,
       x.indisexclusion::int, 0, (not coalesce(l.collisdeterministic, true))::int, 0, l.collname, null, null,
       format('%I.%I', n.nspname, c.relname), quote_ident(i.relname)
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_index x on x.indrelid = c.oid and (x.indisunique or x.indisexclusion) and x.indisready
  join pg_class i on i.oid = x.indexrelid
 cross join lateral unnest(x.indkey::int2[]) with ordinality as k(attnum, n)
  left join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum and k.attnum > 0
  left join pg_collation l on l.oid = a.attcollation
 where n.nspname = ? and c.relname = ? and k.n <= x.indnkeyatts
 order by x.indisprimary desc, i.relname, k.n
