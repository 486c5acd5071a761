-- What the server refuses inside a transaction. See schemas/table.sql for the marks.
CREATE INDEX CONCURRENTLY c ON {table} (j)
DROP INDEX CONCURRENTLY {schema}x_index
REINDEX INDEX CONCURRENTLY {schema}x_index
REINDEX TABLE CONCURRENTLY {table}
VACUUM {table}
VACUUM FULL {table}
