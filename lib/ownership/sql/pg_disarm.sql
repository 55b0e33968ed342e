/*
 * Disables the fence's triggers, under the lock that the caller has on every table.
 * {group} a literal, {epoch} the epoch of the HERE row that the caller read, {disable} one ALTER TABLE … DISABLE TRIGGER for each.
 *
 * The guard and the DDL are one statement: a DISABLE that comes late must not disable the next fence.
 */
DO $disarm$
BEGIN
    PERFORM 1 FROM ficus.own WHERE grp = {group} AND state = 'HERE' AND epoch = {epoch} FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'ficus: group % is not HERE at epoch {epoch}', {group} USING ERRCODE = '55000';
    END IF;
    {disable}
END
$disarm$
