"""H16: nothing slow runs under a strong lock, and no lock is asked for without a timeout."""

from collections.abc import Callable

import pytest

from safemigrate.config import Deployer
from safemigrate.model import Property, Standing
from tests.postgres.versions import ProofServers, proof_versions
from tests.verify.conftest import ENV, Scaffold

ORDER = Property.ORDERED_LOCKS

TABLES = """
CREATE TABLE t (id int PRIMARY KEY, a int)
CREATE TABLE u (id int PRIMARY KEY, a int)
"""
GONE = "DROP TABLE t, u"


def add_backfill(scaffold: Scaffold) -> None:
    scaffold.add("one", TABLES, GONE)
    scaffold.add(
        "two",
        "ALTER TABLE t ADD COLUMN c int\nUPDATE t SET c = 1",
        "ALTER TABLE t DROP COLUMN c",
    )


def test_rows_changed_under_a_strong_lock_are_named(anywhere: Scaffold) -> None:
    add_backfill(anywhere)

    check = anywhere.check(ORDER)

    assert check.standing is Standing.BROKEN
    assert check.reason.startswith(
        "100 rows of public.t are changed while ACCESS EXCLUSIVE on public.t, taken on line "
    )
    lines = anywhere.path("two").read_text().splitlines()
    assert "UPDATE t" in lines[check.line - 1]


def test_slow_work_before_the_strong_lock_is_in_order(anywhere: Scaffold) -> None:
    anywhere.add("one", TABLES, GONE)
    anywhere.add(
        "two",
        "UPDATE t SET a = 1 WHERE a IS NULL\nALTER TABLE t ADD COLUMN c int",
        "ALTER TABLE t DROP COLUMN c",
    )

    check = anywhere.check(ORDER)

    assert (check.standing, check.reason) == (Standing.HOLDS, "")


def test_slow_work_under_a_lock_breaks_nothing_else(scaffold: Scaffold) -> None:
    scaffold.add("one", TABLES, GONE)
    scaffold.add(
        "two",
        "ALTER TABLE t ADD COLUMN c int\nCREATE INDEX u_a ON u (a)",
        "DROP INDEX u_a\nALTER TABLE t DROP COLUMN c",
    )

    assert scaffold.broken() == {ORDER}


@pytest.mark.parametrize("major", proof_versions())
@pytest.mark.parametrize(
    ("first", "second", "work"),
    [
        ("LOCK TABLE t", "CREATE INDEX u_a ON u (a)", "public.u is scanned"),
        (
            "ALTER TABLE t ADD CHECK (a > 0) NOT VALID",
            "ALTER TABLE u ALTER COLUMN a TYPE bigint",
            "public.u is rewritten",
        ),
        (
            "ALTER TABLE t DISABLE TRIGGER USER",
            "DELETE FROM u",
            "100 rows of public.u",
        ),
        (
            "LOCK TABLE t IN SHARE MODE",
            "INSERT INTO u SELECT id + 1000000, a FROM u",
            "100 rows are written to public.u",
        ),
    ],
)
def test_each_kind_of_slow_work_is_seen(  # noqa: PLR0917 - a row of the table
    major: int,
    first: str,
    second: str,
    work: str,
    proof_servers: ProofServers,
    scaffold: Scaffold,
) -> None:
    scaffold.server = proof_servers[major]
    scaffold.add("one", TABLES, GONE)
    scaffold.add("two", f"{first}\n{second}", "pass")

    check = scaffold.check(ORDER)

    assert check.standing is Standing.BROKEN
    assert check.reason.startswith(work)


@pytest.mark.parametrize(
    "upgrade",
    [
        "ALTER TABLE t ADD COLUMN c int\nUPDATE t SET a = 1 WHERE id = 5",
        "ALTER TABLE t ADD COLUMN c int\nINSERT INTO u VALUES (-1, 1), (-2, 2), (-3, 3)",
        "ALTER TABLE t ADD COLUMN c int\nCREATE TABLE n (id int)\nCREATE INDEX n_id ON n (id)",
        "LOCK TABLE t IN ROW EXCLUSIVE MODE\nUPDATE u SET a = 1",
        "TRUNCATE t\nALTER TABLE t ALTER COLUMN a TYPE bigint",
    ],
)
def test_what_does_not_grow_with_the_tables_is_not_slow(scaffold: Scaffold, upgrade: str) -> None:
    scaffold.add("one", TABLES, GONE)
    scaffold.add("two", upgrade, "pass")

    check = scaffold.check(ORDER)

    assert (check.standing, check.reason) == (Standing.HOLDS, "")


