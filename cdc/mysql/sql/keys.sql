-- Everything that keeps rows of a MariaDB table apart. One row for each column of each unique key; the columns are those of
-- enum cdc_key_column in cdc/engine.h.
-- ?1 schema, ?2 table. Rights: any on the table. MariaDB 10.5+.
select s.index_name, s.column_name, s.index_name = 'PRIMARY', 0, 0, 0, s.sub_part is not null,
       c.collation_name is not null and c.data_type not in ('enum', 'set') and c.collation_name not like '%!_bin' escape '!',
       c.collation_name is not null and c.data_type not in ('enum', 'set') and c.collation_name not like '%!_nopad!_%' escape '!',
       c.collation_name, concat(c.character_set_name, '_nopad_bin'),
       concat('ALTER TABLE ', s.table_schema, '.', s.table_name, ' MODIFY `', c.column_name, '` ', c.column_type,
              ' CHARACTER SET ', c.character_set_name, ' COLLATE ', c.character_set_name, '_nopad_bin',
              if(c.is_nullable = 'NO', ' NOT NULL', ''),
              if(c.column_default is null or c.column_default = 'NULL', '', concat(' DEFAULT ', c.column_default)), ';'),
       concat(s.table_schema, '.', s.table_name), concat('`', replace(s.index_name, '`', '``'), '`')
  from information_schema.statistics s
  join information_schema.columns c
    on c.table_schema = s.table_schema and c.table_name = s.table_name and c.column_name = s.column_name
 where s.table_schema = ? and s.table_name = ? and s.non_unique = 0
 order by s.index_name <> 'PRIMARY', s.index_name, s.seq_in_index
