-- R023 error security verify
-- A table has policies, and row-level security is off: they do nothing.
-- fix: ALTER TABLE … ENABLE ROW LEVEL SECURITY
SELECT rel.name, string_agg(quote_ident(p.polname), ', ' ORDER BY p.polname), '',
    format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', rel.name)
FROM rel JOIN pg_policy AS p ON p.polrelid = rel.oid
WHERE NOT rel.relrowsecurity GROUP BY rel.name
