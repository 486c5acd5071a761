-- What hangs on the table of a form. See table.sql for the marks.
INSERT INTO {table} (id, n, m, k, u, v, w, x, y, p, o, h, d, z, e, a, f, j) SELECT n, n, n, n, n, 'v', 'w', 'x', 'y', n, n, n, now(), 1, 'sad', n, n, n FROM generate_series(1, 30) AS n -- not: empty
ALTER TABLE {table} ADD CONSTRAINT t_key PRIMARY KEY (id)
ALTER TABLE {table} ADD CONSTRAINT k_known CHECK (k IS NOT NULL)
ALTER TABLE {table} ADD CONSTRAINT u_unproven CHECK (u IS NOT NULL) NOT VALID
ALTER TABLE {table} ADD CONSTRAINT v_filled CHECK (v <> '')
ALTER TABLE {table} ADD CONSTRAINT p_far FOREIGN KEY (p) REFERENCES far (id) -- not: temporary
ALTER TABLE {table} ADD CONSTRAINT o_far FOREIGN KEY (o) REFERENCES far (id) NOT VALID -- not: temporary partitioned defaulted
ALTER TABLE {table} ADD CONSTRAINT h_parts FOREIGN KEY (h) REFERENCES far_parts (id) -- not: temporary
ALTER TABLE {table} ADD CONSTRAINT n_key UNIQUE (n, id)
CREATE INDEX x_index ON {table} (x)
CREATE INDEX y_index ON {table} (lower(y))
CREATE INDEX w_index ON {table} (id) WHERE w <> ''
CREATE UNIQUE INDEX m_index ON {table} (m, id)
CREATE VIEW reader AS SELECT id, d FROM {table}
CREATE MATERIALIZED VIEW keeper AS SELECT id, z FROM {table} -- not: temporary
CREATE TRIGGER noticed AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION noop()
CREATE POLICY open ON {table} USING (true)
CREATE TABLE near (id bigint, t bigint REFERENCES {table} (id)) -- not: temporary unlogged
CREATE UNLOGGED TABLE near (id bigint, t bigint REFERENCES {table} (id)) -- only: unlogged
INSERT INTO near SELECT id, id FROM {table} -- not: temporary
ANALYZE -- not: new temporary
