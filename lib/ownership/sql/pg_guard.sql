/*
 * What of Ficus's own on a PostgreSQL side is somebody else's, or could run somebody else's code. Reads nothing but the catalog,
 * so that nothing of theirs runs meanwhile. No parameters. Rights: none. One row a finding: what is wrong, and the statement that mends it
 * (NULL: there is none to be typed). None of them drops what Ficus made: ficus.own records which side owns the customer's tables.
 *
 * Every object of schema ficus must belong to exactly the user: an owner replaces a function, adds a trigger, a rule, a policy or a
 * check, and it runs as whoever uses the table. Functions, types and operators of the server itself have no rows in pg_depend.
 */
WITH me AS (
    SELECT oid, rolname FROM pg_roles WHERE rolname = current_user
), ns AS (
    SELECT oid, nspowner, nspacl FROM pg_namespace WHERE nspname = 'ficus'
), rel AS (
    SELECT c.oid, c.relname, c.relkind, c.relowner, c.relispartition, c.relhassubclass, c.relrowsecurity
      FROM pg_class c JOIN ns ON ns.oid = c.relnamespace
), code AS (
    SELECT c.oid FROM pg_constraint c JOIN rel ON rel.oid = c.conrelid
    UNION ALL SELECT d.oid FROM pg_attrdef d JOIN rel ON rel.oid = d.adrelid
    UNION ALL SELECT rel.oid FROM rel
)
SELECT format('schema ficus belongs to role %I', pg_get_userbyid(nspowner)), format('ALTER SCHEMA ficus OWNER TO %I;', me.rolname) FROM ns, me WHERE nspowner <> me.oid
UNION ALL
SELECT format('role %s may create objects in schema ficus', g.grantee), format('REVOKE CREATE ON SCHEMA ficus FROM %s;', g.grantee)
  FROM ns, me, aclexplode(ns.nspacl) AS a,
       LATERAL (SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee) AS g
 WHERE a.privilege_type = 'CREATE' AND a.grantee NOT IN (ns.nspowner, me.oid)
UNION ALL
SELECT format('ficus.%I belongs to role %I', relname, pg_get_userbyid(relowner)),
       /* indexes and the sequences of identity columns follow their table */
       CASE WHEN rel.relkind IN ('r', 'p') THEN format('ALTER TABLE ficus.%I OWNER TO %I;', rel.relname, me.rolname)
            WHEN t.relid IS NOT NULL THEN format('ALTER TABLE %s OWNER TO %I;', t.relid::regclass, me.rolname)
            WHEN rel.relkind = 'S' THEN format('ALTER SEQUENCE ficus.%I OWNER TO %I;', rel.relname, me.rolname) END
  FROM me, rel LEFT JOIN LATERAL (
       SELECT x.indrelid AS relid FROM pg_index x WHERE x.indexrelid = rel.oid
       UNION ALL
       SELECT d.refobjid FROM pg_depend d
        WHERE rel.relkind = 'S' AND d.classid = 'pg_class'::regclass AND d.objid = rel.oid AND d.refclassid = 'pg_class'::regclass
          AND d.deptype IN ('a', 'i')) AS t ON true
 WHERE relowner <> me.oid
UNION ALL
SELECT format('ficus.%I is not a plain table', relname),
       CASE WHEN relkind = 'v' THEN format('DROP VIEW ficus.%I;', relname)
            WHEN relkind = 'm' THEN format('DROP MATERIALIZED VIEW ficus.%I;', relname)
            WHEN relkind = 'f' THEN format('DROP FOREIGN TABLE ficus.%I;', relname)
            WHEN relkind = 'c' THEN format('DROP TYPE ficus.%I;', relname)
            WHEN relispartition AND relkind IN ('r', 'p') THEN (SELECT format('ALTER TABLE %s DETACH PARTITION ficus.%I;', i.inhparent::regclass, relname)
              FROM pg_inherits i WHERE i.inhrelid = rel.oid)
            WHEN relkind = 'r' THEN coalesce((SELECT format('ALTER TABLE %s NO INHERIT ficus.%I;', i.inhrelid::regclass, relname)
              FROM pg_inherits i WHERE i.inhparent = rel.oid LIMIT 1), format('ANALYZE ficus.%I;', relname)) END
  FROM rel WHERE relkind NOT IN ('r', 'i', 'S') OR relispartition OR (relkind = 'r' AND relhassubclass)
UNION ALL
SELECT format('ficus.%I inherits from another table', relname),
       (SELECT format(CASE WHEN rel.relispartition THEN 'ALTER TABLE %2$s DETACH PARTITION ficus.%1$I;' ELSE 'ALTER TABLE ficus.%1$I NO INHERIT %2$s;' END,
          relname, i.inhparent::regclass) FROM pg_inherits i WHERE i.inhrelid = rel.oid AND rel.relkind = 'r' LIMIT 1)
  FROM rel WHERE EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhrelid = rel.oid)
UNION ALL
SELECT format('rule %I is on ficus.%I', r.rulename, rel.relname),
       CASE WHEN rel.relkind = 'v' THEN format('DROP VIEW ficus.%I;', rel.relname)
            WHEN rel.relkind = 'm' THEN format('DROP MATERIALIZED VIEW ficus.%I;', rel.relname)
            ELSE format('DROP RULE %I ON ficus.%I;', r.rulename, rel.relname) END
  FROM pg_rewrite r JOIN rel ON rel.oid = r.ev_class
