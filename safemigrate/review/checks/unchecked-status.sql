-- R049 warning constraints
-- A column of text is a status by its name, and any text is one.
-- fix: add a CHECK, an enum or a foreign key to a table of them
SELECT col.name, col.type, '', NULL::text
FROM col
WHERE col.attname ~ '(^|_)(status|state|kind|type)$'
    AND col.atttypid IN ('text'::regtype, 'varchar'::regtype)
    AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conrelid = col.attrelid
        AND k.contype IN ('c', 'f') AND col.attnum = ANY (k.conkey))
