-- Everything that keeps rows of a PostgreSQL table apart. One row for each column of each index; the columns are those of
-- enum cdc_key_column in cdc/engine.h.
-- $1 schema, $2 table. Rights: none. PostgreSQL 14+.
--
-- The index has a collation of its own, by which it tells rows apart; the applier finds them by that of the column. A text of
-- type character(n) is compared without its trailing spaces, whatever the collation.
select i.relname, a.attname, x.indisprimary::int, (not x.indimmediate)::int,
       (x.indpred is not null or x.indexprs is not null
        or coalesce((to_jsonb(x) ->> 'indnullsnotdistinct')::boolean, false))::int,
       x.indisexclusion::int, 0,
       (not (coalesce(l.collisdeterministic, true) and coalesce(il.collisdeterministic, true)))::int,
       (a.atttypid = 'bpchar'::regtype)::int,
       case when coalesce(il.collisdeterministic, true) then l.collname else il.collname end,
       null,
       case when not l.collisdeterministic
            then format('ALTER TABLE %I.%I ALTER COLUMN %I TYPE %s COLLATE "C";', n.nspname, c.relname, a.attname,
                        format_type(a.atttypid, a.atttypmod)) end,
       format('%I.%I', n.nspname, c.relname), quote_ident(i.relname)
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_index x on x.indrelid = c.oid and (x.indisunique or x.indisexclusion) and x.indisready
  join pg_class i on i.oid = x.indexrelid
 cross join lateral unnest(x.indkey::int2[]) with ordinality as k(attnum, n)
  left join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum and k.attnum > 0
  left join pg_collation l on l.oid = a.attcollation
  left join pg_collation il on il.oid = x.indcollation[(k.n - 1)::int]
 where n.nspname = ? and c.relname = ? and k.n <= x.indnkeyatts
 order by x.indisprimary desc, i.relname, k.n
