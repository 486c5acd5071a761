-- R048 warning constraints
-- Rows are valid for a time, and nothing keeps two of them from being so at once.
-- fix: add EXCLUDE USING gist, or WITHOUT OVERLAPS from 18 on, unless they may overlap
SELECT tab.name, 'a period without EXCLUDE or WITHOUT OVERLAPS', '', NULL::text
FROM tab
WHERE NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conrelid = tab.oid
        AND (k.contype = 'x' OR coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false)))
    AND (EXISTS (SELECT FROM col JOIN pg_type AS t ON t.oid = col.atttypid AND t.typtype = 'r'
            WHERE col.attrelid = tab.oid)
        OR (EXISTS (SELECT FROM col WHERE col.attrelid = tab.oid
                AND col.attname IN ('valid_from', 'effective_from', 'starts_at'))
            AND EXISTS (SELECT FROM col WHERE col.attrelid = tab.oid
                AND col.attname IN ('valid_to', 'effective_to', 'ends_at'))))
