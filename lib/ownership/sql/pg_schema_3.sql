/*
 * From version 2 to 3 of schema ficus on a PostgreSQL side: which controller holds a context. Runs as the owner of the
 * schema; may run again, and while streams write. A context without a row is nobody's.
 */
CREATE TABLE IF NOT EXISTS ficus.controller (
    grp   text PRIMARY KEY,
    id    text NOT NULL CHECK (id <> ''),
    host  text NOT NULL DEFAULT '',
    login text NOT NULL DEFAULT '',
    run   text NOT NULL DEFAULT '',
    plan  text NOT NULL DEFAULT '',
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen  timestamptz NOT NULL DEFAULT clock_timestamp()
);
