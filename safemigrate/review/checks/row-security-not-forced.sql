-- R025 warning security
-- The owner of a table is not bound by its policies.
-- fix: FORCE ROW LEVEL SECURITY, unless the application never connects as the owner
SELECT rel.name, format('its owner %I is not bound', pg_get_userbyid(rel.relowner)), '',
    format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', rel.name)
FROM rel WHERE rel.relrowsecurity AND NOT rel.relforcerowsecurity AND rel.relkind IN ('r', 'p')
