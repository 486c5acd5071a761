-- R021 info naming
-- A name is not in lower case with underscores, and has to be quoted wherever it is used.
-- fix: rename it, as any other change of a name: in steps
SELECT rel.name, 'not snake_case', '', NULL::text
FROM rel WHERE rel.relkind IN ('r', 'p', 'v', 'm', 'S') AND rel.relname !~ '^[a-z][a-z0-9_]*$'
UNION ALL
SELECT col.name, 'not snake_case', '', NULL
FROM col WHERE col.attname !~ '^[a-z][a-z0-9_]*$'
