"""What IF NOT EXISTS takes for the thing it should make, on a real server."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from safemigrate.config import Deployer
from safemigrate.model import Check, Property, Standing
from safemigrate.verify.bench import Bench
from safemigrate.verify.cuts import Sending, cutting_build
from safemigrate.verify.cuts.faults import Fault
from safemigrate.verify.experiments import failure_masks
from tests.postgres.versions import ProofServers, proof_versions
from tests.verify.conftest import Scaffold

CREATE = "CREATE TABLE t (id int PRIMARY KEY, a int, b int)"
BUILD = """
with op.get_context().autocommit_block():
    op.create_index("i", "t", ["a"], postgresql_concurrently=True, if_not_exists=True)
"""
BUILD_ANEW = """
with op.get_context().autocommit_block():
    op.execute("DROP INDEX CONCURRENTLY IF EXISTS i")
    op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)")
"""
DROP = """
with op.get_context().autocommit_block():
    op.drop_index("i", postgresql_concurrently=True)
"""


def check(scaffold: Scaffold, deployed_by: Deployer = Deployer.ALEMBIC) -> Check:
    return scaffold.check(Property.MASKS_NOTHING, deployed_by=deployed_by)


def test_a_failed_build_that_is_taken_for_the_index_is_found(anywhere: Scaffold) -> None:
    anywhere.add("one", CREATE, "DROP TABLE t")
    anywhere.add("two", BUILD, DROP)

    found = check(anywhere)

    assert found.standing is Standing.BROKEN
    assert "CREATE INDEX CONCURRENTLY IF NOT EXISTS i" in found.reason
    assert "~ index public.i: valid=none -> no" in found.reason
    assert "DROP INDEX CONCURRENTLY IF EXISTS" in found.help
    lines = anywhere.path("two").read_text().splitlines()
    assert "op.create_index" in lines[found.line - 1]


def test_a_failed_build_is_not_taken_for_the_index_by_the_runner(anywhere: Scaffold) -> None:
    anywhere.add("one", CREATE, "DROP TABLE t")
    anywhere.add("two", BUILD, DROP)

    found = check(anywhere, Deployer.SAFEMIGRATE)

    assert found.standing is Standing.HOLDS
    (line,) = found.details
    assert line.startswith("plain Alembic would take what line ")
    assert line.endswith("; safemigrate upgrade builds it anew")


def test_an_index_that_is_built_anew_is_right(anywhere: Scaffold) -> None:
    anywhere.add("one", CREATE, "DROP TABLE t")
    anywhere.add("two", BUILD_ANEW, DROP)

    assert check(anywhere).standing is Standing.HOLDS


def test_that_property_alone_is_broken(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", BUILD, DROP)

    assert scaffold.broken(deployed_by=Deployer.ALEMBIC) == {Property.MASKS_NOTHING}


@pytest.mark.parametrize("major", proof_versions())
def test_a_build_fails_midway_on_every_major(
    scaffold: Scaffold, proof_servers: ProofServers, major: int
) -> None:
    scaffold.server = proof_servers[major]
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", BUILD, DROP)

    assert "valid=none -> no" in check(scaffold).reason
    assert check(scaffold, Deployer.SAFEMIGRATE).standing is Standing.HOLDS


@pytest.mark.parametrize("deployed_by", Deployer)
def test_a_build_that_python_code_skips_is_found(scaffold: Scaffold, deployed_by: Deployer) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add(
        "two",
        """
        import sqlalchemy
        indexes = {one["name"] for one in sa.inspect(op.get_bind()).get_indexes("t")}
        if "i" not in indexes:
            with op.get_context().autocommit_block():
                op.create_index("i", "t", ["a"], postgresql_concurrently=True)
        """,
        DROP,
    )

    found = check(scaffold, deployed_by)

    assert found.standing is Standing.BROKEN
    assert "valid=none -> no" in found.reason


@pytest.mark.parametrize("deployed_by", Deployer)
def test_a_build_that_is_not_come_to_again_is_said(
    scaffold: Scaffold, deployed_by: Deployer
) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add(
        "two",
        """
        import pathlib
        noted = pathlib.Path(__file__).with_suffix(".runs")
        runs = int(noted.read_text()) if noted.exists() else 0
        noted.write_text(str(runs + 1))
        with op.get_context().autocommit_block():
            for number in range(256 >> runs):
                op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS i{number}")
            op.execute("CREATE INDEX CONCURRENTLY i ON t (a)")
        """,
        DROP,
    )

    found = check(scaffold, deployed_by)

    assert found.standing is Standing.UNKNOWN
    assert "1 of 1 cuts were not made: run once more, it took another way" in found.reason
    assert "CREATE INDEX CONCURRENTLY i ON t" in found.reason


def test_a_session_that_is_lost_while_a_build_waits_is_said(
    scaffold: Scaffold, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[object] = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    lost: list[int] = []

    @contextmanager
    def losing(bench: Bench) -> Iterator[Fault]:
        def strike(bench: Bench, sending: Sending) -> bool:
            others = set(threading.enumerate())
            is_taken = fault(bench, sending)
            (waiting,) = set(threading.enumerate()) - others
            lost.append(bench.connection.info.backend_pid)
            sending.session.ask(f"SELECT pg_terminate_backend({lost[0]}, 10000)")
            waiting.join()
            return is_taken

        with cutting_build(bench) as fault:
            yield strike

    monkeypatch.setattr(failure_masks, "cutting_build", losing)
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", BUILD, DROP)

    found = check(scaffold, Deployer.SAFEMIGRATE)

    assert len(lost) == 1
    assert found.standing is Standing.UNKNOWN
    assert "the throwaway server says: " in found.reason
    assert raised == []


def test_a_build_that_says_that_the_name_is_taken_masks_nothing(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", BUILD.replace(", if_not_exists=True", ""), DROP)

    assert check(scaffold).standing is Standing.HOLDS


@pytest.mark.parametrize(
    ("before", "upgrade", "reason"),
    [
        pytest.param(
            CREATE,
            "CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY, a int, b int, c text)",
            "- column public.t.c type=text",
            id="a table with other columns",
        ),
        pytest.param(
            CREATE,
            "ALTER TABLE t ADD COLUMN IF NOT EXISTS a bigint",
            "~ column public.t.a: type=bigint -> integer",
            id="a column of another type",
        ),
        pytest.param(
            CREATE + "; CREATE INDEX i ON t (a)",
            "CREATE INDEX IF NOT EXISTS i ON t (b)",
            "~ index public.i: ",
            id="an index on another column",
        ),
        pytest.param(
            CREATE + "; CREATE UNIQUE INDEX i ON t (a)",
            BUILD,
            "~ index public.i: ",
            id="another index, outside a transaction",
        ),
        pytest.param(
            "CREATE SEQUENCE s",
            "CREATE SEQUENCE IF NOT EXISTS s INCREMENT 7",
            "~ sequence public.s",
            id="a sequence",
        ),
        pytest.param(
            "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a",
            "CREATE MATERIALIZED VIEW IF NOT EXISTS m AS SELECT 2 AS a",
            "~ materialized view public.m",
            id="a materialized view",
        ),
        pytest.param(
            "CREATE VIEW m AS SELECT 1 AS a",
            "CREATE TABLE IF NOT EXISTS m (a int)",
            "- table public.m, for a view has its name",
            id="a view in the place of a table",
        ),
    ],
)
def test_what_the_history_made_otherwise_is_found(
    scaffold: Scaffold, before: str, upgrade: str, reason: str
) -> None:
    scaffold.add("one", before, "pass")
    scaffold.add("two", upgrade, "pass")

    found = check(scaffold)

    assert found.standing is Standing.BROKEN
    assert reason in found.reason


@pytest.mark.parametrize(
    "upgrade",
    [
        "CREATE TABLE IF NOT EXISTS u (id int)",
        "CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY, a int)",
        "ALTER TABLE t ADD COLUMN IF NOT EXISTS c int",
        "ALTER TABLE t ADD COLUMN IF NOT EXISTS a int",
        "CREATE INDEX IF NOT EXISTS i ON t (a)",
        "CREATE SCHEMA IF NOT EXISTS public",
        "CREATE EXTENSION IF NOT EXISTS plpgsql",
        "CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY); CREATE TABLE IF NOT EXISTS u (b int)",
        "DO $$ BEGIN CREATE TABLE IF NOT EXISTS t (z int); END $$",
    ],
)
def test_what_is_right_or_harmless_is_no_mask(scaffold: Scaffold, upgrade: str) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", upgrade, "pass")

    assert check(scaffold).standing is Standing.HOLDS


def test_what_was_granted_and_added_since_is_no_mask(scaffold: Scaffold) -> None:
    scaffold.add(
        "one",
        CREATE + "\nGRANT SELECT ON t TO PUBLIC\nALTER TABLE t ADD COLUMN c int"
        "\nCREATE INDEX i ON t (c)",
        "DROP TABLE t",
    )
    scaffold.add("two", CREATE.replace("TABLE t", "TABLE IF NOT EXISTS t"), "pass")

    assert check(scaffold).standing is Standing.HOLDS


def test_the_rows_that_are_there_are_left_alone(scaffold: Scaffold) -> None:
    scaffold.add("one", f"{CREATE}\nINSERT INTO t VALUES (1, 2, 3)", "DROP TABLE t")
    scaffold.add(
        "two",
        "CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY)\n"
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM t) THEN RAISE 'lost'; END IF; END $$",
        "pass",
    )

    assert check(scaffold).standing is Standing.HOLDS


def test_a_revision_without_such_statements_needs_no_database(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")

    assert "says IF NOT EXISTS nowhere" in check(scaffold).reason
