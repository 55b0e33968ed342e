/*
 * Seconds for which the oldest writing transaction is open at least. The server keeps whole seconds, so one that has just begun
 * may look a second old. Its list has them in the zone of its machine, whatever the session's zone is.
 */
SELECT COALESCE(GREATEST(MAX(TIMESTAMPDIFF(SECOND, trx_started, CONVERT_TZ(UTC_TIMESTAMP(6), '+00:00', 'SYSTEM'))) - 1, 0), 0)
  FROM information_schema.innodb_trx
 WHERE trx_rows_modified > 0 OR trx_rows_locked > 0
