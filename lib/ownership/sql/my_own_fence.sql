/*
 * The fence's compare-and-set. ? 1 new epoch, 2 time to live in microseconds, 3 operator, 4 group, 5 epoch that is
 * fenced. One row; none: the side is not HERE at that epoch.
 */
UPDATE ficus.own
   SET state = 'FENCED', epoch = ?, until = utc_timestamp(6) + INTERVAL ? MICROSECOND, operator = ?
 WHERE grp = ? AND state = 'HERE' AND epoch = ?
