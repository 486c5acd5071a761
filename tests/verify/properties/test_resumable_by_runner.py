"""Upgrades cut off where `safemigrate upgrade` goes on, on a real server."""

import signal
from collections.abc import Callable

import pytest

from safemigrate.config import Deployer
from safemigrate.model import Check, Property, Standing
from safemigrate.verify.bench import Bench
from safemigrate.verify.cuts import Sending, lasting, lose_sessions
from safemigrate.verify.experiments import failure
from tests.verify.conftest import ENV, Scaffold
from tests.verify.properties.test_resumable import (
    CREATE,
    ONE_BUILD,
    ONE_DROP,
    TWO_BUILDS,
    TWO_DROPS,
    line_of,
)


def check(scaffold: Scaffold) -> Check:
    return scaffold.check(Property.RESUMABLE, deployed_by=Deployer.SAFEMIGRATE)


def test_one_build_is_resumable_where_the_runner_goes_on(anywhere: Scaffold) -> None:
    anywhere.add("one", CREATE, "DROP TABLE t")
    anywhere.add("two", ONE_BUILD, ONE_DROP)

    found = check(anywhere)

    assert found.standing is Standing.HOLDS
    assert "safemigrate upgrade goes on where plain Alembic would not" in found.reason
    (line,) = found.details
    assert line.startswith("cut off before the version table's row (UPDATE alembic_version")
    assert "plain Alembic would stop at" in line
    assert 'relation "i" already exists (SQLSTATE 42P07)' in line
    assert line.endswith("; safemigrate upgrade goes on")


def test_a_downgrade_that_does_nothing_leaves_the_next_revision_alone(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    # fails when it is applied again, with the schema that it made and the version before it
    scaffold.add("two", "CREATE INDEX k ON t (b)", "DROP INDEX IF EXISTS kk")
    scaffold.add("three", ONE_BUILD, ONE_DROP)

    proof = scaffold.verify(selected=("resumable", "masks-nothing"))

    checks = proof.revisions[-1].checks
    assert [one.standing for one in checks] == [Standing.HOLDS] * 2, checks


def test_two_builds_are_resumable_where_the_runner_goes_on(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", TWO_BUILDS, TWO_DROPS)

    found = check(scaffold)

    assert found.standing is Standing.HOLDS
    places = [line.split(", plain Alembic")[0] for line in found.details]
    first = line_of(scaffold, "two", '"j"')
    assert places[0] == f"cut off before line {first} (CREATE INDEX CONCURRENTLY j ON t (b))"
    assert places[1].startswith("cut off before the version table's row")


def test_nothing_is_broken_by_one_build(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", ONE_BUILD, ONE_DROP)

    assert scaffold.broken() == set()


OTHER_ENGINE = """
import sqlalchemy
engine = sa.create_engine(op.get_bind().engine.url, poolclass=sa.NullPool)
with engine.begin() as other:
    other.execute(sa.text("CREATE TABLE other (id int PRIMARY KEY)"))
op.execute("ALTER TABLE t ADD COLUMN c int")
"""
TEMPORARY_TABLE = """
bind = op.get_bind()
bind.execute(sa.text("CREATE TEMPORARY TABLE work AS SELECT id FROM t"))
bind.execute(sa.text("ALTER TABLE t ADD COLUMN c int"))
bind.commit()
bind.execute(sa.text("UPDATE t SET c = 7 WHERE id IN (SELECT id FROM work)"))
"""


FINDS_ITS_WORK = TEMPORARY_TABLE.replace("ADD COLUMN c", "ADD COLUMN IF NOT EXISTS c")


@pytest.mark.parametrize(
    ("upgrade", "place", "reason"),
    [
        pytest.param(
            OTHER_ENGINE,
            "ADD COLUMN c",
            'relation "other" already exists (SQLSTATE 42P07)',
            id="an engine of its own",
        ),
        pytest.param(
            TEMPORARY_TABLE,
            "UPDATE t SET c",
            'relation "work" does not exist (SQLSTATE 42P01)',
            id="a temporary table",
        ),
    ],
)
def test_what_the_runner_cannot_go_on_with_is_found(
    scaffold: Scaffold, upgrade: str, place: str, reason: str
) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", upgrade, "pass")

    found = check(scaffold)

    assert found.standing is Standing.BROKEN
    line = line_of(scaffold, "two", place)
    assert found.line == line
    assert f"cut off before line {line} (" in found.reason
    assert "safemigrate upgrade fails" in found.reason
    assert reason in found.reason
    assert any(one.startswith("  it says: ") for one in found.details)
    assert "over the connection that Alembic hands out" in found.help


def test_the_runner_is_asked_also_where_plain_alembic_ends_right(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", FINDS_ITS_WORK, "pass")

    found = check(scaffold)

    assert found.standing is Standing.BROKEN
    line = line_of(scaffold, "two", "UPDATE t SET c")
    assert (found.path, found.line) == (str(scaffold.path("two")), line)
    assert "a second safemigrate upgrade fails" in found.reason
    assert 'relation "work" does not exist (SQLSTATE 42P01)' in found.reason
    assert any(one.endswith("plain Alembic would end right") for one in found.details)
    plain = scaffold.check(Property.RESUMABLE, deployed_by=Deployer.ALEMBIC)
    assert plain.standing is Standing.HOLDS


def test_what_both_go_on_with_holds(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add(
        "two", ONE_BUILD.replace("_concurrently", "_concurrently=True, if_not_exists"), "pass"
    )

    found = check(scaffold)

    assert (found.standing, found.details) == (Standing.HOLDS, ())
    assert "safemigrate upgrade goes on as plain Alembic would" in found.reason


def test_that_property_alone_is_broken_where_the_runner_cannot_go_on(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", OTHER_ENGINE, "ALTER TABLE t DROP COLUMN c\nDROP TABLE other")

    assert scaffold.broken() == {Property.RESUMABLE}


def test_the_runner_is_asked_of_another_version_table(
    scaffold_with_env: Callable[[str], Scaffold],
) -> None:
    options = ", version_table='applied', version_table_schema='public'"
    scaffold = scaffold_with_env(ENV.format(options=options))
    scaffold.add("one", CREATE + "\nINSERT INTO t VALUES (1, 2, 3)", "DROP TABLE t")
    scaffold.add("two", ONE_BUILD, ONE_DROP)

    found = check(scaffold)

    assert found.standing is Standing.HOLDS
    (line,) = found.details
    assert "the version table's row (UPDATE public.applied" in line


def test_texts_that_are_others_in_each_run_are_found_again(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add(
        "two",
        """
        import uuid
        bind = op.get_bind()
        for number in range(2):
            bind.execute(sa.text(f"ALTER TABLE t ADD COLUMN c{number} int /* {uuid.uuid4()} */"))
            bind.commit()
        """,
        "pass",
    )

    found = check(scaffold)

    assert (found.standing, len(found.details)) == (Standing.HOLDS, 2)


def test_a_signal_that_comes_in_a_trial_of_the_runner_is_not_lost(
    scaffold: Scaffold, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(bench: Bench, sending: Sending) -> bool:
        signal.raise_signal(signal.SIGINT)
        return lose_sessions(bench, sending)

    monkeypatch.setattr(failure, "lasting", lambda _: lasting(interrupt))
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", ONE_BUILD, ONE_DROP)

    with pytest.raises(KeyboardInterrupt):
        check(scaffold)
