-- R018 info types
-- A column is filled by a sequence of its own through a default, as serial makes it.
-- fix: make it an identity column, whose sequence goes with it and needs no grant of its own
SELECT col.name, pg_get_expr(d.adbin, d.adrelid), '', NULL::text
FROM col JOIN pg_attrdef AS d ON d.adrelid = col.attrelid AND d.adnum = col.attnum
WHERE col.attidentity = '' AND pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%'
    AND EXISTS (SELECT FROM pg_depend AS p JOIN pg_class AS s ON s.oid = p.objid AND s.relkind = 'S'
        WHERE p.classid = 'pg_class'::regclass AND p.refclassid = 'pg_class'::regclass
            AND p.refobjid = col.attrelid AND p.refobjsubid = col.attnum AND p.deptype = 'a')
