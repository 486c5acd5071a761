from itertools import product

import psycopg
import pytest
from psycopg import errors, sql

from safemigrate.model import LockMode, blocked_commands


def test_modes_conflict_as_on_a_server(database: str) -> None:
    url = database.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as setup:
        setup.execute("CREATE TABLE t (id int)")
    seen = {}
    with psycopg.connect(url) as first, psycopg.connect(url) as second:
        for held, wanted in product(LockMode, LockMode):
            first.execute(lock(held))
            try:
                second.execute(lock(wanted))
                seen[held, wanted] = False
            except errors.LockNotAvailable:
                seen[held, wanted] = True
            first.rollback()
            second.rollback()

    assert seen == {pair: pair[0].conflicts_with(pair[1]) for pair in seen}


def lock(mode: LockMode) -> sql.Composed:
    return sql.SQL("LOCK TABLE t IN {} MODE NOWAIT").format(sql.SQL(mode.value))


def test_modes_are_read_from_pg_locks(database: str) -> None:
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE t (id int)")
        connection.commit()
        for mode in LockMode:
            connection.execute(lock(mode))
            row = connection.execute(
                "SELECT mode FROM pg_locks"
                " WHERE relation = 't'::regclass AND pid = pg_backend_pid()"
            ).fetchone()
            connection.rollback()
            assert row is not None
            assert LockMode.from_pg_locks(row[0]) is mode


def test_modes_are_ordered_from_weak_to_strong() -> None:
    assert max(LockMode) is LockMode.ACCESS_EXCLUSIVE
    assert LockMode.SHARE < LockMode.EXCLUSIVE
    assert max(LockMode.ROW_SHARE, LockMode.ACCESS_SHARE) is LockMode.ROW_SHARE


@pytest.mark.parametrize(
    ("mode", "blocked"),
    [
        (LockMode.ACCESS_SHARE, ()),
        (LockMode.SHARE_UPDATE_EXCLUSIVE, ()),
        (LockMode.SHARE, ("INSERT", "UPDATE", "DELETE", "MERGE")),
        (
            LockMode.ACCESS_EXCLUSIVE,
            ("SELECT", "SELECT FOR UPDATE", "INSERT", "UPDATE", "DELETE", "MERGE"),
        ),
    ],
)
def test_names_the_commands_that_wait(mode: LockMode, blocked: tuple[str, ...]) -> None:
    assert blocked_commands(mode) == blocked
