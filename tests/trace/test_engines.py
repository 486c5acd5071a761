"""SQLAlchemy connections observed while statements run on them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError

from safemigrate.model import Direction, LockMode, ObservedStatement
from safemigrate.trace import Tracer, observe_connection, open_connection

HERE = Path(__file__)


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(database, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE t (id int PRIMARY KEY, a int, b text)"))
        connection.execute(sa.text("INSERT INTO t SELECT i, i, 'x' FROM generate_series(1, 9) i"))
    yield engine
    engine.dispose()


@pytest.fixture
def tracer(database: str) -> Iterator[Tracer]:
    with open_connection(database) as second:
        yield Tracer(second)


def modes(observed: ObservedStatement) -> dict[str, LockMode]:
    return {lock.relation.name: lock.mode for lock in observed.locks}


def test_statements_carry_revision_direction_file_and_line(
    engine: sa.Engine, tracer: Tracer
) -> None:
    with engine.connect() as connection:
        tracer.begin("abc", Direction.DOWNGRADE)
        with observe_connection(tracer, connection, path=HERE, shown="x.py"):
            connection.execute(sa.text("ALTER TABLE t DROP COLUMN a"))
        (observed,) = tracer.end()

    lines = HERE.read_text(encoding="utf-8").splitlines()
    assert "ALTER TABLE t DROP COLUMN a" in lines[observed.line - 1]
    assert (observed.path, observed.revision, observed.direction) == (
        "x.py",
        "abc",
        Direction.DOWNGRADE,
    )
    assert modes(observed) == {"t": LockMode.ACCESS_EXCLUSIVE}


def test_other_connections_and_later_statements_are_not_observed(
    engine: sa.Engine, tracer: Tracer
) -> None:
    tracer.begin()
    with engine.connect() as connection, engine.connect() as other:
        with observe_connection(tracer, connection):
            other.execute(sa.text("SELECT 1"))
        connection.execute(sa.text("SELECT 2"))

    assert tracer.end() == ()


def test_reflection_is_nobodys_statement(engine: sa.Engine, tracer: Tracer) -> None:
    tracer.begin()
    with engine.connect() as connection, observe_connection(tracer, connection):
        assert sa.inspect(connection).has_table("t")
        assert sa.inspect(connection).get_columns("t")
        connection.execute(sa.text("ALTER TABLE t ADD COLUMN c int"))

    assert [observed.ordinal for observed in tracer.end()] == [1]


def test_parameters_are_written_as_postgresql_numbers_them(
    engine: sa.Engine, tracer: Tracer
) -> None:
    tracer.begin()
    with engine.connect() as connection, observe_connection(tracer, connection):
        connection.execute(
            sa.text("UPDATE t SET b = :b || '%' WHERE id = :id AND b <> :b"), {"id": 1, "b": "y"}
        )
    (observed,) = tracer.end()

    assert observed.sql == "UPDATE t SET b = $1 || '%' WHERE id = $2 AND b <> $1"


def test_an_autocommit_block_is_outside_a_transaction(engine: sa.Engine, tracer: Tracer) -> None:
    tracer.begin()
    with engine.connect() as connection, observe_connection(tracer, connection):
        connection.execute(sa.text("ALTER TABLE t ADD COLUMN c int"))
        connection.commit()
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(sa.text("CREATE INDEX CONCURRENTLY i ON t (a)"))
        connection.commit()
        connection.execution_options(isolation_level="READ COMMITTED")
        connection.execute(sa.text("ALTER TABLE t DROP COLUMN c"))
        connection.commit()
    observed = tracer.end()

    assert [statement.transaction for statement in observed] == [1, None, 2]
    assert [modes(statement) for statement in observed] == [
        {"t": LockMode.ACCESS_EXCLUSIVE},
        {"t": LockMode.SHARE_UPDATE_EXCLUSIVE},
        {"t": LockMode.ACCESS_EXCLUSIVE},
    ]


def test_an_error_caught_under_a_savepoint_does_not_end_the_trace(
    engine: sa.Engine, tracer: Tracer
) -> None:
    tracer.begin()
    with engine.connect() as connection, observe_connection(tracer, connection):
        connection.execute(sa.text("LOCK TABLE t IN SHARE MODE"))
        with pytest.raises(ProgrammingError), connection.begin_nested():
            connection.execute(sa.text("ALTER TABLE t DROP COLUMN gone"))
        connection.execute(sa.text("ALTER TABLE t ADD COLUMN c int"))
    observed = {statement.sql.split()[0]: statement for statement in tracer.end()}

    assert [modes(observed[word]) for word in ("LOCK", "ROLLBACK")] == [
        {"t": LockMode.SHARE},
        {},
    ]
    last = observed["ALTER"]
    assert last.sql == "ALTER TABLE t ADD COLUMN c int"
    assert modes(last) == {"t": LockMode.ACCESS_EXCLUSIVE}
    assert last.transaction == 1


def test_the_error_of_a_statement_is_observed(engine: sa.Engine, tracer: Tracer) -> None:
    tracer.begin()
    with (
        engine.connect() as connection,
        observe_connection(tracer, connection),
        pytest.raises(ProgrammingError),
    ):
        connection.execute(sa.text("ALTER TABLE t DROP COLUMN gone"))
    (observed,) = tracer.end()

    assert observed.error == '42703: column "gone" of relation "t" does not exist'


def test_a_statement_that_fails_in_autocommit_mode_leaves_the_session_usable(
    engine: sa.Engine, tracer: Tracer
) -> None:
    tracer.begin()
    with engine.connect() as connection, observe_connection(tracer, connection):
        connection.execution_options(isolation_level="AUTOCOMMIT")
        with pytest.raises(ProgrammingError):
            connection.execute(sa.text("ALTER TABLE t DROP COLUMN gone"))
        connection.execute(sa.text("ALTER TABLE t DROP COLUMN a"))
        connection.commit()
    refused, dropped = tracer.end()

    assert refused.error is not None
    assert (dropped.error, dropped.transaction) == (None, None)
    with engine.connect() as connection:
        assert [column["name"] for column in sa.inspect(connection).get_columns("t")] == ["id", "b"]


def test_a_commit_within_the_revision_begins_the_next_transaction(
    engine: sa.Engine, tracer: Tracer
) -> None:
    tracer.begin()
    with engine.connect() as connection, observe_connection(tracer, connection):
        for number in (1, 2):
            connection.execute(sa.text(f"ALTER TABLE t ADD COLUMN c{number} int"))
            connection.commit()
    observed = tracer.end()

    assert [statement.transaction for statement in observed] == [1, 2]
    assert [modes(statement) for statement in observed] == [{"t": LockMode.ACCESS_EXCLUSIVE}] * 2
