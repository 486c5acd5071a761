-- R041 info live live
-- An index is over a column that has at most three values.
-- fix: a partial index for the value that is rare and asked for
SELECT i.table_name, format('%s on %I: %s values', i.name, a.attname, s.n_distinct), i.relname, NULL::text
FROM idx AS i JOIN pg_class AS c ON c.oid = i.indrelid
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.keys[0]
JOIN pg_stats AS s ON s.schemaname = i.nspname AND s.tablename = c.relname AND s.attname = a.attname
WHERE i.indnkeyatts = 1 AND i.predicate IS NULL AND NOT i.indisunique
    AND s.n_distinct BETWEEN 1 AND 3 AND i.table_rows > 10000
