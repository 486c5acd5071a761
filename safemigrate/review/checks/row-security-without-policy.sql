-- R024 warning security verify
-- Row-level security is on, and there is no policy: nobody but the owner sees a row.
-- fix: create a policy, or say in a comment that nobody is to see them
SELECT rel.name, 'no policy', '', NULL::text
FROM rel
WHERE rel.relrowsecurity AND rel.relkind IN ('r', 'p')
    AND NOT EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = rel.oid)
