-- R042 info live live
-- An index is mostly of nulls.
-- fix: a partial index, WHERE … IS NOT NULL
SELECT i.table_name, format('%s: %s %% of %I are null', i.name, round((100 * s.null_frac)::numeric), a.attname),
    i.relname, NULL::text
FROM idx AS i JOIN pg_class AS c ON c.oid = i.indrelid
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.keys[0]
JOIN pg_stats AS s ON s.schemaname = i.nspname AND s.tablename = c.relname AND s.attname = a.attname
WHERE i.predicate IS NULL AND NOT i.indisunique AND s.null_frac > 0.5
    AND pg_relation_size(i.indexrelid) > 1048576
