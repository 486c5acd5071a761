-- R032 warning security verify
-- A function runs with its owner's rights, and with the search path of whoever calls it.
-- fix: ALTER FUNCTION … SET search_path = '', and qualify the names in its body
SELECT p.oid::regprocedure::text, format('owner %I', pg_get_userbyid(p.proowner)), '',
    format('ALTER FUNCTION %s SET search_path = ''''', p.oid::regprocedure)
FROM pg_proc AS p JOIN ns ON ns.oid = p.pronamespace
WHERE p.prosecdef AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS g (setting)
        WHERE g.setting LIKE 'search_path=%')
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass
        AND d.objid = p.oid AND d.deptype = 'e')
