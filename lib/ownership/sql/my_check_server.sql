/*
 * What else must hold on a MariaDB side before a fence. ? 1 limit in microseconds. Results: one finding a row.
 * Tables are not known here for a running transaction, so any writer older than the limit counts.
 */
SELECT CONCAT('long transaction: thread ', t.trx_mysql_thread_id, ', user ', COALESCE(p.user, '-'), ', open since ', t.trx_started,
              ', ', t.trx_rows_modified, ' rows modified; KILL ', t.trx_mysql_thread_id, ' or wait for it')
  FROM information_schema.innodb_trx t LEFT JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
 WHERE (t.trx_rows_modified > 0 OR t.trx_rows_locked > 0)
   AND t.trx_started < NOW(6) - INTERVAL ? MICROSECOND
