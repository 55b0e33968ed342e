-- Columns of one table in order. Parameter: oid of the table.
select a.attname,
       a.atttypid::text,
       a.atttypmod::text,
       format_type(a.atttypid, a.atttypmod),
       a.attnotnull::text,
       (a.attgenerated <> '')::text,
       (a.attidentity <> '' or s.sequence is not null)::text,
       s.sequence,
       coalesce(array_position(i.indkey::int2[], a.attnum), -1)::text,
       case when t.typcategory = 'A' then 'array'
            when t.typtype = 'e' then 'enum'
            when t.typtype = 'd' then 'domain'
            when t.typtype = 'c' then 'composite'
            when t.typtype in ('r', 'm') then 'range' end
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  join pg_type t on t.oid = a.atttypid
  left join pg_index i on i.indrelid = c.oid and i.indisprimary
  cross join lateral (select pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname) as sequence) s
 where c.oid = ?::oid
 order by a.attnum
