"""H02: the upgrade applies to the state before it, and the version table says so."""

import pytest

from safemigrate.config import Deployer
from safemigrate.model import Check, Property, Standing
from tests.verify.conftest import Scaffold

CREATE = "CREATE TABLE t (id int PRIMARY KEY, a int)"


def test_an_upgrade_that_the_server_refuses_is_broken(anywhere: Scaffold) -> None:
    anywhere.add("one", CREATE, "DROP TABLE t")
    anywhere.add("two", "ALTER TABLE gone ADD COLUMN c int", "ALTER TABLE gone DROP COLUMN c")

    check = anywhere.check(Property.APPLIES)

    assert check.standing is Standing.BROKEN
    assert 'relation "gone" does not exist' in check.reason
    assert "42P01" in check.reason
    assert check.path == str(anywhere.path("two"))


def test_an_upgrade_that_applies_holds(anywhere: Scaffold) -> None:
    anywhere.add("one", CREATE, "DROP TABLE t")

    assert anywhere.check(Property.APPLIES).standing is Standing.HOLDS


def test_nothing_else_is_broken_by_it(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", "ALTER TABLE t ADD COLUMN a int", "ALTER TABLE t DROP COLUMN a")

    assert scaffold.broken() == {Property.APPLIES}


@pytest.mark.parametrize(
    ("upgrade", "reason"),
    [
        ("raise ValueError('bad day')", "ValueError: bad day"),
        ("raise SystemExit(3)", "SystemExit"),
        ("import os; os._exit(0)", "SystemExit: 0"),
        ("SELECT 1 / 0", "division by zero"),
    ],
)
def test_why_it_does_not_apply_is_told(scaffold: Scaffold, upgrade: str, reason: str) -> None:
    scaffold.add("one", upgrade, "pass")

    check = scaffold.check(Property.APPLIES)

    assert check.standing is Standing.BROKEN
    assert reason in check.reason


def test_an_upgrade_that_is_not_in_the_version_table_afterwards_is_broken(
    scaffold: Scaffold,
) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", "op.get_bind().rollback()", "pass")
    scaffold.add(
        "three",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN DELETE FROM alembic_version; RETURN NULL; END'\n"
        "CREATE TRIGGER tr AFTER UPDATE ON alembic_version EXECUTE FUNCTION f()",
        "pass",
    )

    check = scaffold.check(Property.APPLIES)

    assert check.standing is Standing.BROKEN
    assert "the version table does not have it" in check.reason


def test_what_follows_a_revision_that_fails_is_not_tried(scaffold: Scaffold) -> None:
    scaffold.add("one", "ALTER TABLE gone ADD COLUMN c int", "pass")
    scaffold.add("two", CREATE, "DROP TABLE t")

    _, two = scaffold.verify(selected=("schema",)).revisions

    assert two.error == "not tried, because the upgrade of one fails"
    assert find(two.checks, Property.APPLIES) is None


def find(checks: tuple[Check, ...], subject: Property) -> Check | None:
    return next((one for one in checks if one.subject is subject), None)


def add_index_of_partitions(scaffold: Scaffold) -> None:
    scaffold.add(
        "one",
        """
        CREATE TABLE p (id int, a int) PARTITION BY RANGE (id)
        CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000000)
        """,
        "DROP TABLE p",
    )
    scaffold.add(
        "two",
        "with op.get_context().autocommit_block():\n"
        '    op.execute("CREATE INDEX CONCURRENTLY p_a ON p (a)")',
        "DROP INDEX p_a",
    )


def test_what_only_the_runner_can_do_applies_where_it_deploys(scaffold: Scaffold) -> None:
    add_index_of_partitions(scaffold)

    check = scaffold.check(Property.APPLIES, deployed_by=Deployer.SAFEMIGRATE)

    assert check.standing is Standing.HOLDS


def test_what_only_the_runner_can_do_fails_where_alembic_deploys(scaffold: Scaffold) -> None:
    add_index_of_partitions(scaffold)

    check = scaffold.check(Property.APPLIES, deployed_by=Deployer.ALEMBIC)

    assert check.standing is Standing.BROKEN
    assert "0A000" in check.reason
