-- R055 warning live live
-- A role that can log in is not bound by any policy, where there are policies.
-- fix: let the application connect as a role that is neither a superuser nor has BYPASSRLS
-- The superuser that the cluster was made with cannot be without.
SELECT quote_ident(r.rolname), concat_ws(', ', CASE WHEN r.rolsuper THEN 'superuser' END,
        CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END), '', NULL::text
FROM pg_roles AS r
WHERE r.rolcanlogin AND r.oid <> 10 AND (r.rolsuper OR r.rolbypassrls) AND EXISTS (SELECT FROM pg_policy)
