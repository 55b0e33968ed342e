/*
 * What of Ficus's own on a MariaDB side is not as Ficus makes it, or could run somebody else's code. Reads nothing but
 * information_schema. No parameters. Rights: those on ficus.* that Ficus needs anyway. One row a finding: what is wrong.
 * Routines and events are not asked for: nothing of ours calls what is not the server's own.
 * The name of an account decides byte by byte; whoever compares it in another way lets look-alikes pass.
 */
SELECT CONCAT('ficus.', table_name, ' is a ', table_type, ', not a table') AS what
  FROM information_schema.tables WHERE table_schema = 'ficus' AND table_type <> 'BASE TABLE'
UNION ALL
SELECT CONCAT('ficus.', table_name, ' is kept by engine ', engine, ', not by InnoDB')
  FROM information_schema.tables WHERE table_schema = 'ficus' AND table_type = 'BASE TABLE' AND engine <> 'InnoDB'
UNION ALL
SELECT CONCAT('column ', column_name, ' of ficus.', table_name, ' has collation ', collation_name, ', not utf8mb4_bin')
  FROM information_schema.columns
 WHERE table_schema = 'ficus' AND collation_name IS NOT NULL AND BINARY collation_name <> 'utf8mb4_bin'
UNION ALL
SELECT CONCAT('trigger ', trigger_name, ' of ', definer, ' is on ficus.', event_object_table)
  FROM information_schema.triggers
 WHERE event_object_schema = 'ficus'
   AND NOT (event_object_table = 'canary' AND trigger_name LIKE 'ficus!_fence!_%' ESCAPE '!' AND BINARY definer = BINARY CURRENT_USER())
 ORDER BY what
