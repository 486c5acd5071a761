-- R035 warning tables
-- A table is unlogged: it is empty after a crash, and not replicated.
-- fix: ALTER TABLE … SET LOGGED, unless it holds what can be had again
SELECT rel.name, 'unlogged', '', NULL::text
FROM rel WHERE rel.relpersistence = 'u' AND rel.relkind IN ('r', 'p')
