-- The columns of a table's primary key in key order; no rows when it has none.
--
-- ?1, ?2 database and table.
select column_name
  from information_schema.statistics
 where table_schema = ? and table_name = ? and index_name = 'PRIMARY'
 order by seq_in_index
