/*
 * What an account of MariaDB that does nothing but apply must not have: the trigger, view or routine of somebody else could use it.
 * On the tables of database ficus exactly what cdc_my_grant gives (cdc/mysql/applier.c) and SELECT are expected.
 * In the session of the applier. $1 name of the account as `user`@`host`. Rights: none. One row a finding: what, fix.
 */
select concat('apply_user ', a.id, ' ', x.what), concat('REVOKE ', x.fix, ' FROM ', a.id, ';')
  from (select ? as id) a join (
select concat('has ', p.privilege_type, ' on the whole server, and needs nothing there') as what, concat(p.privilege_type, ' ON *.*') as fix
  from information_schema.user_privileges p
 where p.privilege_type <> 'USAGE'
union all
select concat('may ', group_concat(p.privilege_type order by p.privilege_type separator ', '), ' in all of database ',
              p.table_schema, ', and needs ', if('ficus' like p.table_schema, 'rights on single tables there', 'only SELECT, INSERT, UPDATE and DELETE')),
       concat(group_concat(p.privilege_type order by p.privilege_type separator ', '), ' ON `', replace(p.table_schema, '`', '``'), '`.*')
  from information_schema.schema_privileges p
 where p.privilege_type <> 'USAGE'
   and (('ficus' like p.table_schema and p.privilege_type <> 'SELECT') or p.privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))
 group by p.table_schema
union all
select concat('may ', group_concat(p.right_ order by p.right_ separator ', '), ' on ', p.table_schema, '.', p.table_name, ', and does not need that'),
       concat(group_concat(p.right_ order by p.right_ separator ', '), ' ON `', replace(p.table_schema, '`', '``'), '`.`', replace(p.table_name, '`', '``'), '`')
  from (select table_schema, table_name, privilege_type, privilege_type as right_
          from information_schema.table_privileges
        union all
        select table_schema, table_name, privilege_type,
               concat(privilege_type, ' (', group_concat(concat('`', replace(column_name, '`', '``'), '`') order by column_name separator ', '), ')')
          from information_schema.column_privileges
         group by table_schema, table_name, privilege_type) p
 where p.privilege_type <> 'USAGE'
   and (p.privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
        or (p.table_schema = 'ficus' and p.privilege_type <> 'SELECT'
            and (p.table_name, p.privilege_type) not in (('progress', 'UPDATE'), ('barrier', 'INSERT'), ('barrier', 'UPDATE'), ('leak', 'INSERT'),
                                                         ('canary', 'INSERT'), ('canary', 'UPDATE'), ('canary', 'DELETE'),
                                                         ('dead', 'INSERT'), ('dead', 'UPDATE'), ('dead', 'DELETE'))))
 group by p.table_schema, p.table_name
union all
select distinct concat('may pass on its rights on ', p.place, ', and does not need that'), concat('GRANT OPTION ON ', p.place)
  from (select '*.*' as place, is_grantable from information_schema.user_privileges
        union all
        select concat('`', replace(table_schema, '`', '``'), '`.*'), is_grantable from information_schema.schema_privileges
        union all
        select concat('`', replace(table_schema, '`', '``'), '`.`', replace(table_name, '`', '``'), '`'), is_grantable
          from information_schema.table_privileges) p
 where p.is_grantable = 'YES'
union all
select concat('may take on role ', r.role_name, ', whose rights it does not need'), concat('`', replace(r.role_name, '`', '``'), '`')
  from information_schema.applicable_roles r
 where binary r.grantee = binary current_user()
       ) x
