/*
 * What else must hold on a PostgreSQL side before a fence. ? 1 limit for prepared transactions as an interval.
 * Results: one finding a row, with what to do. {may_set}, {let_set}: is it allowed, and what allows it; rights on settings are
 * of version 15, before it a superuser alone can.
 */
SELECT format('prepared transaction %L of user %s is open since %s; COMMIT PREPARED or ROLLBACK PREPARED it', gid, owner,
              date_trunc('seconds', prepared))
  FROM pg_prepared_xacts
 WHERE database = current_database() AND prepared < clock_timestamp() - cast(? AS interval)
UNION ALL
SELECT format('user %s may not set deadlock_timeout; {let_set}', current_user, current_user)
 WHERE NOT {may_set}
UNION ALL
SELECT format('asynchronous standby %s is attached: a failover to it could forget the fence; set synchronous_standby_names', application_name)
  FROM pg_stat_replication r
 WHERE sync_state = 'async' AND NOT EXISTS
       (SELECT 1 FROM pg_replication_slots s WHERE s.active_pid = r.pid AND s.slot_type = 'logical')
