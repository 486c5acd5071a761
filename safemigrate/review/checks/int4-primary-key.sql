-- R009 warning keys
-- A primary key that counts up is not a bigint, and ends at 2,147,483,647.
-- fix: make it a bigint while the table is small
SELECT col.table_name, format('%I is %s', col.attname, col.type), col.attname, NULL::text
FROM col JOIN pg_constraint AS k ON k.conrelid = col.attrelid AND k.contype = 'p'
    AND k.conkey = ARRAY[col.attnum]
LEFT JOIN pg_attrdef AS d ON d.adrelid = col.attrelid AND d.adnum = col.attnum
WHERE col.atttypid IN ('int2'::regtype, 'int4'::regtype)
    AND (col.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%')
