-- R033 warning security
-- Every role may use a table, or create objects in a schema.
-- fix: revoke it, and grant it to the roles that need it
SELECT rel.name, string_agg(DISTINCT x.privilege_type, ', '), '', format('REVOKE ALL ON %s FROM PUBLIC', rel.name)
FROM rel CROSS JOIN LATERAL aclexplode(rel.relacl) AS x
WHERE x.grantee = 0 GROUP BY rel.name
UNION ALL
SELECT 'schema ' || quote_ident(ns.nspname), 'CREATE', '', format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', ns.nspname)
FROM ns CROSS JOIN LATERAL aclexplode(ns.nspacl) AS x
WHERE x.grantee = 0 AND x.privilege_type = 'CREATE'