def test_a_commit_in_between_lets_the_lock_go(scaffold: Scaffold) -> None:
    scaffold.add("one", TABLES, GONE)
    scaffold.add(
        "two",
        """
op.execute("ALTER TABLE t ADD COLUMN c int")
with op.get_context().autocommit_block():
    op.execute("SELECT 1")
op.execute("UPDATE t SET c = 1")
""",
        "ALTER TABLE t DROP COLUMN c",
    )

    assert scaffold.check(ORDER).standing is Standing.HOLDS


def test_a_lock_that_a_savepoint_took_back_is_not_held(scaffold: Scaffold) -> None:
    scaffold.add("one", TABLES, GONE)
    scaffold.add(
        "two",
        "SAVEPOINT s\nLOCK TABLE t\nROLLBACK TO s\nUPDATE u SET a = 1",
        "pass",
    )

    assert scaffold.check(ORDER).standing is Standing.HOLDS


def add_column(scaffold: Scaffold, before: str = "") -> None:
    scaffold.add("one", TABLES, GONE)
    scaffold.add("two", f"{before}\nALTER TABLE t ADD COLUMN c int", "ALTER TABLE t DROP COLUMN c")


def test_without_a_timeout_it_is_told_and_left_to_the_runner(scaffold: Scaffold) -> None:
    add_column(scaffold)

    check = scaffold.check(ORDER)

    assert check.standing is Standing.HOLDS
    assert "without a lock_timeout" in check.details[0]


def test_without_a_timeout_it_is_broken_where_alembic_deploys(scaffold: Scaffold) -> None:
    add_column(scaffold)

    check = scaffold.check(ORDER, deployed_by=Deployer.ALEMBIC)

    assert check.standing is Standing.BROKEN
    assert check.reason.startswith("waits without a lock_timeout for ACCESS EXCLUSIVE on public.t")


def test_with_a_timeout_it_holds_where_alembic_deploys(scaffold: Scaffold) -> None:
    add_column(scaffold, "SET LOCAL lock_timeout = '2s'")

    assert scaffold.check(ORDER, deployed_by=Deployer.ALEMBIC).standing is Standing.HOLDS


def test_the_timeout_that_env_py_sets_counts(
    scaffold_with_env: Callable[[str], Scaffold],
) -> None:
    options = """
    poolclass=sa.NullPool, connect_args={"options": "-c lock_timeout=3000"}"""
    scaffold = scaffold_with_env(ENV.format(options="").replace("poolclass=sa.NullPool", options))
    add_column(scaffold)

    assert scaffold.check(ORDER, deployed_by=Deployer.ALEMBIC).standing is Standing.HOLDS


def test_opposite_orders_in_two_transactions_are_a_risk(scaffold: Scaffold) -> None:
    scaffold.add("one", TABLES, GONE)
    scaffold.add(
        "two",
        """
op.execute("LOCK TABLE t")
op.execute("LOCK TABLE u")
with op.get_context().autocommit_block():
    op.execute("SELECT 1")
op.execute("LOCK TABLE u")
op.execute("LOCK TABLE t")
""",
        "pass",
    )

    check = scaffold.check(ORDER)

    assert check.standing is Standing.BROKEN
    assert check.reason.startswith("public.u is locked before public.t here, and after it in")


def test_one_order_in_two_transactions_is_none(scaffold: Scaffold) -> None:
    scaffold.add("one", TABLES, GONE)
    scaffold.add(
        "two",
        """
op.execute("LOCK TABLE t")
op.execute("LOCK TABLE u")
with op.get_context().autocommit_block():
    op.execute("SELECT 1")
op.execute("LOCK TABLE t")
op.execute("LOCK TABLE u")
""",
        "pass",
    )

    assert scaffold.check(ORDER).standing is Standing.HOLDS
