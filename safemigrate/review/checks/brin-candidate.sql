-- R040 info live live
-- A column of a big table is stored in its order, and has a btree.
-- fix: a BRIN index is a thousandth of the size, where ranges are asked for
SELECT i.table_name, format('%s on %I: correlation %s, about %s rows', i.name, a.attname,
        round(s.correlation::numeric, 3), i.table_rows::bigint), i.relname, NULL::text
FROM idx AS i JOIN pg_am AS am ON am.oid = i.relam AND am.amname = 'btree'
JOIN pg_class AS c ON c.oid = i.indrelid
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.keys[0]
JOIN pg_stats AS s ON s.schemaname = i.nspname AND s.tablename = c.relname AND s.attname = a.attname
WHERE i.indnkeyatts = 1 AND NOT i.indisunique AND abs(s.correlation) > 0.99 AND i.table_rows > 1e7
