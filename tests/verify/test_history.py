"""Histories proved on a real server."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from safemigrate.errors import EnvironmentSetupError, UsageError
from safemigrate.model import (
    Direction,
    HistoryProof,
    LockMode,
    Outcome,
    Property,
    RevisionProof,
)
from safemigrate.server import Server
from safemigrate.source import open_project
from safemigrate.verify import verify_history
from tests.verify.conftest import ENV, Scaffold

CREATE = "CREATE TABLE t (id int PRIMARY KEY, a int DEFAULT 1, b text)"


def verify(scaffold: Scaffold, *names: str) -> HistoryProof:
    """Prove what the walk decides."""
    return scaffold.verify(*names, selected=("schema",))


def prove(scaffold: Scaffold, revision: str) -> RevisionProof:
    """Prove what the walk decides of the whole history; return the proof of one revision."""
    return find_proof(verify(scaffold), revision)


def observe(scaffold: Scaffold, revision: str) -> RevisionProof:
    """Prove it with every statement observed."""
    return find_proof(scaffold.verify(selected=("schema", "facts")), revision)


def find_proof(proof: HistoryProof, revision: str) -> RevisionProof:
    return next(one for one in proof.revisions if one.revision == revision)


def databases(server: Server) -> set[str]:
    engine = sa.create_engine(server.url("postgres"), poolclass=sa.NullPool)
    with engine.connect() as connection:
        return set(connection.scalars(sa.text("SELECT datname FROM pg_database")))


def outcomes(proof: RevisionProof) -> tuple[Outcome, Outcome, bool | None, Outcome]:
    return proof.upgrade, proof.downgrade, proof.restored, proof.upgrade_again


PROVED = (Outcome.OK, Outcome.OK, True, Outcome.OK)
REFUSED = (Outcome.OK, Outcome.SKIPPED, None, Outcome.SKIPPED)
NOT_TRIED = (Outcome.SKIPPED, Outcome.SKIPPED, None, Outcome.SKIPPED)


def test_a_good_history_is_proved_and_leaves_no_database(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", "ALTER TABLE t ADD COLUMN c int", "ALTER TABLE t DROP COLUMN c")
    before = databases(scaffold.server)

    proof = verify(scaffold)

    assert [outcomes(one) for one in proof.revisions] == [PROVED, PROVED]
    assert [(one.differences, one.error, one.notes) for one in proof.revisions] == [
        ((), None, ())
    ] * 2
    assert proof.round_trip is not None
    assert proof.round_trip.is_ok is True
    assert (proof.server, proof.version) == ("embedded", scaffold.server.version)
    assert databases(scaffold.server) == before


def test_statements_of_both_directions_are_observed(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add(
        "two",
        "ALTER TABLE t ADD COLUMN c int\nCREATE INDEX i ON t (c)",
        "ALTER TABLE t DROP COLUMN c",
    )

    statements = observe(scaffold, "two").statements

    assert [
        (one.direction, one.ordinal, one.transaction, one.sql.split()[0]) for one in statements
    ] == [
        (Direction.UPGRADE, 1, 1, "ALTER"),
        (Direction.UPGRADE, 2, 1, "CREATE"),
        (Direction.DOWNGRADE, 1, 1, "ALTER"),
    ]
    assert [lock.mode for lock in statements[0].locks] == [LockMode.ACCESS_EXCLUSIVE]
    lines = scaffold.path("two").read_text().splitlines()
    assert all(one.sql in lines[one.line - 1] for one in statements)
    assert {one.path for one in statements} == {str(scaffold.path("two"))}
    assert {one.revision for one in statements} == {"two"}


@pytest.mark.parametrize(
    ("upgrade", "downgrade", "difference"),
    [
        ("CREATE INDEX i ON t (a)", "pass", "+ index public.i CREATE INDEX i ON public.t"),
        (
            "ALTER TABLE t ALTER a SET DEFAULT 2",
            "ALTER TABLE t ALTER a DROP DEFAULT",
            "~ column public.t.a: default=1 -> none",
        ),
        ("CREATE TYPE mood AS ENUM ('x')", "pass", "+ enum public.mood labels='x'"),
        (
            "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
            "pass",
            "~ function public.f(): ",
        ),
        ("COMMENT ON TABLE t IS 'new'", "COMMENT ON TABLE t IS NULL", "- comment table public.t"),
        ("DROP TABLE t", "CREATE TABLE t (id int PRIMARY KEY, a int)", "- column public.t.b"),
    ],
)
def test_a_downgrade_that_does_not_restore_is_told_what_it_left(
    scaffold: Scaffold, upgrade: str, downgrade: str, difference: str
) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add(
        "two",
        "COMMENT ON TABLE t IS 'old'\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "COMMENT ON TABLE t IS NULL\nDROP FUNCTION f()",
    )
    scaffold.add("three", upgrade, downgrade)

    proof = prove(scaffold, "three")

    assert (proof.downgrade, proof.restored) == (Outcome.OK, False)
    assert [line for line in proof.differences if line.startswith(difference)], proof.differences
    assert proof.has_failed


def test_what_a_downgrade_left_is_not_seen_by_the_following_revisions(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add(
        "two", "ALTER TABLE t ADD COLUMN c int", "CREATE TABLE IF NOT EXISTS left_behind (id int)"
    )
    scaffold.add("three", "CREATE TABLE left_behind (id int)", "DROP TABLE left_behind")

    proof = verify(scaffold)

    assert [one.is_proved for one in proof.revisions] == [True, False, True]
    assert proof.revisions[1].upgrade_again is Outcome.FAILED
    assert proof.round_trip is not None
    assert proof.round_trip.is_ok is None
    assert "two" in proof.round_trip.reason


def test_a_second_upgrade_that_ends_elsewhere_is_told_apart(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add(
        "two",
        """
        import uuid
        op.execute(f'CREATE INDEX "i_{uuid.uuid4().hex}" ON t (a)')
        """,
        """
        for name in sa.inspect(op.get_bind()).get_indexes("t"):
            op.drop_index(name["name"])
        """,
    )

    proof = prove(scaffold, "two")

    assert outcomes(proof) == (Outcome.OK, Outcome.OK, True, Outcome.FAILED)
    assert [line[:29] for line in proof.differences] == [
        "upgrade again: + index public",
        "upgrade again: - index public",
    ]


def test_a_failing_upgrade_names_file_line_and_sqlstate_and_skips_what_follows(
    scaffold: Scaffold,
) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", "ALTER TABLE gone ADD COLUMN c int", "pass")
    scaffold.add("three", "ALTER TABLE t ADD COLUMN d int", "ALTER TABLE t DROP COLUMN d")

    one, two, three = verify(scaffold).revisions

    assert outcomes(one) == PROVED
    assert outcomes(two) == (Outcome.FAILED, Outcome.SKIPPED, None, Outcome.SKIPPED)
    assert two.error is not None
    line = (
        scaffold.path("two")
        .read_text()
        .splitlines()
        .index("    op.execute('ALTER TABLE gone ADD COLUMN c int')")
    )
    assert f"{scaffold.path('two')}:{line + 1}: " in two.error
    assert 'relation "gone" does not exist' in two.error
    assert "42P01" in two.error
    assert outcomes(three) == NOT_TRIED
    assert three.error == "not tried, because the upgrade of two fails"
    assert two.has_failed
    assert three.has_failed


def test_an_exception_in_an_upgrade_is_a_failure(scaffold: Scaffold) -> None:
    scaffold.add("one", "raise ValueError('bad day')", "pass")

    proof = prove(scaffold, "one")

    assert proof.upgrade is Outcome.FAILED
    line = scaffold.path("one").read_text().splitlines().index("    raise ValueError('bad day')")
    assert f"one.py:{line + 1}: ValueError: bad day" in str(proof.error)


def test_a_failing_downgrade_does_not_stop_the_walk(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", "ALTER TABLE t ADD COLUMN c int", "ALTER TABLE t DROP COLUMN gone")
    scaffold.add("three", "ALTER TABLE t DROP COLUMN c", "ALTER TABLE t ADD COLUMN c int")

    one, two, three = verify(scaffold).revisions

    assert outcomes(two) == (Outcome.OK, Outcome.FAILED, None, Outcome.SKIPPED)
    assert 'column "gone" of relation "t" does not exist' in str(two.error)
    assert two.has_failed
    assert (outcomes(one), outcomes(three)) == (PROVED, PROVED)


@pytest.mark.parametrize(
    ("downgrade", "reason"),
    [
        ("raise NotImplementedError('no way back')", "NotImplementedError: no way back"),
        (None, "there is no function downgrade"),
    ],
)
def test_a_refused_downgrade_is_skipped_and_breaks_one_property(
    scaffold: Scaffold, downgrade: str | None, reason: str
) -> None:
    scaffold.add("one", CREATE, downgrade)
    scaffold.add("two", "ALTER TABLE t ADD COLUMN c int", "ALTER TABLE t DROP COLUMN c")

    proof = verify(scaffold)

    one, two = proof.revisions
    assert outcomes(one) == REFUSED
    assert reason in str(one.error)
    assert one.is_refused
    assert [check.subject for check in one.checks if check.is_broken] == [Property.HAS_DOWNGRADE]
    assert outcomes(two) == PROVED
    assert proof.round_trip is not None
    assert proof.round_trip.is_ok is None


def test_what_a_downgrade_did_before_it_refused_is_not_seen_later(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add(
        "two",
        "ALTER TABLE t ADD COLUMN c int",
        """
        with op.get_context().autocommit_block():
            op.execute("DROP TABLE t")
        raise NotImplementedError
        """,
    )
    scaffold.add("three", "ALTER TABLE t ADD COLUMN d int", "ALTER TABLE t DROP COLUMN d")

    _, two, three = verify(scaffold).revisions

    assert outcomes(two) == REFUSED
    assert outcomes(three) == PROVED


def test_a_concurrent_index_in_an_autocommit_block_is_proved_and_observed(
    scaffold: Scaffold,
) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add(
        "two",
        """
        op.add_column("t", sa.Column("c", sa.Integer))
        with op.get_context().autocommit_block():
            op.create_index("i", "t", ["c"], postgresql_concurrently=True)
        op.alter_column("t", "c", comment="x")
        """,
        """
        with op.get_context().autocommit_block():
            op.drop_index("i", postgresql_concurrently=True)
        op.drop_column("t", "c")
        """,
    )

    proof = observe(scaffold, "two")

    assert outcomes(proof) == PROVED
    assert [one.transaction for one in proof.statements] == [1, None, 2, None, 1]
    (lock,) = proof.statements[1].locks
    assert (str(lock.relation), lock.mode) == ("public.t", LockMode.SHARE_UPDATE_EXCLUSIVE)


def test_branches_and_merges_are_proved_there_and_back(scaffold: Scaffold) -> None:
    scaffold.add("root", CREATE, "DROP TABLE t")
    scaffold.add("left", "ALTER TABLE t ADD COLUMN l int", "ALTER TABLE t DROP COLUMN l")
    scaffold.add(
        "right", "ALTER TABLE t ADD COLUMN r int", "ALTER TABLE t DROP COLUMN r", down="root"
    )
    scaffold.add("merge", "pass", "pass", down=("left", "right"))
    scaffold.add("last", "CREATE INDEX i ON t (l, r)", "DROP INDEX i")

    proof = verify(scaffold)

    assert {one.revision: one.is_proved for one in proof.revisions} == dict.fromkeys(
        ("root", "left", "right", "merge", "last"), True
    )
    assert proof.round_trip is not None
    assert proof.round_trip.is_ok is True


def test_a_failing_branch_does_not_stop_the_other(scaffold: Scaffold) -> None:
    scaffold.add("root", CREATE, "DROP TABLE t")
    scaffold.add("left", "ALTER TABLE gone ADD COLUMN l int", "pass")
    scaffold.add(
        "right", "ALTER TABLE t ADD COLUMN r int", "ALTER TABLE t DROP COLUMN r", down="root"
    )
    scaffold.add("merge", "pass", "pass", down=("left", "right"))

    proofs = {one.revision: outcomes(one) for one in verify(scaffold).revisions}

    assert (proofs["right"], proofs["merge"]) == (PROVED, NOT_TRIED)


def test_only_the_revisions_named_are_proved(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "raise ValueError")
    scaffold.add("two", "ALTER TABLE t ADD COLUMN c int", "ALTER TABLE t DROP COLUMN c")
    scaffold.add("three", "ALTER TABLE gone ADD COLUMN c int", "pass")

    proof = verify(scaffold, "two")

    assert [(one.revision, one.is_proved) for one in proof.revisions] == [("two", True)]
    assert proof.round_trip is None


def test_a_failure_on_the_way_to_the_revision_named_is_reported(scaffold: Scaffold) -> None:
    scaffold.add("one", "ALTER TABLE gone ADD COLUMN c int", "pass")
    scaffold.add("two", CREATE, "DROP TABLE t")

    one, two = verify(scaffold, "head").revisions

    assert (one.revision, one.upgrade) == ("one", Outcome.FAILED)
    assert outcomes(two) == NOT_TRIED


@pytest.mark.parametrize("name", ["gone", "base", ""])
def test_a_name_of_no_revision_is_a_usage_error(scaffold: Scaffold, name: str) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")

    with pytest.raises(UsageError, match="does not name a revision"):
        verify(scaffold, name)


def test_a_project_without_revisions_is_said_to_have_none(scaffold: Scaffold) -> None:
    proof = verify(scaffold)

    assert proof.revisions == ()
    assert len(proof.notices) == 1


def test_a_reordered_column_is_a_note_and_no_difference(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", "ALTER TABLE t DROP COLUMN a", "ALTER TABLE t ADD COLUMN a int DEFAULT 1")

    proof = prove(scaffold, "two")

    assert outcomes(proof) == PROVED
    assert proof.notes == ("column order of public.t: id, a, b -> id, b, a",)


def test_the_configured_version_table_is_left_out(
    scaffold_with_env: Callable[[str], Scaffold],
) -> None:
    options = ", version_table='versions', version_table_schema='public'"
    scaffold = scaffold_with_env(ENV.format(options=options))
    scaffold.add("one", CREATE, "DROP TABLE t")

    assert outcomes(prove(scaffold, "one")) == PROVED


def test_an_engine_with_a_pool_does_not_hold_the_databases(
    scaffold_with_env: Callable[[str], Scaffold],
) -> None:
    scaffold = scaffold_with_env(ENV.format(options="").replace(", poolclass=sa.NullPool", ""))
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", "ALTER TABLE t ADD COLUMN c int", "ALTER TABLE t DROP COLUMN c")

    assert [one.is_proved for one in verify(scaffold).revisions] == [True, True]


def test_an_async_engine_is_observed_too(scaffold_with_env: Callable[[str], Scaffold]) -> None:
    scaffold = scaffold_with_env(ASYNC_ENV)
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add(
        "two",
        """
        op.add_column("t", sa.Column("c", sa.Integer))
        with op.get_context().autocommit_block():
            op.create_index("i", "t", ["c"], postgresql_concurrently=True)
        """,
        'op.drop_column("t", "c")',
    )

    proof = observe(scaffold, "two")

    assert outcomes(proof) == PROVED
    assert [one.transaction for one in proof.statements] == [1, None, 1]
    assert [one.locks[0].mode for one in proof.statements] == [
        LockMode.ACCESS_EXCLUSIVE,
        LockMode.SHARE_UPDATE_EXCLUSIVE,
        LockMode.ACCESS_EXCLUSIVE,
    ]


ASYNC_ENV = """
import asyncio
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool


