-- R029 warning security
-- A policy compares a column that no index begins with, so that every query scans.
-- fix: create an index that begins with it, CONCURRENTLY
-- One that is only asked whether it is null, as of rows that are deleted softly, is left out.
SELECT DISTINCT rel.name, format('%I uses %I', p.polname, a.attname), p.polname || ' ' || a.attname,
    format('CREATE INDEX CONCURRENTLY ON %s (%I)', rel.name, a.attname)
FROM rel JOIN pg_policy AS p ON p.polrelid = rel.oid
JOIN pg_depend AS d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
    AND d.refclassid = 'pg_class'::regclass AND d.refobjid = rel.oid AND d.refobjsubid > 0
JOIN pg_attribute AS a ON a.attrelid = rel.oid AND a.attnum = d.refobjsubid
WHERE regexp_replace(coalesce(pg_get_expr(p.polqual, p.polrelid), '') || ' '
        || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), ''),
        '\m' || a.attname || ' IS (NOT )?NULL', '', 'g') ~ ('\m' || a.attname || '\M')
    AND NOT EXISTS (SELECT FROM idx AS i WHERE i.indrelid = rel.oid AND i.indisvalid
    AND i.keys[0] = a.attnum)
