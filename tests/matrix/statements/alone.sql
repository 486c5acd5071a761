-- What runs outside a transaction, or not inside one. See schemas/table.sql for the marks.
CREATE INDEX CONCURRENTLY c ON {table} (j)
CREATE UNIQUE INDEX CONCURRENTLY c ON {table} (j)
CREATE INDEX CONCURRENTLY c ON {table} (lower(w)) WHERE n > 0
CREATE INDEX CONCURRENTLY IF NOT EXISTS x_index ON {table} (j)
DROP INDEX CONCURRENTLY {schema}x_index
DROP INDEX CONCURRENTLY {schema}t_key
DROP INDEX CONCURRENTLY IF EXISTS absent
REINDEX INDEX CONCURRENTLY {schema}x_index -- not: partitioned
REINDEX TABLE CONCURRENTLY {table} -- not: partitioned
REINDEX TABLE {table} -- not: partitioned
REINDEX INDEX {schema}t_key -- not: partitioned
VACUUM {table} -- not: partitioned
VACUUM (ANALYZE) {table} -- not: partitioned
VACUUM FULL {table} -- not: partitioned
CLUSTER {table} USING t_key -- not: partitioned
ANALYZE {table}
REFRESH MATERIALIZED VIEW keeper
CREATE UNIQUE INDEX keeper_id ON keeper (id); REFRESH MATERIALIZED VIEW CONCURRENTLY keeper
CREATE INDEX c ON {table} (j)
DROP INDEX {schema}x_index
ALTER TABLE {table} ADD COLUMN c int
ALTER TABLE {table} ALTER COLUMN n SET NOT NULL
ALTER TABLE {table} ADD CONSTRAINT c CHECK (n > 0) NOT VALID; ALTER TABLE {table} VALIDATE CONSTRAINT c
BEGIN; ALTER TABLE {table} ADD CONSTRAINT c CHECK (n > 0) NOT VALID; ALTER TABLE {table} VALIDATE CONSTRAINT c; COMMIT
BEGIN; ALTER TABLE {table} ADD COLUMN c int; COMMIT; CREATE INDEX CONCURRENTLY c_index ON {table} (c) -- not: partitioned
ALTER TYPE mood ADD VALUE 'calm'; ALTER TABLE {table} ALTER COLUMN e SET DEFAULT 'calm'
CREATE TABLE c (id bigint REFERENCES {table} (id)) -- not: unlogged
TRUNCATE {table} CASCADE
