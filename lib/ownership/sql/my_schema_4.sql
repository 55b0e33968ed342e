/*
 * From version 3 to 4 of database ficus on a MariaDB side: what is not known to be equal on this side. Needs CREATE on
 * ficus.*; may run again, and while streams write. The meaning of each column: docs/protocols/dead.md.
 */
CREATE TABLE IF NOT EXISTS ficus.dead /* ficus */ (
    id         BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    stream     VARCHAR(128) NOT NULL,
    birth      VARCHAR(255) NOT NULL DEFAULT '',
    tbl        VARCHAR(200) NOT NULL,
    kind       VARCHAR(16) NOT NULL,
    digest     VARCHAR(64) NOT NULL,
    pk         LONGTEXT,
    low        LONGTEXT,
    high       LONGTEXT,
    cause      VARCHAR(2048) NOT NULL DEFAULT '',
    row_before LONGTEXT,
    row_after  LONGTEXT,
    first_pos  MEDIUMTEXT NOT NULL,
    last_pos   MEDIUMTEXT NOT NULL,
    n          BIGINT NOT NULL DEFAULT 0,
    at         TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    UNIQUE KEY (stream, tbl, kind, digest)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
