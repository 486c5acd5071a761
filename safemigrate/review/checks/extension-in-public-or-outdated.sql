-- R053 info tables
-- An extension lives in the schema public, or is older than the one that the server has.
-- fix: ALTER EXTENSION … UPDATE; for its schema, ALTER EXTENSION … SET SCHEMA
SELECT e.extname::text, concat_ws(', ', CASE WHEN n.nspname = 'public' THEN 'in schema public' END,
        CASE WHEN a.default_version <> e.extversion THEN
            format('%s, and the server has %s', e.extversion, a.default_version) END), '', NULL::text
FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
JOIN pg_available_extensions AS a ON a.name = e.extname
WHERE e.extname <> 'plpgsql' AND (n.nspname = 'public' OR a.default_version <> e.extversion)
