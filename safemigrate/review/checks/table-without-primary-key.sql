-- R001 error keys verify
-- A table has no primary key.
-- fix: add one: rows cannot be told apart, and logical replication cannot change them
SELECT tab.name, 'no primary key', '', NULL::text
FROM tab
WHERE NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conrelid = tab.oid AND k.contype = 'p')
