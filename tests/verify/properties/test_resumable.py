"""Upgrades cut off before each of their statements, on a real server."""

import signal

import pytest
import sqlalchemy as sa

from safemigrate.config import Deployer
from safemigrate.model import Check, Property, Standing
from safemigrate.verify.experiments import failure
from tests.verify.conftest import Scaffold
from tests.verify.test_history import databases

CREATE = "CREATE TABLE t (id int PRIMARY KEY, a int, b int)"
ONE_BUILD = """
with op.get_context().autocommit_block():
    op.create_index("i", "t", ["a"], postgresql_concurrently=True)
"""
ONE_DROP = """
with op.get_context().autocommit_block():
    op.drop_index("i", postgresql_concurrently=True)
"""
TWO_BUILDS = """
with op.get_context().autocommit_block():
    op.create_index("i", "t", ["a"], postgresql_concurrently=True)
    op.create_index("j", "t", ["b"], postgresql_concurrently=True)
"""
TWO_DROPS = """
with op.get_context().autocommit_block():
    op.drop_index("j", postgresql_concurrently=True)
    op.drop_index("i", postgresql_concurrently=True)
"""


def line_of(scaffold: Scaffold, revision: str, text: str) -> int:
    lines = scaffold.path(revision).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def check(scaffold: Scaffold, deployed_by: Deployer = Deployer.ALEMBIC) -> Check:
    return scaffold.check(Property.RESUMABLE, deployed_by=deployed_by)


def test_two_builds_in_one_revision_cannot_be_run_again(anywhere: Scaffold) -> None:
    anywhere.add("one", CREATE, "DROP TABLE t")
    anywhere.add("two", TWO_BUILDS, TWO_DROPS)

    found = check(anywhere)

    assert found.standing is Standing.BROKEN
    line = line_of(anywhere, "two", '"j"')
    assert f"cut off before line {line} (CREATE INDEX CONCURRENTLY j" in found.reason
    assert "it leaves index public.i behind" in found.reason
    assert 'relation "i" already exists (SQLSTATE 42P07)' in found.reason
    assert (found.path, found.line) == (str(anywhere.path("two")), line)
    assert any("the version table's row" in one for one in found.details)


def test_one_transaction_is_resumable(anywhere: Scaffold) -> None:
    anywhere.add("one", CREATE, "DROP TABLE t")
    anywhere.add(
        "two",
        "ALTER TABLE t ADD COLUMN c int\nCREATE INDEX i ON t (c)\nINSERT INTO t VALUES (1, 2, 3)",
        "DELETE FROM t\nALTER TABLE t DROP COLUMN c",
    )

    found = check(anywhere)

    assert found.standing is Standing.HOLDS
    assert "one transaction" in found.reason


