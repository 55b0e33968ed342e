/*
 * What else must hold on a MariaDB side before a fence. ? 1 limit in microseconds. Results: where, what, fix.
 * The server does not tell which tables a running transaction has written, so any older writer counts. Its list has times in the
 * zone of its machine, whatever the session's zone is.
 */
SELECT CONCAT('thread ', t.trx_mysql_thread_id),
       CONCAT('long transaction of user ', COALESCE(p.user, '-'), ', open since ', t.trx_started, ', ', t.trx_rows_modified,
              ' rows modified: wait for it, or end it with KILL ', t.trx_mysql_thread_id), ''
  FROM information_schema.innodb_trx t LEFT JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
 WHERE (t.trx_rows_modified > 0 OR t.trx_rows_locked > 0)
   AND t.trx_started < CONVERT_TZ(UTC_TIMESTAMP(6), '+00:00', 'SYSTEM') - INTERVAL ? MICROSECOND
