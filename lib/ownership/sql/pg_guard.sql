/*
 * What of Ficus's own on a PostgreSQL side is somebody else's, or could run somebody else's code. Reads nothing but the catalog,
 * so that nothing of theirs runs meanwhile. No parameters. Rights: none. One row a finding: what is wrong.
 *
 * Every object of schema ficus must belong to exactly the user: an owner replaces a function, adds a trigger, a rule, a policy or a
 * check, and it runs as whoever uses the table. Functions, types and operators of the server itself have no rows in pg_depend.
 */
WITH me AS (
    SELECT oid FROM pg_roles WHERE rolname = current_user
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
SELECT format('schema ficus belongs to role %I', pg_get_userbyid(nspowner)) FROM ns, me WHERE nspowner <> me.oid
UNION ALL
SELECT format('role %s may create objects in schema ficus', CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
  FROM ns, me, aclexplode(ns.nspacl) AS a WHERE a.privilege_type = 'CREATE' AND a.grantee NOT IN (ns.nspowner, me.oid)
UNION ALL
SELECT format('ficus.%I belongs to role %I', relname, pg_get_userbyid(relowner)) FROM rel, me WHERE relowner <> me.oid
UNION ALL
SELECT format('ficus.%I is not a plain table', relname)
  FROM rel WHERE relkind NOT IN ('r', 'i', 'S') OR relispartition OR (relkind = 'r' AND relhassubclass)
UNION ALL
SELECT format('ficus.%I inherits from another table', relname)
  FROM rel WHERE EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhrelid = rel.oid)
UNION ALL
SELECT format('rule %I is on ficus.%I', r.rulename, rel.relname) FROM pg_rewrite r JOIN rel ON rel.oid = r.ev_class
UNION ALL
SELECT format('row level security is on for ficus.%I', relname) FROM rel WHERE relrowsecurity
UNION ALL
SELECT format('policy %I is on ficus.%I', p.polname, rel.relname) FROM pg_policy p JOIN rel ON rel.oid = p.polrelid
UNION ALL
SELECT format('trigger %I is on ficus.%I', t.tgname, rel.relname)
  FROM pg_trigger t JOIN rel ON rel.oid = t.tgrelid
 WHERE NOT t.tgisinternal AND (rel.relname <> 'canary' OR t.tgfoid NOT IN
       (SELECT p.oid FROM pg_proc p JOIN ns ON ns.oid = p.pronamespace WHERE p.proname = 'fence' AND p.pronargs = 0))
UNION ALL
SELECT format('index ficus.%I computes what it holds', rel.relname)
  FROM pg_index x JOIN rel ON rel.oid = x.indexrelid WHERE x.indexprs IS NOT NULL OR x.indpred IS NOT NULL
UNION ALL
SELECT format('%s uses %s', pg_describe_object(d.classid, d.objid, d.objsubid), pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid))
  FROM pg_depend d JOIN code ON code.oid = d.objid
 WHERE d.classid IN ('pg_class'::regclass, 'pg_constraint'::regclass, 'pg_attrdef'::regclass)
   AND d.refclassid IN ('pg_proc'::regclass, 'pg_type'::regclass, 'pg_operator'::regclass, 'pg_opclass'::regclass, 'pg_collation'::regclass)
UNION ALL
SELECT format('function %s is in schema ficus', p.oid::regprocedure)
  FROM pg_proc p JOIN ns ON ns.oid = p.pronamespace WHERE p.proname <> 'fence' OR p.pronargs <> 0
UNION ALL
SELECT format('function ficus.fence belongs to role %I', pg_get_userbyid(p.proowner))
  FROM pg_proc p JOIN ns ON ns.oid = p.pronamespace, me WHERE p.proname = 'fence' AND p.proowner <> me.oid
UNION ALL
SELECT 'function ficus.fence is not as Ficus creates it'
  FROM pg_proc p JOIN ns ON ns.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang, me
 WHERE p.proname = 'fence' AND p.proowner = me.oid
   AND NOT (p.prosecdef AND l.lanname = 'plpgsql' AND coalesce(p.proconfig, '{}') = ARRAY['search_path=pg_catalog, pg_temp'])
UNION ALL
SELECT format('type %s is in schema ficus', t.oid::regtype)
  FROM pg_type t JOIN ns ON ns.oid = t.typnamespace WHERE t.typrelid = 0 AND t.typelem = 0
UNION ALL
SELECT format('operator %s is in schema ficus', o.oid::regoperator) FROM pg_operator o JOIN ns ON ns.oid = o.oprnamespace
UNION ALL
SELECT format('publication %I belongs to role %I', pubname, pg_get_userbyid(pubowner))
  FROM pg_publication, me WHERE pubname LIKE 'ficus\_%' AND pubowner <> me.oid
UNION ALL
SELECT format('replication slot %I decodes with %s', slot_name, coalesce(plugin, 'no plugin'))
  FROM pg_replication_slots WHERE slot_name LIKE 'ficus\_%' AND database = current_database() AND plugin <> 'pgoutput'
UNION ALL
SELECT format('event trigger %I runs %s of role %I, which is no superuser', e.evtname, p.oid::regprocedure, r.rolname)
  FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid JOIN pg_roles r ON r.oid = p.proowner, me
 WHERE e.evtenabled <> 'D' AND NOT r.rolsuper AND r.oid <> me.oid
 ORDER BY 1
