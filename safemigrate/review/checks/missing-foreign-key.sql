-- R045 info keys
-- A column is named after another table's key, has its type, and is no foreign key.
-- fix: add the foreign key NOT VALID, and validate it
-- One beside a column that says which table is meant may refer to any.
SELECT col.name, format('looks like a reference to %s', t.name), '', NULL::text
FROM col
JOIN tab AS t ON t.relnamespace = col.relnamespace AND t.relname IN (left(col.attname, -3),
    left(col.attname, -3) || 's', left(col.attname, -3) || 'es', regexp_replace(left(col.attname, -3), 'y$', 'ies'))
JOIN pg_constraint AS k ON k.conrelid = t.oid AND k.contype = 'p' AND cardinality(k.conkey) = 1
JOIN pg_attribute AS p ON p.attrelid = t.oid AND p.attnum = k.conkey[1] AND p.atttypid = col.atttypid
WHERE col.attname LIKE '%\_id'
    AND NOT EXISTS (SELECT FROM pg_constraint AS f WHERE f.contype = 'f' AND f.conrelid = col.attrelid
        AND col.attnum = ANY (f.conkey))
    AND NOT EXISTS (SELECT FROM col AS b WHERE b.attrelid = col.attrelid
        AND b.attname = left(col.attname, -3) || '_type')
