-- R020 info naming
-- A table, its columns or an enum have no comment.
-- fix: say with COMMENT ON what it is for
SELECT tab.name, 'the table has no comment', 'table', NULL::text
FROM tab WHERE obj_description(tab.oid, 'pg_class') IS NULL
UNION ALL
SELECT col.table_name, format('%s of %s columns have no comment',
        count(*) FILTER (WHERE col_description(col.attrelid, col.attnum) IS NULL), count(*)),
    'columns', NULL
FROM col GROUP BY col.table_name
HAVING bool_or(col_description(col.attrelid, col.attnum) IS NULL)
UNION ALL
SELECT t.oid::regtype::text, 'the enum has no comment', 'enum', NULL
FROM pg_type AS t JOIN ns ON ns.oid = t.typnamespace
WHERE t.typtype = 'e' AND obj_description(t.oid, 'pg_type') IS NULL
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_type'::regclass
        AND d.objid = t.oid AND d.deptype = 'e')
