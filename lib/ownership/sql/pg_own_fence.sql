/*
 * The fence's compare-and-set. ? 1 new epoch, 2 time to live as an interval, 3 operator, 4 group, 5 epoch that is
 * fenced. One row; none: the side is not HERE at that epoch.
 */
UPDATE ficus.own
   SET state = 'FENCED', epoch = ?, until = clock_timestamp() + cast(? AS interval), operator = ?
 WHERE grp = ? AND state = 'HERE' AND epoch = ?
