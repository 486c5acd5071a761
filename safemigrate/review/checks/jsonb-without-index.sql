-- R036 info indexes
-- A jsonb column is in no index.
-- fix: a GIN index where it is searched with @> or ?, an expression index where one key is compared
SELECT col.name, 'no index', '', NULL::text
FROM col
WHERE col.atttypid = 'jsonb'::regtype
    AND NOT EXISTS (SELECT FROM idx AS i WHERE i.indrelid = col.attrelid
        AND (col.attnum = ANY (i.keys) OR i.expressions ~ ('\m' || col.attname || '\M')))
    AND NOT EXISTS (SELECT FROM pg_attrdef AS g
        JOIN pg_attribute AS a ON a.attrelid = g.adrelid AND a.attnum = g.adnum AND a.attgenerated <> ''
        JOIN idx AS i ON i.indrelid = g.adrelid AND a.attnum = ANY (i.keys)
        WHERE g.adrelid = col.attrelid AND pg_get_expr(g.adbin, g.adrelid) ~ ('\m' || col.attname || '\M'))
