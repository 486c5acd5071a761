-- R002 warning keys verify
-- A foreign key has no index that begins with its columns, so that a change of a parent row scans.
-- fix: create an index on its columns, CONCURRENTLY
-- The columns may stand in any order. What INCLUDE adds is no key, an invalid index is no help, and
-- a partial one only is when it leaves out nothing but rows where a column of the key is null. One of
-- GiST, as an exclusion constraint has, is a help where its operator classes know the key's equality,
-- which those of btree_gist do for two columns of one type (pg_amop). What a key to a partitioned
-- table has for each part of that is not another key.
SELECT tab.name, format('%I (%s) references %s', c.conname, c.columns, c.confrelid::regclass),
    c.conname, format('CREATE INDEX CONCURRENTLY ON %s (%s)', tab.name, c.columns)
FROM tab
JOIN LATERAL (
    SELECT k.*, (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.place)
                 FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place)
                 JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.number) AS columns,
        (SELECT array_agg(u.number ORDER BY u.number) FROM unnest(k.conkey) AS u (number)) AS numbers
    FROM pg_constraint AS k
    WHERE k.conrelid = tab.oid AND k.contype = 'f'
        AND NOT EXISTS (SELECT FROM pg_constraint AS whole
                        WHERE whole.oid = k.conparentid AND whole.conrelid = k.conrelid)
) AS c ON true
WHERE NOT EXISTS (
    SELECT FROM idx AS i JOIN pg_am AS am ON am.oid = i.relam
    WHERE i.indrelid = tab.oid AND i.indisvalid AND i.indisready
        AND (am.amname = 'btree' OR (am.amname = 'hash' AND cardinality(c.conkey) = 1)
            OR (am.amname = 'gist' AND NOT EXISTS (
                SELECT FROM unnest(c.conkey, c.conpfeqop) AS u (number, operator)
                JOIN pg_operator AS equal ON equal.oid = u.operator
                WHERE NOT EXISTS (
                    SELECT FROM unnest(i.keys, i.classes) AS part (number, class)
                    JOIN pg_opclass AS class ON class.oid = part.class
                    JOIN pg_amop AS known ON known.amopfamily = class.opcfamily
                    WHERE part.number = u.number AND known.amopopr = equal.oprcom))))
        AND i.indnkeyatts >= cardinality(c.conkey)
        AND c.numbers = (SELECT array_agg(u.number ORDER BY u.number)
                         FROM unnest(i.keys[0:cardinality(c.conkey) - 1]) AS u (number))
        AND (i.predicate IS NULL OR i.predicate IN (
            SELECT format('(%I IS NOT NULL)', a.attname) FROM pg_attribute AS a
            WHERE a.attrelid = tab.oid AND a.attnum = ANY (c.conkey)))
)
