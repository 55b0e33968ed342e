/*
 * The fence's trigger on one relation; the caller disables it in the same transaction. Statement level, so that zero-row
 * statements, COPY and TRUNCATE are refused as well. Names are quoted, the group is a literal.
 */
CREATE TRIGGER {trigger} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {relation}
    FOR EACH STATEMENT EXECUTE FUNCTION ficus.fence({group})
