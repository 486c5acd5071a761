-- R028 warning security
-- A policy calls a function for every row that is the same for all of them.
-- fix: put the call into a sub-select, which is run once: (SELECT current_setting('app.tenant'))
-- Calls are counted, so that one that is wrapped does not hide another that is not.
SELECT rel.name, format('%I calls %s', p.polname, replace(f.call, '\', '') || ')'), p.polname || ' ' || f.call, NULL::text
FROM rel JOIN pg_policy AS p ON p.polrelid = rel.oid
CROSS JOIN LATERAL (SELECT regexp_replace(coalesce(pg_get_expr(p.polqual, p.polrelid), '') || ' '
    || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), ''), '\s+', ' ', 'g') AS text) AS e
CROSS JOIN (VALUES ('current_setting\('), ('auth\.uid\('), ('auth\.jwt\('), ('auth\.role\(')) AS f (call)
WHERE (SELECT count(*) FROM regexp_matches(e.text, f.call, 'g'))
    > (SELECT count(*) FROM regexp_matches(e.text, 'SELECT \(*' || f.call, 'gi'))
