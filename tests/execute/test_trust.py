"""The control connection is trusted for a while, and for no longer than the server is silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.engine import make_url

from safemigrate.execute.control import ControlConnection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.execute.conftest import Database


@pytest.fixture(params=["psycopg", "psycopg2"])
def control(request: pytest.FixtureRequest, database: str) -> Iterator[ControlConnection]:
    url = make_url(database).set(drivername=f"postgresql+{request.param}")
    engine = create_engine(url, poolclass=NullPool)
    with ControlConnection(engine) as control:
        yield control


def test_nobody_is_trusted_unseen(control: ControlConnection) -> None:
    assert not control.is_trusted


def test_what_was_just_seen_is_trusted_for_a_while(control: ControlConnection) -> None:
    control.trust(600)
    assert control.is_trusted
    control.trust(-1)
    assert not control.is_trusted


def test_a_session_that_was_ended_is_not_trusted(control: ControlConnection, db: Database) -> None:
    pid = control.run(lambda one: one.execute(text("SELECT pg_backend_pid()")).scalar_one())
    control.trust(600)
    db.execute(f"SELECT pg_terminate_backend({pid}, 60000)")
    assert not control.is_trusted
