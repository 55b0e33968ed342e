-- What DDL left in the catalog of the tables of a stream and not in the stream itself. One row a table, none where there is no such
-- table: its number, what is wrong (a line each; NULL: nothing), which partitions are gone (a line each; NULL: none), whether the record is to be written (again); its oid, columns,
-- partitions and facts; which of its files are new, which partitions are, and whether its columns are as recorded; the oldest
-- transaction that is open now, and the one that was when the record was written; a name
-- for all that is recorded; and whether what is wrong stays wrong whatever is recorded.
-- ?1 schemas as an array, ?2 names, ?3 publication, ?4 stream. Rights: to read ficus.shape. PostgreSQL 14+.
--
-- Facts are texts, compared one by one: "oid:relfilenode" of the table and its partitions, "i:oid:xmin" of the row that makes it a
-- partition, "n:oid:name" what it is called, "a:number:xmin" of a column's row, which ALTER COLUMN writes anew even to the same type, "p:…" of the rows that
-- publish it. An older build wrote only the first for partitions: what it did not record is not compared. "x:…" is the oldest
-- transaction. Not pg_partition_tree: it would wait for whoever holds a lock on a partition.
with recursive tree as (
    select w.ord, c.oid as root, c.oid, cast(null as text) as via
      from unnest(cast(? as text[]), cast(? as text[])) with ordinality as w(s, r, ord)
      join pg_namespace n on n.nspname = w.s
      join pg_class c on c.relnamespace = n.oid and c.relname = w.r
    union all
    select t.ord, t.root, i.inhrelid, i.xmin::text from tree t join pg_inherits i on i.inhparent = t.oid
), member as (
    select t.ord, t.root, t.oid, t.via, x.relfilenode, x.relispartition, x.relkind, x.relnamespace::regnamespace::text || '.' || x.relname as name
      from tree t join pg_class x on x.oid = t.oid where x.relispartition or t.oid = t.root
), fact as (
    select ord, oid || ':' || relfilenode as f from member where relkind <> 'p'
    union all
    select ord, 'i:' || oid || ':' || via from member where via is not null
    union all
    select ord, 'n:' || oid || ':' || name from member where relispartition and relkind <> 'p'
    union all
    select m.ord, 'a:' || a.attnum || ':' || a.xmin from member m join pg_attribute a on a.attrelid = m.oid
     where m.oid = m.root and a.attnum > 0 and not a.attisdropped
    union all
    select m.ord, 'p:' || p.oid || ':' || p.xmin || ':' || r.oid || ':' || r.xmin
      from member m join pg_publication_rel r on r.prrelid = m.oid join pg_publication p on p.oid = r.prpubid
     where m.oid = m.root and p.pubname = ? and p.pubinsert and p.pubupdate and p.pubdelete and p.pubtruncate
       and p.pubviaroot and to_jsonb(r)->>'prqual' is null and to_jsonb(r)->>'prattrs' is null
), here as (
    select m.ord, m.root::text as rel, n.nspname || '.' || c.relname as tbl,
           coalesce((select jsonb_object_agg(a.attname, a.attnum) from pg_attribute a
                      where a.attrelid = m.root and a.attnum > 0 and not a.attisdropped), '{}') as columns,
           array(select x.oid::text from member x where x.ord = m.ord and x.relispartition and x.relkind <> 'p' order by 1) as leaves,
           array(select f.f from fact f where f.ord = m.ord order by 1) as facts
      from member m join pg_class c on c.oid = m.oid join pg_namespace n on n.oid = c.relnamespace
     where m.oid = m.root
), both_ as (
    select h.*, s.stream, s.rel as was_rel, s.columns as was_columns, s.leaves as was_leaves, s.files as was,
           -- what is recorded under the same name and is another now: "oid", "i:oid", "a:number", "p"
           array(select regexp_replace(o, case when o like 'p:%' then ':.*' else ':[^:]*$' end, '') from unnest(s.files) as o
                  where o <> all (h.facts) and o not like 'x:%') as other
      from here h left join ficus.shape s on s.stream = ? and s.tbl = h.tbl
)
select b.ord,
       case when not exists (select 1 from unnest(b.facts) as f where f like 'p:%') then 'it is not in the publication, or only a part of it is'
            when b.was_rel <> b.rel then 'another table has its name now'
            when x.name is not null then format('column "%s" was dropped and added again', x.name)
            else nullif(array_to_string(array(
                select 'its publication was altered, or left out the table for a time' where 'p' = any (b.other)
                union all
                select 'a partition was detached and attached again: '
                       || coalesce((select regexp_replace(f, '^n:[0-9]+:', '') from unnest(b.facts) as f where f like 'n:' || substr(o, 3) || ':%' limit 1), substr(o, 3))
                  from unnest(b.other) as o where o like 'i:%' and substr(o, 3) = any (b.leaves)), pg_catalog.chr(10)), '')
       end,
       nullif(array_to_string(array(
           select coalesce((select regexp_replace(o, '^n:[0-9]+:', '') from unnest(b.was) as o where o like 'n:' || l || ':%' limit 1), 'oid ' || l)
                  || case when exists (select 1 from pg_class c where c.oid = cast(l as oid)) then ' (detached, still there as a table)' else '' end
             from unnest(b.was_leaves) as l where l <> all (b.leaves)), pg_catalog.chr(10)), ''),
       (b.stream is null or b.leaves <> b.was_leaves or b.columns <> b.columns || b.was_columns
        or b.facts <> array(select o from unnest(b.was) as o where o not like 'x:%' order by 1))::text,
       b.rel, (b.columns || coalesce(b.was_columns, '{}'))::text, b.leaves::text,
       (b.facts || ('x:' || pg_snapshot_xmin(pg_current_snapshot())))::text,
       array_to_string(array(select o from unnest(b.other) as o where o not like '%:%'
                                and (o = b.rel or o = any (b.leaves))), ','),
       array_to_string(array(select l from unnest(b.leaves) as l where l <> all (b.was_leaves)), ','),
       (exists (select 1 from unnest(b.was) as o where o like 'a:%')
        and not exists (select 1 from unnest(b.other) as o where o like 'a:%'))::text,
       pg_snapshot_xmin(pg_current_snapshot())::text,
       (select substr(o, 3) from unnest(b.was) as o where o like 'x:%' limit 1),
       substr(md5(b.facts::text), 1, 8),
       coalesce(not exists (select 1 from unnest(b.facts) as f where f like 'p:%') or b.was_rel <> b.rel or x.name is not null, false)::text
  from both_ b
  left join lateral (select o.key as name from jsonb_each(b.was_columns) o join jsonb_each(b.columns) n on n.key = o.key and n.value <> o.value
                      order by 1 limit 1) x on true
 order by b.ord
