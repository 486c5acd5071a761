"""Whatever is changed by hand in a database is found, and named."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from alembic import command
from click.testing import CliRunner
from sqlalchemy.engine import make_url

from safemigrate.cli.group import group
from safemigrate.errors import LockTimeoutError, RevisionError
from safemigrate.execute.site import open_site
from safemigrate.server import open_server
from safemigrate.source import open_project
from safemigrate.source.alembic_config import read_config
from safemigrate.verify import (
    Change,
    Drift,
    DriftDifference,
    VersionTable,
    compare_schemas,
    find_drift,
)
from safemigrate.verify.snapshots import Snapshot, read_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safemigrate.server import Server
    from tests.verify.conftest import Scaffold

ROOT = Path(__file__).parents[2]

SCHEMA = """\
CREATE SCHEMA app;
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TYPE pair AS (x int, y int);
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int DEFAULT 1, b varchar(20),
    c text NOT NULL,
    d int REFERENCES p, m mood, CONSTRAINT t_a CHECK (a > 0), CONSTRAINT t_b UNIQUE (b));
CREATE INDEX t_c ON t (c);
CREATE VIEW v AS SELECT id, a FROM t;
CREATE MATERIALIZED VIEW mv AS SELECT id FROM t;
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE pr() LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION tf();
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY pol ON t USING (a = 1);
CREATE SEQUENCE s;
CREATE STATISTICS st ON a, b FROM t;
COMMENT ON COLUMN t.a IS 'old';
CREATE RULE ru AS ON DELETE TO p DO INSTEAD NOTHING;
CREATE TABLE "Odd one" ("a.b" int);
CREATE TABLE parted (id int, at date) PARTITION BY RANGE (at);
"""

M, B, D = Change.MISSING, Change.BESIDE, Change.DIFFERENT

# What is changed by hand; the object, as kind and name, and how; what the repair begins with.
MUTATIONS = (
    ("CREATE TABLE n (id int PRIMARY KEY, u int UNIQUE)", "table public.n", B, "DROP TABLE"),
    ("DROP TABLE parted", "table public.parted", M, ""),
    ('ALTER TABLE "Odd one" SET UNLOGGED', 'table public."Odd one"', D, ""),
    ("CREATE SCHEMA n", "schema n", B, "DROP SCHEMA n;"),
    ("DROP SCHEMA app", "schema app", M, "CREATE SCHEMA app;"),
    ("ALTER TABLE t ADD COLUMN n int", "column public.t.n", B, "ALTER TABLE public.t DROP COLUMN"),
    (
        'ALTER TABLE "Odd one" DROP COLUMN "a.b"',
        'column public."Odd one"."a.b"',
        M,
        'ALTER TABLE public."Odd one" ADD COLUMN "a.b" integer;',
    ),
    (
        "ALTER TABLE t ALTER a SET DEFAULT 2",
        "column public.t.a",
        D,
        "ALTER TABLE public.t ALTER COLUMN a SET DEFAULT 1;",
    ),
    (
        "ALTER TABLE t ALTER b TYPE varchar(30)",
        "column public.t.b",
        D,
        "ALTER TABLE public.t ALTER COLUMN b TYPE character varying(20);",
    ),
    (
        "ALTER TABLE t ALTER c DROP NOT NULL",
        "column public.t.c",
        D,
        "ALTER TABLE public.t ALTER COLUMN c SET NOT NULL;",
    ),
    ("ALTER TABLE t ALTER a SET STATISTICS 500", "column public.t.a", D, ""),
    ("CREATE INDEX n ON t (a)", "index public.n", B, "DROP INDEX CONCURRENTLY public.n;"),
    (
        "DROP INDEX t_c",
        "index public.t_c",
        M,
        "CREATE INDEX CONCURRENTLY t_c ON public.t USING btree (c);",
    ),
    (
        "DROP INDEX t_c; CREATE INDEX t_c ON t (c DESC)",
        "index public.t_c",
        D,
        "DROP INDEX CONCURRENTLY public.t_c;\nCREATE INDEX CONCURRENTLY t_c",
    ),
    (
        "ALTER TABLE t DROP CONSTRAINT t_b",
        "constraint public.t.t_b",
        M,
        "ALTER TABLE public.t ADD CONSTRAINT t_b UNIQUE (b);",
    ),
    (
        "ALTER TABLE t DROP CONSTRAINT t_a",
        "constraint public.t.t_a",
        M,
        (
            "ALTER TABLE public.t ADD CONSTRAINT t_a CHECK ((a > 0)) NOT VALID;\n"
            "ALTER TABLE public.t VALIDATE CONSTRAINT t_a;"
        ),
    ),
    (
        "ALTER TABLE t DROP CONSTRAINT t_a, ADD CONSTRAINT t_a CHECK (a > 1)",
        "constraint public.t.t_a",
        D,
        "ALTER TABLE public.t DROP CONSTRAINT t_a;",
    ),
    (
        "ALTER TABLE t ADD CONSTRAINT n UNIQUE (d)",
        "constraint public.t.n",
        B,
        "ALTER TABLE public.t DROP CONSTRAINT n;",
    ),
    ("DROP VIEW v", "view public.v", M, "CREATE VIEW public.v AS"),
    (
        "CREATE OR REPLACE VIEW v AS SELECT id, a FROM t WHERE a > 1",
        "view public.v",
        D,
        "CREATE OR REPLACE VIEW public.v AS",
    ),
    ("CREATE VIEW n AS SELECT 1 AS one", "view public.n", B, "DROP VIEW public.n;"),
    ("DROP MATERIALIZED VIEW mv", "materialized view public.mv", M, "CREATE MATERIALIZED VIEW"),
    (
        "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
        "function public.f()",
        D,
        "CREATE OR REPLACE FUNCTION public.f()\n",
    ),
    ("DROP FUNCTION f()", "function public.f()", M, "CREATE OR REPLACE FUNCTION public.f()"),
    (
        "CREATE PROCEDURE n(x int) LANGUAGE sql AS 'SELECT 1'",
        "procedure public.n(IN x integer)",
        B,
        "DROP PROCEDURE public.n(IN x integer);",
    ),
    ("DROP TRIGGER tr ON t", "trigger public.t.tr", M, "CREATE TRIGGER tr"),
    (
        "ALTER TABLE t DISABLE TRIGGER tr",
        "trigger public.t.tr",
        D,
        "ALTER TABLE public.t ENABLE TRIGGER tr;",
    ),
    (
        "CREATE TRIGGER n AFTER INSERT ON t EXECUTE FUNCTION tf()",
        "trigger public.t.n",
        B,
        "DROP TRIGGER n ON public.t;",
    ),
    ("ALTER TABLE t DISABLE ROW LEVEL SECURITY", "table public.t", D, ""),
    ("DROP POLICY pol ON t", "policy public.t.pol", M, ""),
    ("ALTER POLICY pol ON t USING (a = 2)", "policy public.t.pol", D, ""),
    ("CREATE POLICY n ON t USING (true)", "policy public.t.n", B, "DROP POLICY n ON public.t;"),
    ("ALTER SEQUENCE s INCREMENT 5", "sequence public.s", D, ""),
    ("CREATE SEQUENCE n", "sequence public.n", B, "DROP SEQUENCE public.n;"),
    ("DROP STATISTICS st", "statistics public.st", M, "CREATE STATISTICS public.st ON"),
    ("COMMENT ON COLUMN t.a IS 'new'", "comment table column public.t.a", D, ""),
    ("DROP RULE ru ON p", "rule public.p.ru", M, "CREATE RULE ru AS"),
    ("ALTER TYPE mood ADD VALUE 'calm'", "enum public.mood", D, ""),
    ("CREATE TYPE n AS ENUM ('x')", "enum public.n", B, "DROP TYPE public.n;"),
    ("DROP DOMAIN positive", "domain public.positive", M, ""),
    ("ALTER TYPE pair ADD ATTRIBUTE z int", "column public.pair.z", B, ""),
    ("CREATE EXTENSION hstore", "extension hstore", B, "DROP EXTENSION hstore;"),
    (
        "CREATE AGGREGATE n(int) (SFUNC = int4pl, STYPE = int)",
        "aggregate public.n(integer)",
        B,
        "DROP AGGREGATE public.n(integer);",
    ),
    ("ALTER VIEW v ALTER a SET DEFAULT 3", "column public.v.a", D, ""),
    (
        "CREATE OR REPLACE VIEW v AS SELECT id, a, b FROM t",
        "view public.v",
        D,
        "CREATE OR REPLACE VIEW public.v AS",
    ),
    ("CREATE PUBLICATION n", "publication n", B, "DROP PUBLICATION n;"),
    (
        'CREATE COLLATION n FROM "C"',
        "collation public.n",
        B,
        "",
    ),
)


def execute(url: str, *statements: str) -> None:
    parsed = make_url(url).set(drivername="postgresql")
    with psycopg.connect(parsed.render_as_string(hide_password=False), autocommit=True) as session:
        for statement in statements:
            session.execute(statement.encode())


def upgrade(config: Path, url: str, revision: str = "heads") -> None:
    found = read_config(config)
    found.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    command.upgrade(found, revision)


def look(config: Path, url: str, server: Server) -> Drift:
    project = open_project(config, url=url)
    with open_site(project, lock_timeout=timedelta(seconds=2)) as site:
        return find_drift(project, site, server)


@pytest.fixture(scope="module")
def template(
    embedded_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, str]]:
    """A project, and a database that has all its revisions."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "migrations" / "versions").mkdir(parents=True)
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/migrations\n")
    (folder / "migrations" / "env.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import context\n"
        'url = context.config.get_main_option("sqlalchemy.url")\n'
        "with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:\n"
        "    context.configure(connection=connection)\n"
        "    with context.begin_transaction():\n"
        "        context.run_migrations()\n"
    )
    lines = "".join(f"    op.execute({line!r})\n" for line in SCHEMA.strip().split(";\n"))
    (folder / "migrations" / "versions" / "one.py").write_text(
        f"from alembic import op\nrevision = 'one'\ndown_revision = None\n\ndef upgrade():\n{lines}"
    )
    (folder / "migrations" / "versions" / "two.py").write_text(
        "from alembic import op\nrevision = 'two'\ndown_revision = 'one'\n\n"
        "def upgrade():\n    op.execute('CREATE TABLE later (id int)')\n"
    )
    name = embedded_server.create_database()
    upgrade(folder / "alembic.ini", embedded_server.url(name), "one")
    yield folder / "alembic.ini", name
    embedded_server.drop_database(name)


