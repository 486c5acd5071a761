-- R003 warning indexes verify
-- Two indexes are the same in all but their names.
-- fix: drop one of them, CONCURRENTLY; keep the one that a constraint is made of
SELECT a.table_name, format('%s is the same as %s', b.name, a.name), a.relname || ' ' || b.relname,
    NULL::text
FROM idx AS a
JOIN idx AS b ON a.indrelid = b.indrelid AND a.relam = b.relam AND a.keys = b.keys
    AND a.indnkeyatts = b.indnkeyatts AND a.classes = b.classes AND a.collations = b.collations
    AND a.options = b.options AND a.indisunique = b.indisunique
    AND a.indimmediate = b.indimmediate AND a.indisexclusion = b.indisexclusion
    AND a.expressions = b.expressions
    AND a.predicate IS NOT DISTINCT FROM b.predicate
    AND to_jsonb(a) -> 'indnullsnotdistinct' IS NOT DISTINCT FROM to_jsonb(b) -> 'indnullsnotdistinct'
    AND (a.indisprimary, b.relname) > (b.indisprimary, a.relname)
WHERE NOT a.relispartition AND NOT b.relispartition AND NOT a.indisexclusion
