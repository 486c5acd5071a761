"""What facts say of a statement is what the server is seen to do."""

import psycopg
import pytest

from safemigrate.catalog import catalog_of_sql
from safemigrate.facts import walk
from safemigrate.model import (
    NEWEST_VERSION,
    Direction,
    ExplainedStatement,
    History,
    Migration,
    ServerVersion,
    Span,
    Statement,
    Timeline,
)
from safemigrate.server import Server
from safemigrate.sql import split_statements
from safemigrate.testing import find_unreported
from safemigrate.trace import compare, observe_script

SCHEMA = """
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE FUNCTION own_volatile() RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN 1; END';
CREATE FUNCTION own_stable() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
CREATE FUNCTION noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TABLE par (id bigint PRIMARY KEY, code text NOT NULL UNIQUE);
INSERT INTO par SELECT n, n::text FROM generate_series(1, 50) AS n;
CREATE TABLE t (
    id bigint PRIMARY KEY,
    a int,
    b varchar(20) CHECK (b <> ''),
    c text,
    d timestamp,
    e numeric(10, 2),
    f int NOT NULL,
    p bigint,
    q bigint REFERENCES par (id),
    v varchar(20),
    CONSTRAINT c_known CHECK (c IS NOT NULL AND c <> '')
);
INSERT INTO t SELECT n, n, 'b', 'c', now(), 1, n, n, n, 'v' FROM generate_series(1, 50) AS n;
ALTER TABLE t ADD CONSTRAINT a_known CHECK (a IS NOT NULL) NOT VALID;
ALTER TABLE t ADD CONSTRAINT p_fk FOREIGN KEY (p) REFERENCES par (id) NOT VALID;
CREATE INDEX t_a ON t (a);
CREATE INDEX t_partial ON t (f) WHERE a > 0;
CREATE UNIQUE INDEX t_f ON t (f);
CREATE UNIQUE INDEX t_a_unique ON t (a);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN anything AS int;
CREATE TABLE wide (
    id bigint PRIMARY KEY, lowered varchar(20), partial varchar(20), plain varchar(20),
    base int, stored int GENERATED ALWAYS AS (base + 1) STORED, n int
);
INSERT INTO wide SELECT n, 'a', 'b', 'c' FROM generate_series(1, 50) AS n;
CREATE INDEX wide_lowered ON wide (lower(lowered));
CREATE INDEX wide_partial ON wide (id) WHERE partial <> '';
CREATE INDEX wide_plain ON wide (plain);
CREATE TABLE narrow (wide bigint REFERENCES wide (id));
INSERT INTO narrow SELECT n FROM generate_series(1, 50) AS n;
CREATE SCHEMA app;
CREATE TABLE app.t (id int, n varchar(200));
CREATE TABLE app.filled (id int);
CREATE TABLE em (m mood);
INSERT INTO em VALUES ('sad');
CREATE VIEW reader AS SELECT id FROM t;
CREATE MATERIALIZED VIEW kept AS SELECT id FROM t;
CREATE TABLE part (id bigint NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE part_rest PARTITION OF part DEFAULT;
INSERT INTO part SELECT n, '2020-06-01' FROM generate_series(1, 50) AS n;
INSERT INTO part SELECT n, '2030-06-01' FROM generate_series(1, 50) AS n;
CREATE TABLE proven (id bigint NOT NULL, at date NOT NULL);
INSERT INTO proven SELECT n, '2023-06-01' FROM generate_series(1, 50) AS n;
ALTER TABLE proven ADD CONSTRAINT proven_bound
    CHECK (at >= '2023-01-01' AND at < '2024-01-01');
ALTER TABLE part_rest ADD CONSTRAINT part_rest_without_2023
    CHECK (NOT (at >= '2023-01-01' AND at < '2024-01-01'));
CREATE TABLE doubtful (id bigint NOT NULL, at date NOT NULL CHECK (at > '2022-05-01'));
INSERT INTO doubtful SELECT n, '2022-06-01' FROM generate_series(1, 50) AS n;
CREATE TABLE kind (id bigint, k text) PARTITION BY LIST (k);
CREATE TABLE kind_a (id bigint, k text NOT NULL CHECK (k IN ('a', 'b')));
INSERT INTO kind_a SELECT n, 'a' FROM generate_series(1, 50) AS n;
CREATE TABLE loose (id bigint NOT NULL, at date NOT NULL);
INSERT INTO loose SELECT n, '2022-06-01' FROM generate_series(1, 50) AS n;
CREATE POLICY open ON par USING (true);
CREATE TABLE em_parent (m mood);
CREATE TABLE em_child () INHERITS (em_parent);
CREATE RULE quiet AS ON DELETE TO em DO ALSO NOTHING;
CREATE INDEX part_at ON ONLY part (at);
CREATE INDEX part_1_at ON part_1 (at);
CREATE MATERIALIZED VIEW kept_unique AS SELECT id FROM t;
CREATE UNIQUE INDEX kept_unique_id ON kept_unique (id);
CREATE STATISTICS known ON a, f FROM t;
CREATE TABLE held (n positive, o anything);
INSERT INTO held SELECT n, n FROM generate_series(1, 50) AS n;
CREATE SEQUENCE lone AS int;
CREATE TABLE keyed (id bigint PRIMARY KEY, note varchar(20));
INSERT INTO keyed SELECT n, 'note' FROM generate_series(1, 50) AS n;
CREATE TABLE keying (keyed bigint REFERENCES keyed);
INSERT INTO keying SELECT n FROM generate_series(1, 50) AS n;
CREATE TRIGGER part_noticed AFTER INSERT ON part FOR EACH ROW EXECUTE FUNCTION noop();
CREATE TRIGGER noticed AFTER INSERT ON par FOR EACH ROW EXECUTE FUNCTION noop();
"""

