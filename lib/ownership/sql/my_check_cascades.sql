/*
 * Foreign keys whose action would change rows of a table behind its triggers and outside the binary log.
 * ? 1 database, 2 table. Results: one finding a row.
 */
SELECT CONCAT('foreign key ', constraint_name, ' of ', constraint_schema, '.', table_name, ' is ON DELETE ', delete_rule,
              ' ON UPDATE ', update_rule, ', which no trigger sees; make it RESTRICT')
  FROM information_schema.referential_constraints
 WHERE constraint_schema = ? AND table_name = ?
   AND (delete_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT') OR update_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT'))
