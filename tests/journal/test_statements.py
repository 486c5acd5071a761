"""What is done of a revision, and who works on it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.engine import Connection

from safemigrate.journal import StatementRow, StatementState, is_session_alive
from safemigrate.model import Direction

_ROW = StatementRow(
    number=1,
    revision="1a2b",
    direction=Direction.UPGRADE,
    digest="",
    ordinal=1,
    segment=1,
    commits=0,
    is_autocommit=True,
    fingerprint="",
    sql="VACUUM t",
    state=StatementState.BEGUN,
    row_count=-1,
    started_at=datetime(2026, 1, 1, tzinfo=UTC),
    pid=0,
    backend_start=datetime(2026, 1, 1, tzinfo=UTC),
)


@pytest.mark.parametrize("works", [True, False])
def test_a_session_that_a_role_may_not_look_into_is_there_while_it_works(
    connection: Connection, database: str, *, works: bool
) -> None:
    """A role without pg_read_all_stats is not told since when another one's session is there."""
    engine = create_engine(database, poolclass=NullPool)
    with engine.connect() as opened:
        other = opened.execution_options(isolation_level="AUTOCOMMIT")
        pid = other.execute(text("SELECT pg_backend_pid()")).scalar_one()
        connection.execute(text("CREATE ROLE stranger"))
        connection.execute(text("SET LOCAL ROLE stranger"))
        if works:
            other.exec_driver_sql("BEGIN")
            other.exec_driver_sql("LOCK TABLE pg_class IN ACCESS SHARE MODE")
        assert is_session_alive(connection, replace(_ROW, pid=int(pid))) is works
        # it is seen that this one began at another time
        connection.execute(text("RESET ROLE"))
        assert not is_session_alive(connection, replace(_ROW, pid=int(pid)))
        connection.rollback()
