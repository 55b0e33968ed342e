/*
 * What an account of MariaDB that does nothing but apply must not have: the trigger, view or routine of somebody else could use it.
 * In the session of the applier. $1 name of the account as `user`@`host`, four times. Rights: none. One row a finding: what, fix.
 */
select concat('apply_user ', a.id, ' has ', p.privilege_type, ' on the whole server, and needs nothing there'),
       concat('REVOKE ', p.privilege_type, ' ON *.* FROM ', a.id, ';')
  from (select ? as id) a join information_schema.user_privileges p
 where p.privilege_type <> 'USAGE'
union all
select concat('apply_user ', a.id, ' may ', group_concat(p.privilege_type order by p.privilege_type separator ', '), ' in all of database ',
              p.table_schema, ', and needs ', if('ficus' like p.table_schema, 'rights on single tables there', 'only SELECT, INSERT, UPDATE and DELETE')),
       concat('REVOKE ', group_concat(p.privilege_type order by p.privilege_type separator ', '), ' ON `', replace(p.table_schema, '`', '``'), '`.* FROM ', a.id, ';')
  from (select ? as id) a join information_schema.schema_privileges p
 where ('ficus' like p.table_schema and p.privilege_type <> 'SELECT') or p.privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
 group by p.table_schema
union all
select concat('apply_user ', a.id, ' may ', group_concat(p.privilege_type order by p.privilege_type separator ', '), ' on ',
              p.table_schema, '.', p.table_name, ', and does not need that'),
       concat('REVOKE ', group_concat(p.privilege_type order by p.privilege_type separator ', '), ' ON `', replace(p.table_schema, '`', '``'), '`.`',
              replace(p.table_name, '`', '``'), '` FROM ', a.id, ';')
  from (select ? as id) a join information_schema.table_privileges p
 where p.privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
    or (p.table_schema = 'ficus' and p.privilege_type <> 'SELECT' and p.table_name not in ('progress', 'barrier', 'leak', 'canary'))
 group by p.table_schema, p.table_name
union all
select concat('apply_user ', a.id, ' may take on role ', r.role_name, ', whose rights it does not need'),
       concat('REVOKE `', replace(r.role_name, '`', '``'), '` FROM ', a.id, ';')
  from (select ? as id) a join information_schema.applicable_roles r
 where binary r.grantee = binary current_user()