def test_that_property_alone_is_broken(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", TWO_BUILDS, TWO_DROPS)

    assert scaffold.broken(deployed_by=Deployer.ALEMBIC) == {Property.RESUMABLE}


def test_one_build_is_not_resumable_by_plain_alembic(anywhere: Scaffold) -> None:
    anywhere.add("one", CREATE, "DROP TABLE t")
    anywhere.add("two", ONE_BUILD, ONE_DROP)

    found = check(anywhere, Deployer.ALEMBIC)

    assert found.standing is Standing.BROKEN
    assert "running it again fails" in found.reason
    assert 'relation "i" already exists (SQLSTATE 42P07)' in found.reason
    assert 'or deploy by "safemigrate upgrade"' in found.help


BUILD_ANEW = """
with op.get_context().autocommit_block():
    op.execute("DROP INDEX CONCURRENTLY IF EXISTS i")
    op.create_index("i", "t", ["a"], postgresql_concurrently=True)
"""


@pytest.mark.parametrize(
    "upgrade",
    [
        pytest.param(BUILD_ANEW, id="drop first"),
        pytest.param(
            TWO_BUILDS.replace("_concurrently", "_concurrently=True, if_not_exists"),
            id="if not exists",
        ),
        pytest.param(
            """
            bind = op.get_bind()
            bind.execute(sa.text("ALTER TABLE t ADD COLUMN IF NOT EXISTS c int"))
            bind.commit()
            bind.execute(sa.text("UPDATE t SET c = a WHERE c IS NULL"))
            bind.commit()
            """,
            id="commits between",
        ),
    ],
)
def test_what_finds_its_own_work_is_resumable(scaffold: Scaffold, upgrade: str) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", upgrade, "pass")

    found = check(scaffold)

    assert (found.standing, found.details) == (Standing.HOLDS, ())
    assert "cut off before and refused at all of its statements" in found.reason


FURTHER = """
engine = sa.create_engine(op.get_bind().engine.url, poolclass=sa.NullPool)
with engine.begin() as other:
    other.execute(sa.text("CREATE TABLE other (id int)"))
op.execute("ALTER TABLE t ADD COLUMN c int")
"""


@pytest.mark.parametrize(
    ("upgrade", "reason"),
    [
        pytest.param(
            """
            bind = op.get_bind()
            bind.execute(sa.text("ALTER TABLE t ADD COLUMN c int"))
            bind.commit()
            bind.execute(sa.text("ALTER TABLE t ADD COLUMN d int"))
            """,
            'column "c" of relation "t" already exists (SQLSTATE 42701)',
            id="commit()",
        ),
        pytest.param(
            "ALTER TABLE t ADD COLUMN c int\nCOMMIT\nALTER TABLE t ADD COLUMN d int",
            'column "c" of relation "t" already exists (SQLSTATE 42701)',
            id="COMMIT",
        ),
        pytest.param(
            "ALTER TABLE t ADD COLUMN c int\nCOMMIT; BEGIN\nALTER TABLE t ADD COLUMN d int",
            'column "c" of relation "t" already exists (SQLSTATE 42701)',
            id="COMMIT and BEGIN at once",
        ),
        pytest.param(
            """
            bind = op.get_bind()
            bind.execute(sa.text("ALTER TABLE t ADD COLUMN c int"))
            bind.connection.commit()
            bind.execute(sa.text("ALTER TABLE t ADD COLUMN d int"))
            """,
            'column "c" of relation "t" already exists (SQLSTATE 42701)',
            id="commit of the driver's",
        ),
        pytest.param(
            "import sqlalchemy\n" + FURTHER,
            'relation "other" already exists (SQLSTATE 42P07)',
            id="an engine of its own",
        ),
        pytest.param(
            """
            import psycopg
            url = op.get_bind().engine.url.set(drivername="postgresql")
            with psycopg.connect(url.render_as_string(hide_password=False)) as other:
                other.execute("CREATE TABLE other (id int)")
            op.execute("ALTER TABLE t ADD COLUMN c int")
            """,
            'DuplicateTable: relation "other" already exists',
            id="a connection that SQLAlchemy does not know",
        ),
        pytest.param(
            """
            with op.get_bind().engine.connect() as other:
                other.execute(sa.text("CREATE TABLE other (id int)"))
                other.commit()
            op.execute("ALTER TABLE t ADD COLUMN c int")
            """,
            'relation "other" already exists (SQLSTATE 42P07)',
            id="a second connection",
        ),
    ],
)
def test_what_is_committed_on_the_way_is_found(
    scaffold: Scaffold, upgrade: str, reason: str
) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", upgrade, "pass")

    found = check(scaffold)

    assert found.standing is Standing.BROKEN
    assert reason in found.reason


def test_what_is_made_and_taken_away_by_commits_is_found(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add(
        "two",
        """
        with op.get_context().autocommit_block():
            op.execute("CREATE TABLE work (id int)")
            op.execute("DROP TABLE work")
        """,
        "pass",
    )

    found = check(scaffold)

    assert found.standing is Standing.BROKEN
    assert 'relation "work" already exists' in found.reason


def test_batches_that_count_twice_are_found_on_generated_rows(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add(
        "two",
        """
        bind = op.get_bind()
        bind.execute(sa.text("UPDATE t SET a = coalesce(a, 1) + 1"))
        bind.commit()
        bind.execute(sa.text("ALTER TABLE t ALTER COLUMN a SET NOT NULL"))
        """,
        "pass",
    )

    found = check(scaffold)

    assert found.standing is Standing.BROKEN
    assert "~ rows of public.t: other values in a" in found.reason


def test_moments_and_counters_are_no_difference(scaffold: Scaffold) -> None:
    scaffold.add(
        "one",
        "CREATE TABLE t (id int PRIMARY KEY, a int, at timestamptz)\n"
        "CREATE TABLE log (id serial PRIMARY KEY, a int UNIQUE, at timestamptz DEFAULT now())",
        "DROP TABLE log, t",
    )
    scaffold.add(
        "two",
        """
        bind = op.get_bind()
        for table in ("t", "log"):
            bind.execute(sa.text(f"UPDATE {table} SET at = clock_timestamp()"))
            bind.execute(sa.text("INSERT INTO log (a) VALUES (-7) ON CONFLICT DO NOTHING"))
            bind.commit()
        """,
        "pass",
    )

    assert check(scaffold).standing is Standing.HOLDS


@pytest.mark.parametrize("deployed_by", Deployer)
def test_an_error_that_is_swallowed_is_found(scaffold: Scaffold, deployed_by: Deployer) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add(
        "two",
        """
        bind = op.get_bind()
        try:
            with bind.begin_nested():
                bind.execute(sa.text("ALTER TABLE t ADD COLUMN c int"))
        except sa.exc.OperationalError:
            pass
        """,
        "ALTER TABLE t DROP COLUMN IF EXISTS c",
    )

    found = check(scaffold, deployed_by)

    assert found.standing is Standing.BROKEN
    line = line_of(scaffold, "two", "ADD COLUMN c")
    assert f"when line {line} (ALTER TABLE t ADD COLUMN c int) fails" in found.reason
    assert "- column public.t.c" in found.reason


def test_an_enum_label_outside_a_transaction_is_resumable(scaffold: Scaffold) -> None:
    scaffold.add("one", "CREATE TYPE mood AS ENUM ('sad')", "DROP TYPE mood")
    scaffold.add(
        "two",
        """
        with op.get_context().autocommit_block():
            op.execute("ALTER TYPE mood ADD VALUE IF NOT EXISTS 'glad'")
        """,
        "pass",
    )

    assert check(scaffold).standing is Standing.HOLDS


def test_the_first_revision_is_cut_too(scaffold: Scaffold) -> None:
    scaffold.add(
        "one",
        """
        with op.get_context().autocommit_block():
            op.execute("CREATE TABLE t (id int)")
            op.execute("CREATE TABLE u (id int)")
        """,
        "DROP TABLE t, u",
    )

    assert 'relation "t" already exists' in check(scaffold).reason


def test_an_empty_revision_is_resumable(scaffold: Scaffold) -> None:
    scaffold.add("one", "pass", "pass")

    assert check(scaffold).standing is Standing.HOLDS


def test_of_many_places_some_are_tried_and_it_is_said(
    scaffold: Scaffold, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failure, "_MOST_PLACES", 3)
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add(
        "two",
        """
        bind = op.get_bind()
        for number in range(9):
            bind.execute(sa.text("UPDATE t SET a = :a"), {"a": number})
            bind.commit()
        """,
        "pass",
    )

    assert "at 3 of 10 of its statements" in check(scaffold).reason


@pytest.mark.parametrize("deployed_by", Deployer)
def test_nothing_is_left_of_the_faults(scaffold: Scaffold, deployed_by: Deployer) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", TWO_BUILDS, TWO_DROPS)
    before = databases(scaffold.server), listeners(), handlers()

    check(scaffold, deployed_by)

    assert (databases(scaffold.server), listeners(), handlers()) == before


def handlers() -> list[object]:
    return [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGURG)]


def listeners() -> int:
    events = sa.create_engine("postgresql+psycopg://").dialect.dispatch
    names = ("do_execute", "do_executemany", "do_execute_no_params")
    return sum(len(list(getattr(events, name))) for name in names)
