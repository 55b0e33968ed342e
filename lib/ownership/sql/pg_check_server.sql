/*
 * What else must hold on a PostgreSQL side before a fence. ? 1 limit for prepared transactions as an interval.
 * Results: where, what, fix. {may_set}, {let_set}: is it allowed, and what allows it; rights on settings came with
 * version 15, before that only a superuser can.
 */
SELECT format('prepared transaction %L', gid),
       format('of user %s, open since %s: end it with COMMIT PREPARED %L or ROLLBACK PREPARED %L', owner,
              date_trunc('seconds', prepared), gid, gid), ''
  FROM pg_prepared_xacts
 WHERE database = current_database() AND prepared < clock_timestamp() - cast(? AS interval)
UNION ALL
SELECT format('user %s', current_user), 'may not set deadlock_timeout', format('{let_set}', current_user)
 WHERE NOT {may_set}
UNION ALL
SELECT format('standby %s', application_name),
       'replicates asynchronously: after a failover to it the fence could be lost; set synchronous_standby_names', ''
  FROM pg_stat_replication r
 WHERE sync_state = 'async' AND NOT EXISTS
       (SELECT 1 FROM pg_replication_slots s WHERE s.active_pid = r.pid AND s.slot_type = 'logical')
