-- R054 error constraints verify
-- A trigger is disabled, or a constraint is NOT ENFORCED: it is there and does nothing.
-- fix: enable it, or drop it
SELECT rel.name, format('trigger %I is disabled', t.tgname), t.tgname, format('ALTER TABLE %s ENABLE TRIGGER %I', rel.name, t.tgname)
FROM rel JOIN pg_trigger AS t ON t.tgrelid = rel.oid
WHERE NOT t.tgisinternal AND t.tgenabled = 'D' AND t.tgparentid = 0
UNION ALL
SELECT rel.name, format('constraint %I is NOT ENFORCED', k.conname), k.conname, NULL
FROM rel JOIN pg_constraint AS k ON k.conrelid = rel.oid AND k.conparentid = 0
WHERE to_jsonb(k) ->> 'conenforced' = 'false'
