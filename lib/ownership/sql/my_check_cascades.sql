/*
 * Foreign keys whose action changes rows without firing their table's triggers and without writing them to the binary log.
 * ? 1 database, 2 table. Results: where, what, fix.
 */
SELECT CONCAT(constraint_schema, '.', table_name),
       CONCAT('foreign key "', constraint_name, '" is ON DELETE ', delete_rule, ' ON UPDATE ', update_rule,
              ': no trigger fires for the rows that it changes; recreate it as RESTRICT'), ''
  FROM information_schema.referential_constraints
 WHERE constraint_schema = ? AND table_name = ?
   AND (delete_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT') OR update_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT'))
