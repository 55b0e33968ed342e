-- What a MariaDB server must be able to do. One row a finding: what is wrong, the statement that fixes it.
-- No parameters. Rights: none. MariaDB 10.5+.
select 'the binary log is off', 'start the server with --log-bin'
  from dual where @@global.log_bin = 0
union all
select concat('binlog_format is ', @@global.binlog_format, ', not ROW'), 'SET GLOBAL binlog_format = ROW;'
  from dual where @@global.binlog_format <> 'ROW'
union all
select concat('binlog_row_image is ', @@global.binlog_row_image, ', not FULL'), 'SET GLOBAL binlog_row_image = FULL;'
  from dual where @@global.binlog_row_image <> 'FULL'
union all
select concat('binlog_row_metadata is ', @@global.binlog_row_metadata, ', not FULL'), 'SET GLOBAL binlog_row_metadata = FULL;'
  from dual where @@global.binlog_row_metadata <> 'FULL'
-- A stream goes by the binary log, everybody else by the tables: after a crash of the machine both must agree. Else the
-- reverse stream keeps what the server has forgotten, or misses what it has kept under a number that comes a second time.
union all
select concat('sync_binlog is ', @@global.sync_binlog, ', not 1: after a crash of its machine the binary log may lack what the tables hold'),
       'SET GLOBAL sync_binlog = 1;'
  from dual where @@global.sync_binlog <> 1
union all
select concat('innodb_flush_log_at_trx_commit is ', @@global.innodb_flush_log_at_trx_commit,
              ', not 1: after a crash of its machine the tables may lack what the binary log holds'),
       'SET GLOBAL innodb_flush_log_at_trx_commit = 1;'
  from dual where @@global.innodb_flush_log_at_trx_commit not in (1, 3)