@pytest.fixture
def drifted(embedded_server: Server, template: tuple[Path, str]) -> Iterator[tuple[Path, str]]:
    """The project, and a copy of the database to change by hand."""
    config, name = template
    copy = embedded_server.copy_database(name)
    yield config, embedded_server.url(copy)
    embedded_server.drop_database(copy)


def test_an_untouched_database_has_no_drift_whatever_is_pending(
    drifted: tuple[Path, str], embedded_server: Server
) -> None:
    drift = look(*drifted, embedded_server)
    assert drift.differences == ()
    assert drift.reordered == ()
    assert drift.revisions == 1


class Desk:
    """The template, changed in a transaction that is rolled back."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url).set(drivername="postgresql")
        self.session = psycopg.connect(parsed.render_as_string(hide_password=False))
        self.expected = self._snapshot()

    def _snapshot(self) -> Snapshot:
        def ask(query: str) -> list[tuple[object, ...]]:
            return self.session.execute(query.encode()).fetchall()

        self.session.execute("SAVEPOINT before")
        try:
            return read_snapshot(ask, VersionTable(schema="public"))
        finally:
            self.session.execute("ROLLBACK TO before")

    def change(self, *statements: str) -> None:
        for statement in statements:
            # nobody else is here, and it is in a transaction
            self.session.execute(statement.replace(" CONCURRENTLY", "").encode())

    def compare(self) -> tuple[DriftDifference, ...]:
        return compare_schemas(self.expected, self._snapshot())[0]


@pytest.fixture
def desk(embedded_server: Server, template: tuple[Path, str]) -> Iterator[Desk]:
    desk = Desk(embedded_server.url(template[1]))
    yield desk
    desk.session.rollback()
    desk.session.close()


@pytest.mark.parametrize(
    ("sql", "name", "change", "repair"), MUTATIONS, ids=[one[0] for one in MUTATIONS]
)
def test_every_kind_of_object_is_found_alone_and_named(
    sql: str, name: str, change: Change, repair: str, desk: Desk
) -> None:
    desk.change(sql)
    (one,) = desk.compare()
    assert (f"{one.kind} {one.identity}", one.change) == (name, change)
    assert one.repair.startswith(repair)
    assert bool(one.repair) is bool(repair)
    holds_data = one.kind in {"table", "column", "schema", "sequence"}
    assert one.is_destructive is (change is B and holds_data and bool(repair))


# CREATE OR REPLACE VIEW takes no column away
@pytest.mark.parametrize(
    "sql", [one[0] for one in MUTATIONS if one[3] and ", b FROM" not in one[0]]
)
def test_what_is_offered_as_the_repair_takes_the_drift_away(sql: str, desk: Desk) -> None:
    desk.change(sql)
    (one,) = desk.compare()
    desk.change(one.repair)
    assert desk.compare() == ()


def only(drift: Drift) -> DriftDifference:
    (one,) = drift.differences
    return one


def test_an_invalid_index_and_a_constraint_that_is_not_valid_are_named_as_such(
    drifted: tuple[Path, str], embedded_server: Server
) -> None:
    execute(
        drifted[1],
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't_c'::regclass",
        "ALTER TABLE t DROP CONSTRAINT t_a",
        "ALTER TABLE t ADD CONSTRAINT t_a CHECK (a > 0) NOT VALID",
    )
    constraint, index = look(*drifted, embedded_server).differences
    assert (index.identity, index.remark, index.repair) == (
        "public.t_c",
        "INVALID",
        "REINDEX INDEX CONCURRENTLY public.t_c;",
    )
    assert (constraint.identity, constraint.remark, constraint.repair) == (
        "public.t.t_a",
        "NOT VALID",
        "ALTER TABLE public.t VALIDATE CONSTRAINT t_a;",
    )


def test_the_order_of_columns_and_partitions_made_since_are_told_apart(
    drifted: tuple[Path, str], embedded_server: Server
) -> None:
    execute(
        drifted[1],
        "ALTER TABLE p ADD COLUMN z int",
        "CREATE TABLE parted_1 PARTITION OF parted DEFAULT",
        "CREATE INDEX ON parted_1 (at)",
        'ALTER TABLE "Odd one" ADD COLUMN n int',
        'ALTER TABLE "Odd one" DROP COLUMN "a.b"',
        'ALTER TABLE "Odd one" ADD COLUMN "a.b" int',
        'ALTER TABLE "Odd one" DROP COLUMN n',
        "ALTER TABLE t DROP COLUMN d",
        "ALTER TABLE t ADD COLUMN d int REFERENCES p",
    )
    drift = look(*drifted, embedded_server)
    assert only(drift).identity == "public.p.z"
    assert drift.partitions == ("public.parted_1",)
    assert len(drift.reordered) == 1
    assert drift.reordered[0].startswith("column order of public.t: id, a, b, c, d, m -> id, a, b,")


def test_owners_and_grants_are_no_drift(drifted: tuple[Path, str], embedded_server: Server) -> None:
    execute(
        drifted[1],
        "GRANT SELECT ON t TO PUBLIC",
        "ALTER TABLE t OWNER TO pg_database_owner",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
    )
    assert look(*drifted, embedded_server).differences == ()


def test_a_password_in_a_definition_is_not_shown(
    drifted: tuple[Path, str], embedded_server: Server
) -> None:
    execute(
        drifted[1],
        "CREATE FUNCTION n() RETURNS text LANGUAGE sql AS"
        " $$SELECT 'postgresql://app:hunter2@db/shop'::text$$",
    )
    one = only(look(*drifted, embedded_server))
    assert one.identity == "public.n()"
    assert "hunter2" not in repr(one)
    assert "postgresql://app:" in one.found["definition"]


def test_a_database_ahead_of_the_files_is_refused(
    drifted: tuple[Path, str], embedded_server: Server
) -> None:
    execute(drifted[1], "UPDATE alembic_version SET version_num = 'gone'")
    with pytest.raises(RevisionError, match='the database is at "gone", which no file here has'):
        look(*drifted, embedded_server)


def test_a_history_that_cannot_be_replayed_from_empty_says_which_revision(
    scaffold: Scaffold, database: str, embedded_server: Server
) -> None:
    execute(database, "CREATE TABLE old (id int)")
    scaffold.add("1111", "ALTER TABLE old ADD COLUMN a int", "pass")
    upgrade(scaffold.config, database)
    with pytest.raises(RevisionError, match='revision "1111" fails') as caught:
        look(scaffold.config, database, embedded_server)
    assert "42P01" in caught.value.message
    assert "a table that was there before" in caught.value.hint


def test_a_lock_that_is_held_is_not_waited_for_long(
    drifted: tuple[Path, str], embedded_server: Server
) -> None:
    parsed = make_url(drifted[1]).set(drivername="postgresql")
    with psycopg.connect(parsed.render_as_string(hide_password=False)) as session:
        session.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(LockTimeoutError, match="ACCESS EXCLUSIVE"):
            look(*drifted, embedded_server)


def test_roles_that_revisions_grant_to_are_made_on_a_server_of_ours(
    scaffold: Scaffold, database: str, embedded_server: Server
) -> None:
    name = f"app of {make_url(database).database}"
    execute(database, f'CREATE ROLE "{name}"')
    try:
        scaffold.add("1111", "CREATE TABLE t (id int)", "pass")
        scaffold.add("2222", f'CREATE POLICY p ON t TO "{name}" USING (true)', "pass")
        upgrade(scaffold.config, database)
        with open_server("embedded", version=embedded_server.version) as other:
            assert look(scaffold.config, database, other).differences == ()
            execute(database, "ALTER POLICY p ON t TO PUBLIC")
            one = only(look(scaffold.config, database, other))
        assert (one.identity, one.expected, one.found) == (
            "public.t.p",
            {"roles": name},
            {"roles": "public"},
        )
    finally:
        execute(database, "DROP TABLE t", f'DROP ROLE "{name}"')


def test_the_history_of_this_project_leaves_no_drift(
    database: str, embedded_server: Server
) -> None:
    upgrade(ROOT / "alembic.ini", database)
    drift = look(ROOT / "alembic.ini", database, embedded_server)
    assert drift.differences == ()
    assert drift.revisions > 1


SET_PATH = """
import sqlalchemy as sa
from alembic import context

