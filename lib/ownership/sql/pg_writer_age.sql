/*
 * Milliseconds for which the oldest transaction is open whose lock the fence's lock has to wait for. One that analyzes or
 * vacuums gives way after the fence's deadlock_timeout of 100 ms. ? 1 relation names as a PostgreSQL array.
 */
SELECT coalesce(max(least(ceil(extract(epoch FROM clock_timestamp() - a.xact_start) * 1000),
                          CASE WHEN a.backend_type = 'autovacuum worker' THEN 100 END)), 0)::bigint
  FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'relation' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.relation = ANY (cast(? AS text[])::regclass[]) AND l.pid <> pg_backend_pid()
   AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')
