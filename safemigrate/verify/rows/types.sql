-- The types asked for, and all that they are made of. One JSON object a type.
WITH RECURSIVE needed(oid) AS (
  SELECT unnest(%s::oid[])
  UNION
  SELECT part.oid
    FROM needed
    JOIN pg_catalog.pg_type t ON t.oid = needed.oid
    CROSS JOIN LATERAL (
      SELECT t.typbasetype AS oid WHERE t.typtype = 'd'
      UNION ALL
      SELECT t.typelem WHERE t.typcategory = 'A' AND t.typelem <> 0
      UNION ALL
      SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
      UNION ALL
      SELECT a.atttypid FROM pg_catalog.pg_attribute a
       WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    ) part
)
SELECT pg_catalog.json_build_object(
  'oid', t.oid::bigint,
  'schema', n.nspname,
  'name', t.typname,
  'kind', t.typtype,
  'category', t.typcategory,
  'delimiter', t.typdelim,
  'element', CASE WHEN t.typcategory = 'A' THEN t.typelem::bigint ELSE 0 END,
  'base', t.typbasetype::bigint,
  'base_modifier', t.typtypmod,
  'is_nullable', NOT t.typnotnull,
  'subtype', coalesce((SELECT r.rngsubtype::bigint FROM pg_catalog.pg_range r
                        WHERE t.oid IN (r.rngtypid, r.rngmultitypid)), 0),
  'labels', (SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder)
               FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid),
  'checks', (SELECT pg_catalog.json_agg(pg_catalog.pg_get_constraintdef(k.oid) ORDER BY k.conname)
               FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'),
  'parts', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                     a.atttypid::bigint, a.atttypmod) ORDER BY a.attnum)
              FROM pg_catalog.pg_attribute a
             WHERE t.typtype = 'c' AND a.attrelid = t.typrelid
               AND a.attnum > 0 AND NOT a.attisdropped))
  FROM needed
  JOIN pg_catalog.pg_type t ON t.oid = needed.oid
  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
 ORDER BY t.oid
