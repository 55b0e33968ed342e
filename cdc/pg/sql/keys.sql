-- Everything that keeps rows of a PostgreSQL table apart. One row for each column of each index: index, is it the primary
-- key, is it checked at once, does it depend on more than plain columns (expression, predicate, NULL equal to NULL), is it an
-- exclusion, column or NULL for an expression, does the column compare byte by byte, table and index quoted.
-- $1 schema, $2 table. Rights: none. PostgreSQL 14+.
select i.relname, x.indisprimary::int, x.indimmediate::int,
       (x.indpred is not null or x.indexprs is not null
        or coalesce((to_jsonb(x) ->> 'indnullsnotdistinct')::boolean, false))::int,
       x.indisexclusion::int, a.attname, coalesce(l.collisdeterministic, true)::int,
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
