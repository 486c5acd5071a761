-- R027 error security verify
-- A partition has no row-level security, and its parent has: who reads the partition sees all.
-- fix: enable it on the partition, with policies of its own, or revoke what is granted there
SELECT c.name, format('%s has row-level security', p.name), '',
    format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', c.name)
FROM pg_inherits AS i JOIN rel AS p ON p.oid = i.inhparent JOIN rel AS c ON c.oid = i.inhrelid
WHERE p.relrowsecurity AND NOT c.relrowsecurity AND c.relkind IN ('r', 'p')