def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def main():
    url = context.config.get_main_option("sqlalchemy.url")
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


asyncio.run(main())
"""


def test_a_downgrade_that_rolls_back_is_found_out(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", "ALTER TABLE t ADD COLUMN c int", "op.get_bind().rollback()")

    proof = prove(scaffold, "two")

    assert proof.restored is False
    assert proof.has_failed


def test_an_upgrade_that_the_version_table_does_not_have_has_failed(scaffold: Scaffold) -> None:
    scaffold.add(
        "one",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN DELETE FROM alembic_version; RETURN NULL; END'\n"
        "CREATE TRIGGER tr AFTER INSERT ON alembic_version EXECUTE FUNCTION f()",
        "pass",
    )

    proof = prove(scaffold, "one")

    assert proof.upgrade is Outcome.FAILED
    assert "the version table does not have it" in str(proof.error)


def test_a_revision_that_depends_on_another_branch_is_proved(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", "ALTER TABLE t ADD COLUMN c int", "ALTER TABLE t DROP COLUMN c")
    scaffold.add("other", "CREATE TABLE o (id int)", "DROP TABLE o", down=None)
    scaffold.add("last", "CREATE INDEX i ON t (c)", "DROP INDEX i", depends_on="two")

    proof = verify(scaffold)
    alone = verify(scaffold, "last")

    assert [one.is_proved for one in proof.revisions] == [True] * 4
    assert proof.round_trip is not None
    assert proof.round_trip.is_ok is True
    assert [one.is_proved for one in alone.revisions] == [True]


def test_an_env_that_raises_is_not_blamed_on_a_revision(
    scaffold_with_env: Callable[[str], Scaffold],
) -> None:
    scaffold = scaffold_with_env("raise RuntimeError('no settings')")
    scaffold.add("one", CREATE, "DROP TABLE t")

    with pytest.raises(EnvironmentSetupError, match="no settings"):
        verify(scaffold)


def test_an_env_that_migrates_twice_is_refused(
    scaffold_with_env: Callable[[str], Scaffold],
) -> None:
    env = ENV.format(options="")
    scaffold = scaffold_with_env(env + env.partition("\n\n")[2])
    scaffold.add("one", CREATE, "DROP TABLE t")

    with pytest.raises(EnvironmentSetupError, match="more than once"):
        verify(scaffold)


def test_every_proof_is_announced_with_its_position(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", "pass", "pass")
    announced: list[tuple[str, int, int]] = []

    verify_history(
        open_project(scaffold.config),
        scaffold.server,
        on_proof=lambda proof, position, total: announced.append((proof.revision, position, total)),
    )

    assert announced == [("one", 1, 2), ("two", 2, 2)]
