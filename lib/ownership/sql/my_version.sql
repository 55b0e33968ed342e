/* Database ficus on a MariaDB side says its version. Runs as the operator; may run again. */
CREATE DATABASE IF NOT EXISTS ficus /* ficus */ CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS ficus.version /* ficus */ (
    one     INT NOT NULL DEFAULT 1 PRIMARY KEY CHECK (one = 1),
    version INT NOT NULL,
    at      TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
