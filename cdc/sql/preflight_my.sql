-- What a MariaDB server must be able to do. One row a finding: what is wrong, the statement that mends it.
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
