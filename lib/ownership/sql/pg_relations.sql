/*
 * A table and everything below it (leaf partitions, sub-partitioned levels, inheritance children), since a
 * statement that names a child fires only the child's statement triggers.
 * ? 1 schema, 2 table. Results: quoted name, trigger name or NULL, tgenabled, arguments as text.
 */
WITH RECURSIVE tree(oid) AS (
    SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = ? AND c.relname = ? AND c.relkind IN ('r', 'p')
    UNION
    SELECT i.inhrelid FROM pg_inherits i JOIN tree t ON i.inhparent = t.oid
)
SELECT format('%I.%I', n.nspname, c.relname), t.tgname, t.tgenabled::text,
       CASE WHEN t.tgname IS NULL THEN NULL
            ELSE replace(encode(t.tgargs, 'escape'), '\000', '') END
  FROM tree JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal
       AND t.tgfoid = to_regprocedure('ficus.fence()')
 ORDER BY 1, 2
