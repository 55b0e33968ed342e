CREATE OR REPLACE TRIGGER /* ficus */ {schema}.{trigger} BEFORE {event} ON {schema}.{table} FOR EACH ROW
/*
 * The fence of one table and event. Identifiers are quoted, the event is INSERT, UPDATE or DELETE,
 * group and login are string literals. Runs with the rights of its creator, the operator.
 *
 * The applier passes: whoever logged in by its name, or by that of the operator who made the trigger, from the operator's host,
 * byte by byte.
 * For one name and host the server takes one account. Not CURRENT_USER(), which is the operator here whoever writes; not the
 * name alone, which another account may have for another host, and not by a collation, to which look-alikes are equal.
 *
 * The locking read of `gate` makes the fence wait for this writer, and this writer for the fence. The reads of
 * `own` do not lock: a refused customer who keeps the transaction open must not block commit, abort or open. A
 * snapshot that is older than the fence shows HERE with an epoch below the write gate's, and is refused.
 */
ficus_fence: BEGIN
    DECLARE g, e BIGINT;
    DECLARE s VARCHAR(8);
    DECLARE u DATETIME(6);
    DECLARE m VARCHAR(128);
    IF BINARY USER() = BINARY {login} THEN
        LEAVE ficus_fence;
    END IF;
    SET g = (SELECT epoch FROM ficus.gate WHERE grp = {group} LOCK IN SHARE MODE);
    SELECT state, epoch, until INTO s, e, u FROM ficus.own WHERE grp = {group};
    IF s = 'FENCED' AND u < UTC_TIMESTAMP(6) THEN
        UPDATE ficus.own SET state = 'HERE', epoch = epoch + 1, until = NULL
         WHERE grp = {group} AND state = 'FENCED' AND until < UTC_TIMESTAMP(6);
        SELECT state, epoch, until INTO s, e, u FROM ficus.own WHERE grp = {group};
    END IF;
    IF NOT (s <=> 'HERE' AND g IS NOT NULL AND e >= g) THEN
        SET m = LEFT(CONCAT('ficus: group ', LEFT({group}, 40), ' is ', COALESCE(s, 'unknown'), ' here, epoch ', COALESCE(e, -1),
                            CASE s WHEN 'AWAY' THEN ': write to the owning side' WHEN 'FENCED' THEN ': retry the transaction'
                                   WHEN 'HERE' THEN ': retry the transaction' ELSE ': run ficus status' END), 128);
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = m;
    END IF;
END
