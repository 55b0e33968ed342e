-- What makes a MariaDB table one that streams would carry wrongly. One row a finding: what is wrong, the statement that
-- fixes it. ?1 schema, ?2 table (three times). Rights: any on the table; its triggers are seen with TRIGGER only.
select concat('trigger ', trigger_name, ' would fire for every applied row'),
       concat('DROP TRIGGER ', trigger_schema, '.', trigger_name, ';')
  from information_schema.triggers
 where event_object_schema = ? and event_object_table = ? and trigger_name not like 'ficus!_fence!_%' escape '!'
union all
select concat('foreign key ', constraint_name, ' cascades, and cascades are not in the binary log'),
       concat('ALTER TABLE ', constraint_schema, '.', table_name, ' DROP FOREIGN KEY ', constraint_name, ';')
  from information_schema.referential_constraints
 where constraint_schema = ? and table_name = ?
   and (delete_rule in ('CASCADE', 'SET NULL') or update_rule in ('CASCADE', 'SET NULL'))
union all
select concat('engine is ', engine, ', not InnoDB'),
       concat('ALTER TABLE ', table_schema, '.', table_name, ' ENGINE = InnoDB;')
  from information_schema.tables
 where table_schema = ? and table_name = ? and engine <> 'InnoDB' and table_type = 'BASE TABLE'
