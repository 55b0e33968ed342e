-- Transactions of all databases that have an id and run now: their ids; of the oldest its process (NULL: prepared), since when
-- it runs, its user and statement as far as our user may see them; the database
-- in which a prepared one can be finished. $1 ids to look for, NULL: all. Rights: none.
select l.transactionid::text,
       l.pid::text,
       coalesce(date_trunc('second', coalesce(a.xact_start, p.prepared))::text, ''),
       coalesce(a.usename, p.owner, ''),
       coalesce(p.gid, ''),
       coalesce(left(regexp_replace(a.query, '\s+', ' ', 'g'), 120), ''),
       coalesce(p.database, '')
  from pg_locks l
  left join pg_stat_activity a on a.pid = l.pid
  left join pg_prepared_xacts p on l.pid is null and p.transaction = l.transactionid
 where l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.granted and l.pid is distinct from pg_backend_pid()
   and l.transactionid = any(coalesce(cast(cast(? as text) as xid[]), array[l.transactionid]))
 order by coalesce(a.xact_start, p.prepared)
