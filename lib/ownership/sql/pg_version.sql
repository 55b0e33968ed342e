/* Schema ficus on a PostgreSQL side says its version. Runs as the owner of the schema; may run again. */
CREATE SCHEMA IF NOT EXISTS ficus;
CREATE TABLE IF NOT EXISTS ficus.version (
    one     integer PRIMARY KEY DEFAULT 1 CHECK (one = 1),
    version integer NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