STATEMENTS = [
    "ALTER TABLE t ADD COLUMN z int",
    "ALTER TABLE t ADD COLUMN z int NOT NULL DEFAULT 5",
    "ALTER TABLE t ADD COLUMN z timestamptz DEFAULT now()",
    "ALTER TABLE t ADD COLUMN z date DEFAULT current_date",
    "ALTER TABLE t ADD COLUMN z int DEFAULT -1",
    "ALTER TABLE t ADD COLUMN z int DEFAULT NULL",
    "ALTER TABLE t ADD COLUMN z text DEFAULT upper('x') || lower('Y')",
    "ALTER TABLE t ADD COLUMN z uuid DEFAULT gen_random_uuid()",
    "ALTER TABLE t ADD COLUMN z float DEFAULT coalesce(NULL, random())",
    "ALTER TABLE t ADD COLUMN z timestamptz DEFAULT clock_timestamp()",
    "ALTER TABLE t ADD COLUMN z int DEFAULT own_volatile()",
    "ALTER TABLE t ADD COLUMN z int DEFAULT own_stable()",
    "ALTER TABLE t ADD COLUMN z bigserial",
    "ALTER TABLE t ADD COLUMN z int GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE t ADD COLUMN z int GENERATED ALWAYS AS (a + 1) STORED",
    "ALTER TABLE t ADD COLUMN z int GENERATED ALWAYS AS (a + 1) VIRTUAL",
    "ALTER TABLE t ADD COLUMN z int GENERATED ALWAYS AS (a + 1) VIRTUAL NOT NULL",
    "ALTER TABLE t ADD COLUMN z int CHECK (z > 0)",
    "ALTER TABLE t ADD COLUMN z int UNIQUE",
    "ALTER TABLE t ADD COLUMN z bigint REFERENCES par (id)",
    "ALTER TABLE t ADD COLUMN z bigint DEFAULT 1 REFERENCES par (id)",
    "ALTER TABLE t ADD COLUMN z mood DEFAULT 'sad'",
    "ALTER TABLE t ADD COLUMN y int, ADD COLUMN z int CHECK (z > 0)",
    "ALTER TABLE part ADD COLUMN z int",
    "ALTER TABLE part ADD COLUMN z uuid DEFAULT gen_random_uuid()",
    "ALTER TABLE t ADD COLUMN z positive",
    "ALTER TABLE t ADD COLUMN z positive DEFAULT 1",
    "ALTER TABLE t ADD COLUMN z anything",
    "ALTER TABLE t DROP COLUMN v",
    "ALTER TABLE t DROP COLUMN q",
    "ALTER TABLE t DROP COLUMN a",
    "ALTER TABLE t DROP COLUMN f",
    "ALTER TABLE t RENAME COLUMN a TO z",
    "ALTER TABLE t RENAME TO z",
    "ALTER TABLE t RENAME CONSTRAINT a_known TO z",
    "ALTER TABLE t RENAME CONSTRAINT t_pkey TO z",
    "ALTER TABLE t SET SCHEMA pg_catalog",
    "ALTER TABLE t ALTER COLUMN a TYPE bigint",
    "ALTER TABLE t ALTER COLUMN v TYPE varchar(40)",
    "ALTER TABLE t ALTER COLUMN v TYPE varchar(10)",
    "ALTER TABLE t ALTER COLUMN v TYPE text",
    "ALTER TABLE t ALTER COLUMN b TYPE varchar(40)",
    "ALTER TABLE t ALTER COLUMN c TYPE varchar(40)",
    "ALTER TABLE t ALTER COLUMN c TYPE varchar",
    "ALTER TABLE t ALTER COLUMN v TYPE text USING v::text",
    "ALTER TABLE t ALTER COLUMN v TYPE text USING upper(v)",
    "ALTER TABLE t ALTER COLUMN c TYPE text USING c::varchar(3)",
    "ALTER TABLE t ALTER COLUMN v TYPE varchar(40) USING v::text",
    "ALTER TABLE t ALTER COLUMN v TYPE varchar(40) USING v::varchar(40)",
    "ALTER TABLE t ALTER COLUMN e TYPE numeric(12, 2) USING e::int",
    "ALTER TABLE wide ALTER COLUMN n TYPE anything",
    "ALTER TABLE wide ALTER COLUMN n TYPE positive",
    "ALTER TABLE wide ALTER COLUMN lowered TYPE varchar(40)",
    "ALTER TABLE wide ALTER COLUMN partial TYPE varchar(40)",
    "ALTER TABLE wide ALTER COLUMN plain TYPE varchar(40)",
    'ALTER TABLE wide ALTER COLUMN plain TYPE varchar(20) COLLATE "C"',
    "ALTER TABLE wide ALTER COLUMN stored SET EXPRESSION AS (base + 2)",
    "ALTER TABLE wide ALTER COLUMN id TYPE int",
    "ALTER TABLE narrow ALTER COLUMN wide TYPE int",
    "SET LOCAL search_path TO app; ALTER TABLE t ALTER COLUMN n TYPE varchar(100)",
    "SELECT set_config('search_path', 'app', true); ALTER TABLE t ADD COLUMN z int",
    "SET LOCAL search_path TO app, public; ALTER TABLE em ADD COLUMN z int",
    "WITH gone AS (DELETE FROM em RETURNING m) INSERT INTO app.filled SELECT 1 FROM gone",
    "WITH gone AS (DELETE FROM em RETURNING m) SELECT * FROM gone",
    "ALTER SCHEMA app RENAME TO z",
    "DROP SCHEMA app CASCADE",
    "ALTER TABLE t ALTER COLUMN d TYPE timestamptz",
    "SET LOCAL timezone = 'UTC'; ALTER TABLE t ALTER COLUMN d TYPE timestamptz",
    "SET LOCAL timezone = 'Europe/Oslo'; ALTER TABLE t ALTER COLUMN d TYPE timestamptz",
    "ALTER TABLE t ALTER COLUMN e TYPE numeric(12, 2)",
    "ALTER TABLE t ALTER COLUMN e TYPE numeric",
    "ALTER TABLE t ALTER COLUMN e TYPE numeric(12, 4)",
    "ALTER TABLE em ALTER COLUMN m TYPE text",
    "ALTER TABLE part ALTER COLUMN id TYPE numeric",
    "ALTER TABLE t ALTER COLUMN v SET NOT NULL",
    "ALTER TABLE t ALTER COLUMN f SET NOT NULL",
    "ALTER TABLE t ALTER COLUMN a SET NOT NULL",
    "ALTER TABLE t ALTER COLUMN c SET NOT NULL",
    "ALTER TABLE part ALTER COLUMN id SET NOT NULL",
    "ALTER TABLE t ALTER COLUMN f DROP NOT NULL",
    "ALTER TABLE t ALTER COLUMN a SET DEFAULT 3",
    "ALTER TABLE t ALTER COLUMN a DROP DEFAULT",
    "ALTER TABLE t ALTER COLUMN a SET STATISTICS 500",
    "ALTER TABLE t ALTER COLUMN c SET STORAGE EXTERNAL",
    "ALTER TABLE t ALTER COLUMN f ADD GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE t ADD CONSTRAINT z CHECK (f > 0)",
    "ALTER TABLE t ADD CONSTRAINT z CHECK (f > 0) NOT VALID",
    "ALTER TABLE t ADD CONSTRAINT z CHECK (f > 0) NOT ENFORCED",
    "ALTER TABLE part ADD CONSTRAINT z CHECK (id > 0)",
    "ALTER TABLE t ADD CONSTRAINT z NOT NULL v",
    "ALTER TABLE t ADD CONSTRAINT z NOT NULL v NOT VALID",
    "ALTER TABLE t ADD CONSTRAINT z NOT NULL c",
    "ALTER TABLE t ADD CONSTRAINT z FOREIGN KEY (p) REFERENCES par (id)",
    "ALTER TABLE t ADD CONSTRAINT z FOREIGN KEY (p) REFERENCES par (id) NOT VALID",
    "ALTER TABLE part ADD CONSTRAINT z FOREIGN KEY (id) REFERENCES par (id)",
    "ALTER TABLE t ADD CONSTRAINT z UNIQUE (v, id)",
    "ALTER TABLE t ADD CONSTRAINT z UNIQUE USING INDEX t_f",
    "ALTER TABLE t ADD CONSTRAINT t_f UNIQUE USING INDEX t_f",
    "ALTER TABLE em ADD COLUMN id bigint PRIMARY KEY DEFAULT 1",
    "ALTER TABLE loose ADD PRIMARY KEY (id)",
    "ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY USING INDEX t_f",
    "ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY USING INDEX t_a_unique",
    "ALTER TABLE t DROP CONSTRAINT a_known",
    "ALTER TABLE t DROP CONSTRAINT p_fk",
    "ALTER TABLE t DROP CONSTRAINT t_pkey",
    "ALTER TABLE t VALIDATE CONSTRAINT a_known",
    "ALTER TABLE t VALIDATE CONSTRAINT c_known",
    "ALTER TABLE t VALIDATE CONSTRAINT p_fk",
    "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE t FORCE ROW LEVEL SECURITY",
    "CREATE INDEX z ON t (c)",
    "CREATE UNIQUE INDEX z ON t (c, id) WHERE c IS NOT NULL",
    "CREATE INDEX z ON part (id)",
    "CREATE INDEX z ON ONLY part (id)",
    "CREATE INDEX CONCURRENTLY z ON t (c)",
    "DROP INDEX t_a",
    "DROP INDEX CONCURRENTLY t_a",
    "ALTER INDEX t_a RENAME TO z",
    "ALTER TABLE t_a RENAME TO z",
    "DROP TABLE IF EXISTS not_there",
    "ALTER TABLE t DROP COLUMN IF EXISTS not_there",
    "ALTER TABLE t DROP CONSTRAINT IF EXISTS not_there",
    "DROP INDEX IF EXISTS not_there",
    "DROP VIEW IF EXISTS not_there",
    "CREATE TABLE z (id int)",
    "CREATE TABLE z (par bigint REFERENCES par (id))",
    "CREATE TABLE z (id bigint PRIMARY KEY, up bigint REFERENCES z (id))",
    "CREATE TABLE z (LIKE t)",
    "CREATE TABLE z (id int) INHERITS (em)",
    "CREATE TABLE z PARTITION OF part FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')",
    "ALTER TABLE part ATTACH PARTITION loose FOR VALUES FROM ('2022-01-01') TO ('2023-01-01')",
    "ALTER TABLE part ATTACH PARTITION proven FOR VALUES FROM ('2023-01-01') TO ('2024-01-01')",
    "ALTER TABLE part ATTACH PARTITION doubtful FOR VALUES FROM ('2022-01-01') TO ('2023-01-01')",
    "CREATE TABLE z PARTITION OF part FOR VALUES FROM ('2023-01-01') TO ('2024-01-01')",
    "ALTER TABLE kind ATTACH PARTITION kind_a FOR VALUES IN ('a', 'b')",
    "ALTER TABLE part DETACH PARTITION part_1",
    "DROP TABLE em",
    "DROP TABLE t CASCADE",
    "DROP TABLE par CASCADE",
    "CREATE VIEW z AS SELECT * FROM t JOIN par USING (id)",
    "CREATE OR REPLACE VIEW reader AS SELECT id, a FROM t",
    "DROP VIEW reader",
    "CREATE TRIGGER z BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION noop()",
    "DROP TRIGGER noticed ON par",
    "CREATE POLICY z ON t USING (true)",
    "ALTER POLICY open ON par USING (false)",
    "DROP POLICY open ON par",
    "COMMENT ON TABLE t IS 'x'",
    "COMMENT ON COLUMN t.a IS 'x'",
    "COMMENT ON CONSTRAINT t_pkey ON t IS 'x'",
    "COMMENT ON TYPE mood IS 'x'",
    "COMMENT ON FUNCTION noop() IS 'x'",
    "COMMENT ON TRIGGER noticed ON par IS 'x'",
    "COMMENT ON POLICY open ON par IS 'x'",
    "COMMENT ON INDEX t_a IS 'x'",
    "GRANT SELECT ON t TO PUBLIC",
    "ALTER TYPE mood ADD VALUE 'calm'",
    "ALTER TYPE mood RENAME TO z",
    "CREATE TYPE z AS ENUM ('a')",
    "CREATE FUNCTION z() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE SCHEMA z",
    "CREATE SEQUENCE z",
    "INSERT INTO em VALUES ('sad')",
    "INSERT INTO em SELECT 'sad' FROM t",
    "UPDATE t SET v = 'w'",
    "UPDATE part SET id = 1",
    "DELETE FROM part WHERE id = 1",
    "INSERT INTO part VALUES (1, '2020-06-01')",
    "UPDATE t SET v = 'w' FROM part WHERE part.id = t.id",
    "DELETE FROM em",
    "TRUNCATE em",
    "TRUNCATE par CASCADE",
    "LOCK TABLE t IN SHARE MODE",
    "ALTER TABLE t ADD COLUMN z int; ALTER TABLE t VALIDATE CONSTRAINT a_known",
    "ALTER TABLE par ADD COLUMN z int; ALTER TABLE t VALIDATE CONSTRAINT p_fk",
    "ALTER TABLE t ADD COLUMN z int; UPDATE t SET z = a",
    "ALTER TABLE t ADD COLUMN z int; DELETE FROM em",
    "ALTER TABLE t SET (fillfactor = 70)",
    "ALTER TABLE t RESET (fillfactor)",
    "ALTER TABLE t CLUSTER ON t_a",
    "ALTER TABLE t SET WITHOUT CLUSTER",
    "ALTER TABLE t REPLICA IDENTITY FULL",
    "ALTER TABLE t OWNER TO CURRENT_USER",
    "ALTER TABLE t OWNER TO pg_monitor",
    "ALTER VIEW reader SET (security_barrier)",
    "ALTER VIEW reader OWNER TO pg_monitor",
    "ALTER VIEW reader RENAME TO z",
    "ALTER VIEW reader ALTER COLUMN id SET DEFAULT 1",
    "ALTER MATERIALIZED VIEW kept SET (fillfactor = 70)",
    "ALTER INDEX t_a SET (fillfactor = 70)",
    "ALTER INDEX wide_lowered ALTER COLUMN 1 SET STATISTICS 100",
    "ALTER TABLE em SET UNLOGGED",
    "ALTER TABLE t SET LOGGED",
    "ALTER TABLE t SET ACCESS METHOD heap",
    "ALTER TABLE wide SET UNLOGGED",
    "ALTER TABLE em INHERIT em_parent",
    "ALTER TABLE em_child NO INHERIT em_parent",
    "ALTER TABLE t DISABLE TRIGGER ALL",
    "ALTER TABLE par DISABLE TRIGGER noticed",
    "ALTER TABLE par ENABLE ALWAYS TRIGGER noticed",
    "ALTER TABLE part DISABLE TRIGGER part_noticed",
    "ALTER TABLE ONLY part DISABLE TRIGGER part_noticed",
    "ALTER TABLE em DISABLE RULE quiet",
    "ALTER TABLE t ALTER CONSTRAINT p_fk DEFERRABLE",
    "ALTER TABLE t ALTER CONSTRAINT p_fk DEFERRABLE INITIALLY DEFERRED",
    "ALTER TABLE t ALTER CONSTRAINT t_q_fkey NOT ENFORCED",
    (
        "ALTER TABLE t ALTER CONSTRAINT t_q_fkey NOT ENFORCED; "
        "ALTER TABLE t ALTER CONSTRAINT t_q_fkey ENFORCED"
    ),
    "ALTER INDEX part_at ATTACH PARTITION part_1_at",
    "CREATE RULE z AS ON INSERT TO em DO ALSO NOTHING",
    "DROP RULE quiet ON em",
    "REINDEX INDEX t_a",
    "REINDEX TABLE t",
    "REINDEX TABLE em",
    "REINDEX TABLE CONCURRENTLY t",
    "REINDEX INDEX CONCURRENTLY t_a",
    "REINDEX SCHEMA app",
    "REINDEX TABLE part",
    "VACUUM t",
    "VACUUM FULL t",
    "ANALYZE t",
    "ANALYZE part",
    "CLUSTER t USING t_a",
    "REFRESH MATERIALIZED VIEW kept",
    "REFRESH MATERIALIZED VIEW kept WITH NO DATA",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY kept_unique",
    "CREATE STATISTICS z ON a, b FROM t",
    "DROP STATISTICS known",
    "ALTER STATISTICS known SET STATISTICS 100",
    "ALTER DOMAIN positive ADD CONSTRAINT z CHECK (VALUE < 1000)",
    "ALTER DOMAIN positive ADD CONSTRAINT z CHECK (VALUE < 1000) NOT VALID",
    "ALTER DOMAIN positive SET NOT NULL",
    "ALTER DOMAIN positive DROP NOT NULL",
    "ALTER DOMAIN positive SET DEFAULT 1",
    "ALTER DOMAIN positive DROP CONSTRAINT positive_check",
    (
        "ALTER DOMAIN positive ADD CONSTRAINT z CHECK (VALUE < 1000) NOT VALID; "
        "ALTER DOMAIN positive VALIDATE CONSTRAINT z"
    ),
    "ALTER DOMAIN anything ADD CONSTRAINT z CHECK (VALUE < 1000)",
    "ALTER TYPE mood RENAME VALUE 'sad' TO 'grim'",
    "DROP TYPE mood CASCADE",
    "DROP FUNCTION own_stable()",
    "DROP DOMAIN positive CASCADE",
    "DROP SEQUENCE lone",
    "ALTER SEQUENCE lone RESTART",
    "ALTER SEQUENCE lone AS bigint",
    "ALTER SEQUENCE lone OWNED BY t.id",
    "ALTER SEQUENCE lone RENAME TO z",
    "ALTER SEQUENCE lone OWNER TO pg_monitor",
    "CREATE SEQUENCE z OWNED BY t.id",
    "CREATE EXTENSION IF NOT EXISTS plpgsql",
    "REVOKE SELECT ON t FROM PUBLIC",
    "GRANT SELECT ON ALL TABLES IN SCHEMA app TO PUBLIC",
    "GRANT USAGE ON SCHEMA app TO PUBLIC",
    "CREATE ROLE z",
    "CREATE DATABASE z",
    "ALTER SYSTEM SET work_mem = '8MB'",
    "CREATE CONSTRAINT TRIGGER z AFTER INSERT ON t FROM par FOR EACH ROW EXECUTE FUNCTION noop()",
    "CREATE TRIGGER z AFTER INSERT ON part FOR EACH ROW EXECUTE FUNCTION noop()",
    "DROP TRIGGER part_noticed ON part",
    "ALTER TRIGGER noticed ON par RENAME TO z",
    "ALTER POLICY open ON par RENAME TO z",
    "ALTER TABLE ONLY part ADD CONSTRAINT z UNIQUE (at, id)",
    "ALTER TABLE ONLY part ALTER COLUMN id SET DEFAULT 1",
    "ALTER TABLE ONLY em_parent ALTER COLUMN m SET STATISTICS 100",
    "ALTER TABLE em_parent RENAME COLUMN m TO z",
    "COMMENT ON COLUMN em.m IS NULL",
    "ALTER TABLE ONLY em_parent DROP COLUMN m",
    "ALTER TABLE keyed ALTER COLUMN note TYPE varchar(10)",
    "ALTER TABLE keyed ALTER COLUMN id TYPE int",
    "SELECT 1",
]


