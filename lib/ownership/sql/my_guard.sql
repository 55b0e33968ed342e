/*
 * What of Ficus's own on a MariaDB side is not as Ficus makes it, or could run somebody else's code. Reads nothing but
 * information_schema. No parameters. Rights: those on ficus.* that Ficus needs anyway. One row a finding: what is
 * wrong, and the statement that mends it (NULL: there is none). None of them drops a table: ficus.own records which side owns the customer's.
 * Routines and events are not asked for: nothing of ours calls what is not the server's own.
 * The name of an account decides byte by byte; whoever compares it in another way lets look-alikes pass.
 */
SELECT CONCAT('ficus.', table_name, ' is a ', table_type, ', not a table') AS what,
       CASE WHEN table_type IN ('VIEW', 'SEQUENCE') THEN CONCAT('DROP ', table_type, ' ficus.`', REPLACE(table_name, '`', '``'), '`;') END AS fix
  FROM information_schema.tables WHERE table_schema = 'ficus' AND table_type <> 'BASE TABLE'
UNION ALL
SELECT CONCAT('ficus.', table_name, ' is kept by engine ', engine, ', not by InnoDB'),
       CONCAT('ALTER TABLE ficus.`', REPLACE(table_name, '`', '``'), '` ENGINE=InnoDB;')
  FROM information_schema.tables WHERE table_schema = 'ficus' AND table_type = 'BASE TABLE' AND engine <> 'InnoDB'
UNION ALL
SELECT CONCAT('column ', c.column_name, ' of ficus.', c.table_name, ' has collation ', c.collation_name, ', not utf8mb4_bin'),
       CONCAT('ALTER TABLE ficus.`', REPLACE(t.table_name, '`', '``'), '` CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;')
  FROM information_schema.columns c LEFT JOIN information_schema.tables t
    ON t.table_schema = c.table_schema AND t.table_name = c.table_name AND t.table_type = 'BASE TABLE'
 WHERE c.table_schema = 'ficus' AND c.collation_name IS NOT NULL AND BINARY c.collation_name <> 'utf8mb4_bin'
UNION ALL
SELECT CONCAT('trigger ', trigger_name, ' of ', definer, ' is on ficus.', event_object_table),
       CONCAT('DROP TRIGGER ficus.`', REPLACE(trigger_name, '`', '``'), '`;')
  FROM information_schema.triggers
 WHERE event_object_schema = 'ficus'
   AND NOT (event_object_table = 'canary' AND trigger_name LIKE 'ficus!_fence!_%' ESCAPE '!' AND BINARY definer = BINARY CURRENT_USER())
 ORDER BY what
