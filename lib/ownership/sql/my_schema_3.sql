/*
 * From version 2 to 3 of database ficus on a MariaDB side: which controller holds a context. Needs CREATE on ficus.*;
 * may run again, and while streams write. A context without a row is nobody's.
 */
CREATE TABLE IF NOT EXISTS ficus.controller /* ficus */ (
    grp   VARCHAR(64) NOT NULL PRIMARY KEY,
    id    VARCHAR(64) NOT NULL CHECK (id <> ''),
    host  VARCHAR(255) NOT NULL DEFAULT '',
    login VARCHAR(255) NOT NULL DEFAULT '',
    run   VARCHAR(255) NOT NULL DEFAULT '',
    plan  VARCHAR(1024) NOT NULL DEFAULT '',
    since TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    seen  TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
