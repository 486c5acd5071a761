-- R026 warning security
-- A table has the column of a tenant and no row-level security, where other tables have policies.
-- fix: enable it, and create the policy that the other tables have
SELECT col.table_name, format('%I', col.attname), '', NULL::text
FROM col JOIN tab ON tab.oid = col.attrelid
WHERE col.attname IN ('tenant_id', 'organization_id', 'org_id', 'account_id')
    AND NOT tab.relrowsecurity AND EXISTS (SELECT FROM pg_policy)
