/*
 * Who could empty a fenced table: TRUNCATE fires no trigger, and all it needs is the DROP right. Whoever has that on the
 * whole server can do anything and is not listed, nor is the operator. Sees what the operator may see of others' rights.
 * ? 1 database or NULL (asked before), 2 database, 3 table. Results: where, what, fix.
 */
SELECT r.what, CONCAT('user ', r.grantee, ' may TRUNCATE it, and a fence does not stop that'),
       CONCAT('REVOKE DROP ON ', r.what, ' FROM ', r.grantee, ';')
  FROM (SELECT grantee, CONCAT('`', table_schema, '`.*') AS what FROM information_schema.schema_privileges
         WHERE privilege_type = 'DROP' AND ? LIKE table_schema ESCAPE '\'
        UNION ALL
        SELECT grantee, CONCAT('`', table_schema, '`.`', table_name, '`') FROM information_schema.table_privileges
         WHERE privilege_type = 'DROP' AND table_schema = ? AND table_name = ?) r
 WHERE BINARY r.grantee <> BINARY CONCAT('''', LEFT(CURRENT_USER(), CHAR_LENGTH(CURRENT_USER()) - LOCATE('@', REVERSE(CURRENT_USER()))),
                                         '''@''', SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '''')
   AND r.grantee NOT IN (SELECT grantee FROM information_schema.user_privileges WHERE privilege_type = 'DROP')
