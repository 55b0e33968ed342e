/*
 * Transactions that would keep the fence waiting: older than the limit and holding a writer's lock on a relation of the group,
 * or anything that holds or waits for a stronger one (DDL), or a vacuum against wraparound, which does not yield.
 * ? 1 relation names as a PostgreSQL array, 2 limit as an interval. Results: where, what, fix.
 */
SELECT l.relation::regclass::text,
       format('%s: pid %s, user %s, %s, age %s: %s; wait for it, or end it with SELECT pg_terminate_backend(%s)',
              CASE WHEN l.mode IN ('AccessExclusiveLock', 'ExclusiveLock', 'ShareLock') THEN 'schema change or lock'
                   WHEN a.query LIKE 'autovacuum:%(to prevent wraparound)' THEN 'vacuum against wraparound'
                   ELSE 'long transaction' END,
              l.pid, coalesce(a.usename, '-'), coalesce(a.state, '-'),
              date_trunc('milliseconds', clock_timestamp() - a.xact_start), left(a.query, 60),
              l.pid), ''
  FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'relation' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.relation = ANY (cast(? AS text[])::regclass[]) AND l.pid <> pg_backend_pid()
   AND ((l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareRowExclusiveLock')
         AND a.xact_start < clock_timestamp() - cast(? AS interval)
         AND (a.backend_type <> 'autovacuum worker' OR a.query LIKE '%(to prevent wraparound)'))
        OR l.mode IN ('AccessExclusiveLock', 'ExclusiveLock', 'ShareLock'))
 ORDER BY a.xact_start
 LIMIT 5
