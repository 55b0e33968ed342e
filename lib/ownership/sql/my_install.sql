/*
 * Ownership on a MariaDB side. Runs as the operator; once for all groups; may run again. Results: none.
 * `gate` is the write gate: writers lock its row (shared), so that `own` stays unlocked for the protocol. A row of
 * `marker` is the barrier marker: the stream finds the fence's position in the binary log by it.
 */
CREATE DATABASE IF NOT EXISTS ficus /* ficus */ CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS ficus.own /* ficus */ (
    grp      VARCHAR(64) NOT NULL PRIMARY KEY,
    state    VARCHAR(8) NOT NULL CHECK (state IN ('HERE', 'FENCED', 'AWAY')),
    epoch    BIGINT NOT NULL,
    until    DATETIME(6),
    operator VARCHAR(255)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS ficus.gate /* ficus */ (
    grp   VARCHAR(64) NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS ficus.marker /* ficus */ (
    grp   VARCHAR(64) NOT NULL,
    epoch BIGINT NOT NULL,
    at    TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    PRIMARY KEY (grp, epoch)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS ficus.canary /* ficus */ (
    id   BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    grp  VARCHAR(64),
    note VARCHAR(255),
    at   TIMESTAMP(6) NULL DEFAULT CURRENT_TIMESTAMP(6)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
