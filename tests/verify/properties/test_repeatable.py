"""An upgrade that is done, asked for once more."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from safemigrate.model import Check, Property, Standing
from tests.verify.conftest import ENV, Scaffold
from tests.verify.test_history import databases

CREATE = "CREATE TABLE t (id int PRIMARY KEY, a int)"
COUNTER = "CREATE TABLE runs (id int PRIMARY KEY, number int)\nINSERT INTO runs VALUES (1, 0)"
# What a revision's module registers when it is loaded is heard at the end of every transaction.
LISTENER = """

@sa.event.listens_for(sa.Engine, "commit")
def count(connection):
    cursor = connection.connection.cursor()
    cursor.execute("SELECT to_regclass('runs')")
    if cursor.fetchone()[0]:
        cursor.execute("UPDATE runs SET number = number + 1")


sa.Engine.counting = count
"""


def check(scaffold: Scaffold) -> Check:
    return scaffold.check(Property.REPEATABLE)


def after_run(code: str) -> str:
    """Return an env.py that does something on a connection when the migrations have run."""
    lines = "".join(f"    {line}\n" for line in code.splitlines())
    return ENV.format(options="") + f"\nwith engine.begin() as connection:\n{lines}"


COUNTING_ENV = after_run(
    """if sa.inspect(connection).has_table("runs"):
    connection.execute(sa.text("UPDATE runs SET number = number + 1"))"""
)
RENAMING_ENV = after_run(
    """if sa.inspect(connection).has_table("t"):
    names = [one["name"] for one in sa.inspect(connection).get_columns("t")]
    connection.execute(sa.text(f"ALTER TABLE t RENAME COLUMN {names[-1]} TO {names[-1]}_"))"""
)
SETTLED_ENV = after_run(
    """connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS audit"))
connection.execute(sa.text("CREATE OR REPLACE VIEW audit.now AS SELECT now() AS now"))"""
)


@pytest.fixture
def anywhere_with_env(anywhere: Scaffold) -> Callable[[str], Scaffold]:
    """Gives the project an env.py of its own, on each kind of server."""

    def make(env: str) -> Scaffold:
        (anywhere.folder / "migrations" / "env.py").write_text(env)
        return anywhere

    return make


def test_an_env_that_counts_its_runs_is_found(
    anywhere_with_env: Callable[[str], Scaffold],
) -> None:
    scaffold = anywhere_with_env(COUNTING_ENV)
    scaffold.add("one", COUNTER, "DROP TABLE runs")

    found = check(scaffold)

    assert found.standing is Standing.BROKEN
    assert "the same run once more changes something" in found.reason
    assert "~ rows of public.runs: other values in number" in found.reason


def test_a_revision_that_is_done_is_left_alone(anywhere: Scaffold) -> None:
    anywhere.add("one", CREATE + "\nINSERT INTO t VALUES (1, 2)", "DROP TABLE t")

    assert check(anywhere).standing is Standing.HOLDS


def test_that_property_alone_is_broken(
    scaffold_with_env: Callable[[str], Scaffold],
) -> None:
    scaffold = scaffold_with_env(COUNTING_ENV)
    scaffold.add("one", COUNTER, "DROP TABLE runs")

    assert scaffold.broken() == {Property.REPEATABLE}


def test_what_a_revision_registers_for_every_run_is_found(scaffold: Scaffold) -> None:
    scaffold.add("one", COUNTER, "DROP TABLE runs")
    path = scaffold.path("one")
    path.write_text(path.read_text().replace("\ndef upgrade", LISTENER + "\n\ndef upgrade"))
    try:
        found = check(scaffold)
    finally:
        sa.event.remove(sa.Engine, "commit", vars(sa.Engine)["counting"])
        delattr(sa.Engine, "counting")

    assert "~ rows of public.runs: other values in number" in found.reason


def test_a_schema_that_changes_with_each_run_is_found(
    scaffold_with_env: Callable[[str], Scaffold],
) -> None:
    scaffold = scaffold_with_env(RENAMING_ENV)
    scaffold.add("one", CREATE, "DROP TABLE t")

    assert "+ column public.t.a__" in check(scaffold).reason


def test_an_env_that_looks_first_is_right(
    scaffold_with_env: Callable[[str], Scaffold],
) -> None:
    scaffold = scaffold_with_env(SETTLED_ENV)
    scaffold.add("one", CREATE, "DROP TABLE t")

    assert check(scaffold).standing is Standing.HOLDS


def test_an_env_that_fails_when_the_work_is_done_is_found(
    scaffold_with_env: Callable[[str], Scaffold],
) -> None:
    env = 'if sa.inspect(engine).has_table("t"):\n    raise RuntimeError("done before")\n'
    scaffold = scaffold_with_env(ENV.format(options="").replace("with engine", env + "with engine"))
    scaffold.add("one", CREATE, "DROP TABLE t")

    found = check(scaffold)

    assert found.standing is Standing.BROKEN
    assert "RuntimeError: done before" in found.reason


def test_a_version_table_of_another_name_is_nobodys_change(
    scaffold_with_env: Callable[[str], Scaffold],
) -> None:
    options = ", version_table='versions', version_table_schema='public'"
    scaffold = scaffold_with_env(ENV.format(options=options))
    scaffold.add("one", CREATE, "DROP TABLE t")

    assert check(scaffold).standing is Standing.HOLDS


def test_no_database_is_left(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    before = databases(scaffold.server)

    check(scaffold)

    assert databases(scaffold.server) == before
