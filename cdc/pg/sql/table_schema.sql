-- What DDL left in the catalog of one table of a stream and not in the stream itself. One row, none when there is no such table:
-- what is wrong (NULL: nothing), details, whether the record is to be written (again), and its oid, columns, partitions, their files.
-- ?1 publication, ?2 stream, ?3 schema, ?4 table. Rights: to read ficus.shape. PostgreSQL 14+.
with here as (
    select c.oid::text as rel,
           n.nspname || '.' || c.relname as tbl,
           coalesce((select jsonb_object_agg(a.attname, a.attnum) from pg_attribute a
                      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '{}') as columns,
           l.leaves, l.files, l.blank,
           exists (select 1 from pg_publication p join pg_publication_rel r on r.prpubid = p.oid
                    where p.pubname = ? and r.prrelid = c.oid and p.pubinsert and p.pubupdate and p.pubdelete and p.pubtruncate
                      and p.pubviaroot and to_jsonb(r)->>'prqual' is null and to_jsonb(r)->>'prattrs' is null) as is_published
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     cross join lateral (
        -- Not pg_partition_tree: it would wait for whoever holds a lock on a partition. A partition whose file is new has
        -- fewer than 0 rows after TRUNCATE and after a rewrite, and not after VACUUM FULL; until it is analyzed.
        with recursive t(oid) as (select c.oid union all select i.inhrelid from pg_inherits i join t on i.inhparent = t.oid)
        select coalesce(array_agg(x.oid::text order by x.oid::text), '{}') as leaves,
               coalesce(array_agg(x.oid || ':' || x.relfilenode order by x.oid::text), '{}') as files,
               coalesce(array_agg(x.oid || ':' || x.relfilenode) filter (where x.reltuples < 0), '{}') as blank
          from t join pg_class x on x.oid = t.oid where x.relispartition and x.relkind <> 'p') l
)
select case when not h.is_published then 'it is not in the publication, or only a part of it is'
            when s.rel <> h.rel then 'another table has its name now'
            when x.name is not null then format('column "%s" was dropped and added again', x.name)
            when not s.leaves <@ h.leaves then 'a partition was dropped, detached or replaced'
            when exists (select 1 from unnest(h.blank) as b(file) where file <> all (s.files)
                            and split_part(file, ':', 1) = any (s.leaves)) then 'a partition was truncated or rewritten'
       end,
       case when x.name is null and not s.leaves <@ h.leaves
            then format('oids of its partitions were %s, now %s', s.leaves, h.leaves) end,
       (s.stream is null or s.leaves <> h.leaves or s.files <> h.files or s.columns <> h.columns || s.columns)::text,
       h.rel, (h.columns || coalesce(s.columns, '{}'))::text, h.leaves::text, h.files::text
  from here h
  left join ficus.shape s on s.stream = ? and s.tbl = h.tbl
  left join lateral (select o.key as name from jsonb_each(s.columns) o join jsonb_each(h.columns) n on n.key = o.key and n.value <> o.value
                      order by 1 limit 1) x on true
 where h.tbl = ? || '.' || ?
