-- The tables asked for, as roots of their partitions, and all that they refer to, by way of others.
-- $1, $2: schemas and names. One JSON object a table; columns in their order.
WITH RECURSIVE needed(oid) AS (
  SELECT coalesce(pg_catalog.pg_partition_root(c.oid)::oid, c.oid)
    FROM unnest(%s::text[], %s::text[]) AS asked(schema, name)
    JOIN pg_catalog.pg_namespace n ON n.nspname = asked.schema
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = asked.name
   WHERE c.relkind IN ('r', 'p')
  UNION
  SELECT coalesce(pg_catalog.pg_partition_root(f.confrelid)::oid, f.confrelid)
    FROM needed
    JOIN pg_catalog.pg_constraint f
      ON f.contype = 'f' AND f.conparentid = 0
     AND f.conrelid IN (SELECT needed.oid UNION ALL
                        SELECT t.relid FROM pg_catalog.pg_partition_tree(needed.oid) t)
)
SELECT pg_catalog.json_build_object(
  'schema', n.nspname,
  'name', c.relname,
  'is_partitioned', c.relkind = 'p',
  'has_triggers', EXISTS (
    SELECT FROM pg_catalog.pg_trigger g
     WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgenabled IN ('O', 'A')),
  'columns', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', a.attname,
      'type', a.atttypid::bigint,
      'modifier', a.atttypmod,
      'sql', pg_catalog.format_type(a.atttypid, a.atttypmod),
      'is_nullable', NOT a.attnotnull,
      'is_identity', a.attidentity <> '',
      'generation', CASE WHEN a.attgenerated <> '' THEN x.expression END,
      'default', CASE WHEN a.attgenerated = '' THEN x.expression END,
      'sequence', CASE WHEN a.attidentity <> '' THEN pg_catalog.pg_get_serial_sequence(
        pg_catalog.format('%%I.%%I', n.nspname, c.relname), a.attname) END
      ) ORDER BY a.attnum)
      FROM pg_catalog.pg_attribute a
      LEFT JOIN LATERAL (
        SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS expression
          FROM pg_catalog.pg_attrdef d
         WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) x ON true
     WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  'checks', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', k.conname,
      'expression', pg_catalog.pg_get_expr(k.conbin, k.conrelid),
      'columns', (SELECT pg_catalog.json_agg(a.attname ORDER BY a.attnum)
                    FROM pg_catalog.pg_attribute a
                   WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey))
      ) ORDER BY k.conname)
      FROM pg_catalog.pg_constraint k
     WHERE k.conrelid = c.oid AND k.contype = 'c'
       -- those of PostgreSQL 18 that nobody enforces keep no row out
       AND pg_catalog.to_jsonb(k) ->> 'conenforced' IS DISTINCT FROM 'false'),
  'keys', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', xc.relname,
      'is_immediate', i.indimmediate,
      'is_plain', i.indexprs IS NULL AND i.indpred IS NULL AND i.indisunique,
      'columns', (SELECT pg_catalog.json_agg(a.attname ORDER BY a.attnum)
                    FROM pg_catalog.pg_attribute a
                   WHERE a.attrelid = i.indrelid AND (
                         a.attnum = ANY ((i.indkey::smallint[])[0:i.indnkeyatts - 1])
                         OR (i.indexprs IS NOT NULL AND EXISTS (
                           SELECT FROM pg_catalog.pg_depend d
                            WHERE d.classid = 'pg_catalog.pg_class'::regclass
                              AND d.objid = i.indexrelid
                              AND d.refclassid = 'pg_catalog.pg_class'::regclass
                              AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum))))
      ) ORDER BY i.indnkeyatts, xc.relname)
      FROM pg_catalog.pg_index i
      JOIN pg_catalog.pg_class xc ON xc.oid = i.indexrelid
     WHERE i.indrelid = c.oid AND (i.indisunique OR i.indisexclusion)),
  'references', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', k.conname,
      'is_deferrable', k.condeferrable,
      'is_full', k.confmatchtype = 'f',
      'schema', tn.nspname,
      'table', t.relname,
      'columns', (SELECT pg_catalog.json_agg(a.attname ORDER BY p.position)
                    FROM unnest(k.conkey) WITH ORDINALITY p(attnum, position)
                    JOIN pg_catalog.pg_attribute a
                      ON a.attrelid = k.conrelid AND a.attnum = p.attnum),
      'targets', (SELECT pg_catalog.json_agg(a.attname ORDER BY p.position)
                    FROM unnest(k.confkey) WITH ORDINALITY p(attnum, position)
                    JOIN pg_catalog.pg_attribute a
                      ON a.attrelid = k.confrelid AND a.attnum = p.attnum)
      ) ORDER BY pg_catalog.cardinality(k.conkey) DESC, k.conname)
      FROM pg_catalog.pg_constraint k
      JOIN pg_catalog.pg_class t ON t.oid = k.confrelid
      JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
     WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.conparentid = 0
       AND pg_catalog.to_jsonb(k) ->> 'conenforced' IS DISTINCT FROM 'false'),
  'leaves', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'schema', ln.nspname,
      'name', l.relname,
      'condition', pg_catalog.pg_get_partition_constraintdef(l.oid),
      'checks', (
        SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
          'name', k.conname,
          'expression', pg_catalog.pg_get_expr(k.conbin, k.conrelid),
          'columns', (SELECT pg_catalog.json_agg(a.attname ORDER BY a.attnum)
                        FROM pg_catalog.pg_attribute a
                       WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey))
          ) ORDER BY k.conname)
          FROM pg_catalog.pg_constraint k
         WHERE k.conrelid = l.oid AND k.contype = 'c' AND k.coninhcount = 0)
      ) ORDER BY ln.nspname, l.relname)
      FROM pg_catalog.pg_partition_tree(c.oid) p
      JOIN pg_catalog.pg_class l ON l.oid = p.relid
      JOIN pg_catalog.pg_namespace ln ON ln.oid = l.relnamespace
     WHERE c.relkind = 'p' AND p.isleaf AND l.relkind = 'r'))
  FROM needed
  JOIN pg_catalog.pg_class c ON c.oid = needed.oid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p')
 ORDER BY n.nspname, c.relname
