-- R030 warning security verify
-- A permissive policy lets rows be written whatever is in them.
-- fix: say in WITH CHECK which rows may be written
SELECT rel.name, format('%I for %s', p.polname, CASE p.polcmd WHEN '*' THEN 'ALL' WHEN 'a' THEN 'INSERT'
        WHEN 'w' THEN 'UPDATE' ELSE 'DELETE' END), p.polname, NULL::text
FROM rel JOIN pg_policy AS p ON p.polrelid = rel.oid
WHERE p.polpermissive AND p.polcmd IN ('*', 'a', 'w', 'd')
    AND coalesce(pg_get_expr(p.polwithcheck, p.polrelid), pg_get_expr(p.polqual, p.polrelid), 'true') = 'true'
