-- Every table that row-level security is on, or that has policies, as one document of JSON; names are
-- given quoted (identity) and plain. Run with search_path = '', so that expressions name all in full.
WITH RECURSIVE ext AS (
  SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
),
guarded AS (
  SELECT c.*, nspname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
   WHERE relkind IN ('r', 'p') AND nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'safemigrate')
     AND (relrowsecurity OR EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid))
     AND NOT EXISTS (SELECT FROM ext WHERE ext.classid = 'pg_class'::regclass AND ext.objid = c.oid)
),
viewing AS (
  SELECT g.oid AS guarded, g.oid AS relation FROM guarded g
  UNION
  SELECT v.guarded, r.ev_class FROM viewing v
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = v.relation
                    AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid
),
part AS (
  SELECT g.oid AS guarded, i.inhrelid AS relation FROM guarded g JOIN pg_inherits i ON i.inhparent = g.oid
  UNION
  SELECT p.guarded, i.inhrelid FROM part p JOIN pg_inherits i ON i.inhparent = p.relation
)
SELECT coalesce(jsonb_agg(jsonb_build_object(
  'schema', g.nspname, 'name', g.relname, 'identity', format('%I.%I', g.nspname, g.relname),
  'is_enabled', g.relrowsecurity, 'is_forced', g.relforcerowsecurity,
  'owner', pg_get_userbyid(g.relowner),
  'columns', (SELECT jsonb_agg(jsonb_build_object(
       'name', attname, 'type', format_type(atttypid, atttypmod),
       'is_settable', attgenerated = '' AND attidentity <> 'a',
       'is_numbered', attidentity <> '' OR coalesce(pg_get_expr(adbin, adrelid) LIKE 'nextval(%', false))
       ORDER BY attnum)
     FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = g.oid AND attnum > 0 AND NOT attisdropped),
  'primary', coalesce((SELECT jsonb_agg(attname) FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
     WHERE indrelid = g.oid AND indisprimary), '[]'),
  'policies', coalesce((SELECT jsonb_agg(jsonb_build_object(
       'name', polname,
       'is_permissive', polpermissive,
       'roles', (SELECT jsonb_agg(CASE WHEN r = 0 THEN '' ELSE pg_get_userbyid(r)::text END) FROM unnest(polroles) r),
       'using', coalesce(pg_get_expr(polqual, polrelid), ''),
       'check', coalesce(pg_get_expr(polwithcheck, polrelid), ''),
       'columns', coalesce((SELECT jsonb_agg(DISTINCT attname) FROM pg_depend d
            JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
           WHERE classid = 'pg_policy'::regclass AND objid = p.oid
             AND refclassid = 'pg_class'::regclass AND refobjid = g.oid AND refobjsubid > 0), '[]'),
       'reads', coalesce((SELECT jsonb_agg(DISTINCT format('%I.%I', nspname, relname)) FROM pg_depend d
            JOIN pg_class c ON c.oid = refobjid JOIN pg_namespace n ON n.oid = relnamespace
           WHERE classid = 'pg_policy'::regclass AND objid = p.oid
             AND refclassid = 'pg_class'::regclass AND refobjid <> g.oid), '[]'))
       ORDER BY polname)
     FROM pg_policy p WHERE polrelid = g.oid), '[]'),
  'references', coalesce((SELECT jsonb_agg(jsonb_build_object(
       'schema', n.nspname, 'name', c.relname, 'identity', format('%I.%I', n.nspname, c.relname),
       'columns', (SELECT jsonb_agg(attname ORDER BY position) FROM unnest(conkey) WITH ORDINALITY k (number, position)
                     JOIN pg_attribute ON attrelid = conrelid AND attnum = number),
       'keys', (SELECT jsonb_agg(attname ORDER BY position) FROM unnest(confkey) WITH ORDINALITY k (number, position)
                  JOIN pg_attribute ON attrelid = confrelid AND attnum = number)) ORDER BY conname)
     FROM pg_constraint JOIN pg_class c ON c.oid = confrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE conrelid = g.oid AND contype = 'f'), '[]'),
  'parts', coalesce((SELECT jsonb_agg(jsonb_build_object(
       'schema', n.nspname, 'name', c.relname, 'identity', format('%I.%I', n.nspname, c.relname)) ORDER BY c.relname)
     FROM part JOIN pg_class c ON c.oid = relation JOIN pg_namespace n ON n.oid = relnamespace
    WHERE part.guarded = g.oid AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid)), '[]'),
  'views', coalesce((SELECT jsonb_agg(DISTINCT jsonb_build_object(
       'schema', n.nspname, 'name', c.relname, 'identity', format('%I.%I', n.nspname, c.relname),
       'is_kept', relkind = 'm', 'owner', pg_get_userbyid(relowner), 'oid', c.oid::bigint))
     FROM viewing v JOIN pg_class c ON c.oid = relation JOIN pg_namespace n ON n.oid = relnamespace
    WHERE v.guarded = g.oid AND relkind IN ('v', 'm')), '[]'),
  'functions', coalesce((SELECT jsonb_agg(jsonb_build_object(
       'schema', n.nspname, 'name', proname, 'kind', prokind::text, 'owner', pg_get_userbyid(proowner),
       'identity', format('%I.%I(%s)', n.nspname, proname, pg_get_function_identity_arguments(p.oid)),
       'arguments', (SELECT coalesce(jsonb_agg(format_type(t, NULL) ORDER BY position), '[]')
                       FROM unnest(proargtypes) WITH ORDINALITY a (t, position)),
       'defaults', pronargdefaults, 'oid', p.oid::bigint) ORDER BY proname, p.oid)
     FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
    WHERE prosecdef AND prokind IN ('f', 'p') AND n.nspname !~ '^pg_'
      AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
      AND NOT EXISTS (SELECT FROM ext WHERE ext.classid = 'pg_proc'::regclass AND ext.objid = p.oid)
      AND (position(lower(g.relname) IN lower(prosrc)) > 0
           OR EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                         AND refclassid = 'pg_class'::regclass AND refobjid = g.oid))), '[]'),
  'has_triggers', EXISTS (SELECT FROM pg_trigger WHERE tgrelid = g.oid AND NOT tgisinternal),
  'granted', coalesce((SELECT jsonb_agg(DISTINCT CASE WHEN grantee = 0 THEN '' ELSE pg_get_userbyid(grantee)::text END)
     FROM (SELECT grantee FROM aclexplode(g.relacl)
           UNION SELECT a.grantee FROM pg_attribute, aclexplode(attacl) a WHERE attrelid = g.oid
           UNION SELECT unnest(polroles) FROM pg_policy WHERE polrelid = g.oid AND polroles <> '{0}'
           UNION SELECT a.grantee FROM viewing v JOIN pg_class c ON c.oid = v.relation, aclexplode(c.relacl) a
                  WHERE v.guarded = g.oid
           UNION SELECT a.grantee FROM part JOIN pg_class c ON c.oid = part.relation, aclexplode(c.relacl) a
                  WHERE part.guarded = g.oid) a (grantee)
    WHERE grantee <> g.relowner
      AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = grantee AND (rolsuper OR rolbypassrls))), '[]')
) ORDER BY g.nspname, g.relname), '[]')::text
  FROM guarded g
