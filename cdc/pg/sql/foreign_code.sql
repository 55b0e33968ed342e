-- Functions that run with the rights of the user when rows are applied to the tables, and that somebody else may replace: of their
-- checks, defaults, generated columns, indexes, partition keys and policies, and of the domains of their columns.
-- A function of a superuser is trusted. Those of a role that the user acts for are, too, unless the user is a superuser:
-- then they would be given all of its rights. One row a function: what calls it, and what is to be done.
-- Where the applier is a user of its own, such a function can write to the tables of the context and no further: that is nothing
-- new while all of them have one owner, who decides anyway what his tables call.
-- $1 name of that user or '', $2 schemas of the tables as an array, $3 their names. Rights: none. PostgreSQL 14+.
with recursive who as (
    select cast(? as text) as applier
), me as (
    select r.oid, r.rolsuper, quote_ident(r.rolname) as id, who.applier from who join pg_roles r on r.rolname = case who.applier when '' then current_user else who.applier end
), tree as (
    select c.oid
      from unnest(cast(? as text[]), cast(? as text[])) as x(s, r)
      join pg_namespace n on n.nspname = x.s
      join pg_class c on c.relnamespace = n.oid and c.relname = x.r
    union
    select i.inhrelid from tree join pg_inherits i on i.inhparent = tree.oid
), domain as (
    select t.oid, t.typbasetype, a.attrelid from tree join pg_attribute a on a.attrelid = tree.oid and a.attnum > 0 and not a.attisdropped
      join pg_type t on t.oid = a.atttypid
    union
    select t.oid, t.typbasetype, d.attrelid from domain d join pg_type t on t.oid = d.typbasetype
), caller as (
    select 'pg_class'::regclass as classid, oid as objid, oid as rel from tree
    union all select 'pg_constraint'::regclass, c.oid, c.conrelid from pg_constraint c join tree on tree.oid = c.conrelid
    union all select 'pg_attrdef'::regclass, d.oid, d.adrelid from pg_attrdef d join tree on tree.oid = d.adrelid
    union all select 'pg_class'::regclass, x.indexrelid, x.indrelid from pg_index x join tree on tree.oid = x.indrelid
    union all select 'pg_policy'::regclass, p.oid, p.polrelid from pg_policy p join tree on tree.oid = p.polrelid
    union all select 'pg_type'::regclass, oid, attrelid from domain
    union all select 'pg_constraint'::regclass, c.oid, d.attrelid from pg_constraint c join domain d on d.oid = c.contypid
), called as (
    select caller.classid, caller.objid, caller.rel, d.refobjid as func from caller
      join pg_depend d on d.classid = caller.classid and d.objid = caller.objid and d.refclassid = 'pg_proc'::regclass
    union
    select caller.classid, caller.objid, caller.rel, o.oprcode from caller
      join pg_depend d on d.classid = caller.classid and d.objid = caller.objid and d.refclassid = 'pg_operator'::regclass
      join pg_operator o on o.oid = d.refobjid
    union
    select caller.classid, caller.objid, caller.rel, ap.amproc from caller
      join pg_depend d on d.classid = caller.classid and d.objid = caller.objid and d.refclassid = 'pg_opclass'::regclass
      join pg_opclass oc on oc.oid = d.refobjid join pg_amproc ap on ap.amprocfamily = oc.opcfamily
)
select distinct format('%s of table %s calls function %s of role %s, which could do anything that user %s may; read it before you trust it',
              pg_describe_object(called.classid, called.objid, 0), format('%I.%I', n.nspname, c.relname), p.oid::regprocedure,
              quote_ident(r.rolname), me.id),
       'ALTER FUNCTION ' || p.oid::regprocedure || ' OWNER TO ' || quote_ident(current_user) || ';'
  from called join pg_proc p on p.oid = called.func join pg_roles r on r.oid = p.proowner
  join pg_class c on c.oid = called.rel join pg_namespace n on n.oid = c.relnamespace, me
 where not r.rolsuper and r.oid <> me.oid and r.rolname <> current_user and (me.rolsuper or not pg_has_role(me.oid, r.oid, 'USAGE'))
   and (me.applier = '' or (select count(distinct c.relowner) from tree join pg_class c on c.oid = tree.oid
                                   join pg_namespace n on n.oid = c.relnamespace where n.nspname <> 'ficus') > 1)
 order by 1
