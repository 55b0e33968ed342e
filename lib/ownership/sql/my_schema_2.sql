/*
 * From version 1 to 2 of database ficus on a MariaDB side: a position may be longer than 255 characters (a set of GTIDs is).
 * Needs ALTER on ficus.*. May run again, and while streams write: each statement locks its table for a moment.
 */
ALTER TABLE IF EXISTS ficus.progress /* ficus */ MODIFY position MEDIUMTEXT NOT NULL;
ALTER TABLE IF EXISTS ficus.barrier /* ficus */ MODIFY position MEDIUMTEXT NOT NULL;
ALTER TABLE IF EXISTS ficus.leak /* ficus */ MODIFY position MEDIUMTEXT NOT NULL;
