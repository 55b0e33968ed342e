-- The columns of one table in order, with everything that their types need.
--
-- ?1, ?2 database and table, given twice: for the columns and for their checks.
-- Privileges: SELECT on the table. MariaDB 10.5 or newer (CHECK_CONSTRAINTS.LEVEL).
select c.column_name,
       c.data_type,
       c.column_type,
       coalesce(c.character_maximum_length, -1),
       coalesce(c.numeric_precision, 0),
       coalesce(c.numeric_scale, 0),
       coalesce(c.datetime_precision, 0),
       coalesce(c.character_set_name, ''),
       c.is_nullable = 'YES',
       c.is_generated = 'ALWAYS',
       c.extra like '%auto_increment%',
       j.constraint_name is not null
  from information_schema.columns c
  left join information_schema.check_constraints j
         on j.constraint_schema = ? and j.table_name = ? and j.level = 'Column'
        and j.constraint_name = c.column_name
        and j.check_clause = concat('json_valid(`', replace(c.column_name, '`', '``'), '`)')
 where c.table_schema = ? and c.table_name = ?
 order by c.ordinal_position
