-- R007 warning constraints
-- A constraint is NOT VALID: rows that were there before it may break it.
-- fix: validate it, in a transaction of its own
SELECT tab.name, format('%I is NOT VALID', k.conname), k.conname,
    format('ALTER TABLE %s VALIDATE CONSTRAINT %I', tab.name, k.conname)
FROM tab JOIN pg_constraint AS k ON k.conrelid = tab.oid
WHERE NOT k.convalidated AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
