-- R043 info live live
-- A column may be null, and in a sample of its rows it never is.
-- fix: make it NOT NULL, if that is meant: by a CHECK that is validated first
SELECT col.name, format('no null in the sample of about %s rows', col.reltuples::bigint), '', NULL::text
FROM col JOIN pg_class AS c ON c.oid = col.attrelid
JOIN ns ON ns.oid = c.relnamespace
JOIN pg_stats AS s ON s.schemaname = ns.nspname AND s.tablename = c.relname AND s.attname = col.attname
    AND NOT s.inherited
WHERE s.null_frac = 0 AND NOT col.attnotnull AND c.reltuples > 1000
