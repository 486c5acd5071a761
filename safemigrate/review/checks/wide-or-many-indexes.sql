-- R034 info indexes
-- An index has more than four key columns, or a table more than ten indexes.
-- fix: look which of them queries need: every write pays for all
SELECT i.table_name, format('%s has %s key columns', i.name, i.indnkeyatts), i.relname, NULL::text
FROM idx AS i WHERE i.indnkeyatts > 4 AND NOT i.relispartition
UNION ALL
SELECT i.table_name, format('%s indexes', count(*)), '', NULL
FROM idx AS i WHERE NOT i.relispartition GROUP BY i.table_name HAVING count(*) > 10