def look_at(sql: str, version: ServerVersion) -> Timeline:
    """Return the prediction for the script, run in one transaction over SCHEMA."""
    statements = tuple(
        Statement(
            piece.sql, "case.sql", Span(1, 1, 1, 1), None, Direction.UPGRADE, number, transaction=1
        )
        for number, piece in enumerate(split_statements(sql), start=1)
    )
    history = History((Migration("case.sql", sql, upgrade=statements),))
    return walk(history, before=catalog_of_sql(SCHEMA, "schema.sql"), version=version)


def explain(sql: str, version: ServerVersion) -> tuple[ExplainedStatement, ...]:
    return look_at(sql, version).passages[0].statements


@pytest.fixture(scope="module")
def template(embedded_server: Server) -> str:
    """A database with SCHEMA in it, to be cloned."""
    name = embedded_server.create_database()
    with psycopg.connect(embedded_server.url(name).replace("+psycopg", "")) as connection:
        connection.execute(SCHEMA)
    return name


@pytest.mark.parametrize("sql", STATEMENTS)
def test_predicted_is_observed(sql: str, template: str, embedded_server: Server) -> None:
    predicted = explain(sql, embedded_server.version)
    database = embedded_server.create_database(template=template)

    observed = observe_script(
        embedded_server.url(database),
        [item.statement.sql for item in predicted],
    )

    differences = [
        line
        for one, seen in zip(predicted, observed, strict=True)
        for line in compare(one.facts, seen)
    ]
    assert differences == []
    embedded_server.drop_database(database)


def test_every_statement_here_is_understood(embedded_server: Server) -> None:
    for sql in STATEMENTS:
        for item in explain(sql, embedded_server.version):
            assert item.syntax_error == ""
            assert item.events


@pytest.mark.parametrize("sql", STATEMENTS)
def test_what_keeps_others_out_for_long_is_found_fault_with(sql: str) -> None:
    unreported = find_unreported(look_at(sql, NEWEST_VERSION))
    assert [event.action for event in unreported] == []
