-- R004 info indexes
-- An index begins as another one does, which may serve in its place.
-- fix: look which queries use the shorter one; it is smaller, and may still be worth its writes
SELECT a.table_name, format('%s is the beginning of %s', a.name, b.name),
    a.relname || ' ' || b.relname, NULL::text
FROM idx AS a
JOIN idx AS b ON a.indrelid = b.indrelid AND a.indexrelid <> b.indexrelid AND a.relam = b.relam
    AND a.indnkeyatts < b.indnkeyatts AND a.indnatts = a.indnkeyatts
JOIN pg_am AS am ON am.oid = a.relam AND am.amname = 'btree'
WHERE NOT a.indisunique AND a.indisvalid AND b.indisvalid AND NOT a.relispartition
    AND a.indexprs IS NULL AND b.indexprs IS NULL
    AND b.keys[0:a.indnkeyatts - 1] = a.keys[0:a.indnkeyatts - 1]
    AND b.classes[0:a.indnkeyatts - 1] = a.classes[0:a.indnkeyatts - 1]
    AND b.collations[0:a.indnkeyatts - 1] = a.collations[0:a.indnkeyatts - 1]
    AND b.options[0:a.indnkeyatts - 1] = a.options[0:a.indnkeyatts - 1]
    AND a.predicate IS NOT DISTINCT FROM b.predicate