engine = sa.create_engine(context.config.get_main_option("sqlalchemy.url"), poolclass=sa.NullPool)
with engine.connect() as connection:
    connection.execute(sa.text("SET search_path TO app, public"))
    connection.commit()
    connection.dialect.default_schema_name = "app"
    context.configure(connection=connection{options})
    with context.begin_transaction():
        context.run_migrations()
"""


@pytest.mark.parametrize("options", ["", ', version_table_schema="public"'])
@pytest.mark.parametrize("create", ["", "CREATE SCHEMA IF NOT EXISTS app"])
def test_a_schema_that_env_py_works_in_is_there_before_the_history(
    scaffold: Scaffold, database: str, embedded_server: Server, options: str, create: str
) -> None:
    execute(database, "CREATE SCHEMA app")
    (scaffold.folder / "migrations" / "env.py").write_text(SET_PATH.replace("{options}", options))
    if create:
        scaffold.add("0000", create, "pass")
    scaffold.add("1111", "CREATE TABLE account (id int)", "pass")
    scaffold.add("2222", "CREATE INDEX account_id ON account (id)", "pass")
    upgrade(scaffold.config, database)
    assert look(scaffold.config, database, embedded_server).differences == ()
    execute(database, "ALTER TABLE app.account ADD COLUMN n int")
    one = only(look(scaffold.config, database, embedded_server))
    assert one.identity == "app.account.n"


def test_a_schema_that_a_revision_makes_is_left_to_it(
    scaffold: Scaffold, database: str, embedded_server: Server
) -> None:
    text = SET_PATH.replace("{options}", ', version_table_schema="public"')
    (scaffold.folder / "migrations" / "env.py").write_text(text)
    scaffold.add("1111", "CREATE SCHEMA app", "pass")
    scaffold.add("2222", "CREATE TABLE account (id int)", "pass")
    upgrade(scaffold.config, database)
    assert look(scaffold.config, database, embedded_server).differences == ()


CONCURRENTLY = """\
with op.get_context().autocommit_block():
    op.execute("CREATE INDEX CONCURRENTLY metric_at ON metric (at)")"""


def test_an_index_that_was_built_partition_by_partition_is_no_drift(
    scaffold: Scaffold, database: str, embedded_server: Server
) -> None:
    scaffold.add("1111", "CREATE TABLE metric (at date) PARTITION BY RANGE (at)", "pass")
    scaffold.add("2222", "CREATE TABLE metric_1 PARTITION OF metric DEFAULT", "pass")
    scaffold.add("3333", CONCURRENTLY, "DROP INDEX metric_at")
    arguments = ("upgrade", "--config", str(scaffold.config), "--url", database)
    result = CliRunner().invoke(group, (*arguments, "--override", "a test"))
    assert result.exit_code == 0, result.output
    drift = look(scaffold.config, database, embedded_server)
    assert (drift.differences, drift.revisions) == ((), 3)
    assert [proof.error for proof in scaffold.verify().revisions][-1] is None