UNION ALL
SELECT format('row level security is on for ficus.%I', relname), format('ALTER TABLE ficus.%I DISABLE ROW LEVEL SECURITY;', relname) FROM rel WHERE relrowsecurity
UNION ALL
SELECT format('policy %I is on ficus.%I', p.polname, rel.relname), format('DROP POLICY %I ON ficus.%I;', p.polname, rel.relname)
  FROM pg_policy p JOIN rel ON rel.oid = p.polrelid
UNION ALL
SELECT format('trigger %I is on ficus.%I', t.tgname, rel.relname), format('DROP TRIGGER %I ON ficus.%I;', t.tgname, rel.relname)
  FROM pg_trigger t JOIN rel ON rel.oid = t.tgrelid
 WHERE NOT t.tgisinternal AND (rel.relname <> 'canary' OR t.tgfoid NOT IN
       (SELECT p.oid FROM pg_proc p JOIN ns ON ns.oid = p.pronamespace WHERE p.proname = 'fence' AND p.pronargs = 0))
UNION ALL
SELECT format('index ficus.%I computes what it holds', rel.relname),
       coalesce((SELECT format('ALTER TABLE %s DROP CONSTRAINT %I;', k.conrelid::regclass, k.conname)
          FROM pg_constraint k WHERE k.conindid = rel.oid AND k.conrelid = x.indrelid LIMIT 1), format('DROP INDEX ficus.%I;', rel.relname))
  FROM pg_index x JOIN rel ON rel.oid = x.indexrelid WHERE x.indexprs IS NOT NULL OR x.indpred IS NOT NULL
UNION ALL
SELECT format('%s uses %s', pg_describe_object(d.classid, d.objid, d.objsubid), pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)),
       CASE WHEN d.classid = 'pg_constraint'::regclass
            THEN (SELECT format('ALTER TABLE %s DROP CONSTRAINT %I;', k.conrelid::regclass, k.conname) FROM pg_constraint k WHERE k.oid = d.objid)
            WHEN d.classid = 'pg_attrdef'::regclass
            THEN (SELECT format('ALTER TABLE %s ALTER %I DROP %s;', e.adrelid::regclass, a.attname, CASE a.attgenerated WHEN '' THEN 'DEFAULT' ELSE 'EXPRESSION' END)
                    FROM pg_attrdef e JOIN pg_attribute a ON a.attrelid = e.adrelid AND a.attnum = e.adnum WHERE e.oid = d.objid) END
  FROM pg_depend d JOIN code ON code.oid = d.objid
 WHERE d.classid IN ('pg_class'::regclass, 'pg_constraint'::regclass, 'pg_attrdef'::regclass)
   AND d.refclassid IN ('pg_proc'::regclass, 'pg_type'::regclass, 'pg_operator'::regclass, 'pg_opclass'::regclass, 'pg_collation'::regclass)
UNION ALL
SELECT format('function %s is in schema ficus', p.oid::regprocedure), format('DROP ROUTINE %s;', p.oid::regprocedure)
  FROM pg_proc p JOIN ns ON ns.oid = p.pronamespace WHERE p.proname <> 'fence' OR p.pronargs <> 0
UNION ALL
SELECT format('function ficus.fence belongs to role %I', pg_get_userbyid(p.proowner)), format('ALTER FUNCTION ficus.fence() OWNER TO %I;', me.rolname)
  FROM pg_proc p JOIN ns ON ns.oid = p.pronamespace, me WHERE p.proname = 'fence' AND p.pronargs = 0 AND p.proowner <> me.oid
UNION ALL
SELECT 'function ficus.fence is not as Ficus creates it',
       CASE WHEN l.lanname = 'plpgsql' THEN 'ALTER FUNCTION ficus.fence() SECURITY DEFINER RESET ALL SET search_path = pg_catalog, pg_temp;' END
  FROM pg_proc p JOIN ns ON ns.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang, me
 WHERE p.proname = 'fence' AND p.pronargs = 0 AND p.proowner = me.oid
   AND NOT (p.prosecdef AND l.lanname = 'plpgsql' AND coalesce(p.proconfig, '{}') = ARRAY['search_path=pg_catalog, pg_temp'])
UNION ALL
SELECT format('type %s is in schema ficus', t.oid::regtype), format('DROP %s %s;', CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, t.oid::regtype)
  FROM pg_type t JOIN ns ON ns.oid = t.typnamespace WHERE t.typrelid = 0 AND t.typelem = 0
UNION ALL
SELECT format('operator %s is in schema ficus', o.oid::regoperator), format('DROP OPERATOR %s;', o.oid::regoperator)
  FROM pg_operator o JOIN ns ON ns.oid = o.oprnamespace
UNION ALL
SELECT format('publication %I belongs to role %I', pubname, pg_get_userbyid(pubowner)), format('ALTER PUBLICATION %I OWNER TO %I;', pubname, me.rolname)
  FROM pg_publication, me WHERE pubname LIKE 'ficus\_%' AND pubowner <> me.oid
UNION ALL
SELECT format('replication slot %I decodes with %s', slot_name, coalesce(plugin, 'no plugin')), format('SELECT pg_drop_replication_slot(%L);', slot_name)
  FROM pg_replication_slots WHERE slot_name LIKE 'ficus\_%' AND database = current_database() AND plugin <> 'pgoutput'
UNION ALL
SELECT format('event trigger %I runs %s of role %I, which is no superuser', e.evtname, p.oid::regprocedure, r.rolname),
       format('ALTER EVENT TRIGGER %I DISABLE;', e.evtname)
  FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid JOIN pg_roles r ON r.oid = p.proowner, me
 WHERE e.evtenabled <> 'D' AND NOT r.rolsuper AND r.oid <> me.oid
 ORDER BY 1
