"""H14: what runs outside a transaction lets others read and write meanwhile."""

import pytest

from safemigrate.config import Deployer
from safemigrate.model import Facts, Property, Standing
from tests.postgres.versions import ProofServers, proof_versions
from tests.verify.conftest import Scaffold
from tests.verify.properties.test_foreseen_locks import with_facts

OTHERS = Property.LETS_OTHERS_WORK

TABLE = """
CREATE TABLE t (id int PRIMARY KEY, a int)
CREATE INDEX t_a ON t (a)
CREATE MATERIALIZED VIEW m AS SELECT DISTINCT a FROM t
CREATE UNIQUE INDEX m_a ON m (a)
"""


def add_outside(scaffold: Scaffold, statement: str, downgrade: str = "pass") -> None:
    scaffold.add("one", TABLE, "DROP MATERIALIZED VIEW m\nDROP TABLE t")
    scaffold.add(
        "two",
        f"with op.get_context().autocommit_block():\n    op.execute({statement!r})",
        downgrade,
    )


@pytest.mark.parametrize(
    ("statement", "lock"),
    [
        ("VACUUM FULL t", "ACCESS EXCLUSIVE"),
        ("REINDEX TABLE t", "SHARE"),
    ],
)
def test_work_under_a_strong_lock_is_named(anywhere: Scaffold, statement: str, lock: str) -> None:
    add_outside(anywhere, statement)

    check = anywhere.check(OTHERS)

    assert check.standing is Standing.BROKEN
    verb = " ".join(statement.split()[:2])
    assert check.reason.startswith(f"{verb} works through public.t under {lock}: ")
    assert "UPDATE" in check.reason
    lines = anywhere.path("two").read_text().splitlines()
    assert statement in lines[check.line - 1]


def test_building_concurrently_waits_for_writers_and_holds_up_nobody(anywhere: Scaffold) -> None:
    add_outside(anywhere, "CREATE INDEX CONCURRENTLY t_b ON t (a, id)", "DROP INDEX t_b")

    check = anywhere.check(OTHERS)

    assert check.standing is Standing.HOLDS
    (line,) = check.details
    assert "SHARE UPDATE EXCLUSIVE on public.t" in line
    assert line.endswith("and waits for transactions")


def test_work_outside_a_transaction_breaks_nothing_else(scaffold: Scaffold) -> None:
    add_outside(scaffold, "VACUUM FULL t")

    assert scaffold.broken() == {OTHERS}


@pytest.mark.parametrize("major", proof_versions())
@pytest.mark.parametrize(
    ("statement", "standing"),
    [
        ("VACUUM FULL t", Standing.BROKEN),
        ("CLUSTER t USING t_pkey", Standing.BROKEN),
        ("REINDEX INDEX t_a", Standing.BROKEN),
        ("REFRESH MATERIALIZED VIEW m", Standing.BROKEN),
        ("VACUUM t", Standing.HOLDS),
        ("REINDEX TABLE CONCURRENTLY t", Standing.HOLDS),
        ("REINDEX INDEX CONCURRENTLY t_a", Standing.HOLDS),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY m", Standing.HOLDS),
        ("ALTER TABLE t ADD COLUMN b int", Standing.HOLDS),
    ],
)
def test_each_major_agrees(
    major: int,
    statement: str,
    standing: Standing,
    proof_servers: ProofServers,
    scaffold: Scaffold,
) -> None:
    scaffold.server = proof_servers[major]
    add_outside(scaffold, statement)

    check = scaffold.check(OTHERS)

    assert (check.standing, check.reason if standing is Standing.HOLDS else "") == (standing, "")


def test_a_revision_in_one_transaction_has_nothing_to_prove(scaffold: Scaffold) -> None:
    scaffold.add("one", "CREATE TABLE t (id int)", "DROP TABLE t")

    check = scaffold.check(OTHERS)

    assert (check.standing, check.reason) == (
        Standing.HOLDS,
        "nothing runs outside a transaction",
    )


def test_an_index_of_a_partitioned_table_is_left_to_the_runner(scaffold: Scaffold) -> None:
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

    assert scaffold.check(OTHERS).standing is Standing.HOLDS


def test_work_on_a_table_of_the_revision_itself_is_nobodys_business(scaffold: Scaffold) -> None:
    scaffold.add(
        "one",
        """
op.execute("CREATE TABLE n (id int)")
with op.get_context().autocommit_block():
    op.execute("VACUUM FULL n")
""",
        "DROP TABLE n",
    )

    assert scaffold.check(OTHERS).standing is Standing.HOLDS


def test_a_wrong_prediction_of_a_refusal_hides_no_work(
    scaffold: Scaffold, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_outside(scaffold, "VACUUM FULL t")
    with_facts(monkeypatch, "two", Facts(errors=("it cannot be",)))

    assert scaffold.check(OTHERS).standing is Standing.BROKEN


def test_a_build_that_alembic_sends_is_judged_whatever_was_foreseen(
    scaffold: Scaffold, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_outside(scaffold, "CREATE INDEX CONCURRENTLY t_b ON t (a, id)", "DROP INDEX t_b")
    with_facts(monkeypatch, "two", Facts(errors=("it cannot be",)))

    assert scaffold.check(OTHERS, deployed_by=Deployer.SAFEMIGRATE).details == ()
    (line,) = scaffold.check(OTHERS, deployed_by=Deployer.ALEMBIC).details
    assert "SHARE UPDATE EXCLUSIVE on public.t" in line


def test_work_seen_on_empty_tables_alone_is_not_proved(scaffold: Scaffold) -> None:
    scaffold.add("one", TABLE, "DROP MATERIALIZED VIEW m\nDROP TABLE t")
    scaffold.add(
        "two",
        """
with op.get_context().autocommit_block():
    op.execute("CREATE INDEX CONCURRENTLY t_b ON t (a, id)")
op.execute("ALTER TABLE t ADD COLUMN c int NOT NULL")
""",
        "ALTER TABLE t DROP COLUMN c\nDROP INDEX t_b",
    )

    check = scaffold.check(OTHERS)

    assert check.standing is Standing.UNKNOWN
    assert "23502" in check.reason
    assert any(line.startswith("observed on empty tables") for line in check.details)
