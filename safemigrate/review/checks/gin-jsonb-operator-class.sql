-- R037 info indexes
-- A GIN index of jsonb holds keys and values one by one, for all operators.
-- fix: jsonb_path_ops is smaller and faster where only @> and paths are asked, and never ?
SELECT i.table_name, i.name, i.relname, NULL::text
FROM idx AS i JOIN pg_am AS am ON am.oid = i.relam AND am.amname = 'gin'
JOIN pg_opclass AS o ON o.oid = i.classes[0] AND o.opcname = 'jsonb_ops'
