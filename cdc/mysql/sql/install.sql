-- What the streams keep on the MariaDB side. No parameters. Rights: CREATE on ficus.*. The comment in each
-- statement is the tag by which our own binary-log reader knows our DDL.
create database if not exists ficus /* ficus */ character set utf8mb4 collate utf8mb4_bin;

-- One row a stream that applies here; the first statement of every target transaction, hence the loop marker.
create table if not exists ficus.progress /* ficus */ (
    stream   varchar(128) not null primary key,
    position mediumtext not null,
    ordinal  bigint not null default 0,
    epoch    bigint not null default 0,
    phase    varchar(16) not null default 'new'
) engine = InnoDB character set utf8mb4 collate utf8mb4_bin;

-- Barriers of the other side, written in the transaction that applies them.
create table if not exists ficus.barrier /* ficus */ (
    grp      varchar(64) not null,
    epoch    bigint not null,
    position mediumtext not null,
    primary key (grp, epoch)
) engine = InnoDB character set utf8mb4 collate utf8mb4_bin;

-- Changes that were accepted while their side was fenced or away, written in the transaction that applied them. A
-- stream counts them from here when it starts; whoever has dealt with one deletes it.
create table if not exists ficus.leak /* ficus */ (
    id       bigint not null auto_increment primary key,
    stream   varchar(128) not null,
    position mediumtext not null,
    n        bigint not null,
    what     varchar(255) not null,
    at       timestamp(6) not null default current_timestamp(6)
) engine = InnoDB character set utf8mb4 collate utf8mb4_bin;

-- The rehearsal's table: streamed like any other, owned by the group "<context>.canary".
create table if not exists ficus.canary /* ficus */ (
    id   bigint not null auto_increment primary key,
    grp  varchar(64),
    note varchar(255),
    at   timestamp(6) null default current_timestamp(6)
) engine = InnoDB character set utf8mb4 collate utf8mb4_bin;
