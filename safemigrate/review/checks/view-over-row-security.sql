-- R031 error security verify
-- A view reads a table with row-level security as its owner, past the policies of who asks.
-- fix: WITH (security_invoker = true), from 15 on; a materialized view needs other protection
SELECT DISTINCT v.name, format('reads %s as %I', t.name, pg_get_userbyid(v.relowner)), t.name, NULL::text
FROM rel AS v JOIN pg_rewrite AS r ON r.ev_class = v.oid
JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
    AND d.refclassid = 'pg_class'::regclass
JOIN rel AS t ON t.oid = d.refobjid AND t.oid <> v.oid AND t.relrowsecurity
WHERE v.relkind IN ('v', 'm') AND NOT (v.relkind = 'v' AND coalesce((
    SELECT o.option_value::boolean FROM pg_options_to_table(v.reloptions) AS o
    WHERE o.option_name = 'security_invoker'), false))
