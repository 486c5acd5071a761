"""Whatever a revision does, it ends in time."""

import time
from datetime import timedelta

import psycopg
import psycopg2  # type: ignore[import-untyped]  # it ships no types
import pytest
from sqlalchemy.engine import make_url

from safemigrate.trace import open_connection
from safemigrate.verify.surroundings import TimeLimitReached
from safemigrate.verify.surroundings.timelimit import limiting_time

SHORT = timedelta(milliseconds=200)


def test_a_statement_that_runs_for_ever_is_ended(database: str) -> None:
    with (
        pytest.raises(TimeLimitReached, match=r"did not end within 0\.2 s"),
        limiting_time(database, SHORT),
        open_connection(database) as connection,
    ):
        connection.execute("SELECT pg_sleep(600)")


def sleep_through_libpq(url: str) -> None:
    target = make_url(url)
    arguments = {"host": target.query["host"], "port": 5432, "user": "postgres"}
    connection = psycopg2.connect(dbname=target.database, **arguments)
    connection.cursor().execute("SELECT pg_sleep(600)")


def test_a_driver_that_hears_no_signals_is_ended_too(database: str) -> None:
    with (
        pytest.raises(TimeLimitReached, match="did not end"),
        limiting_time(database, SHORT),
    ):
        sleep_through_libpq(database)


def test_code_that_waits_in_python_is_interrupted(database: str) -> None:
    with pytest.raises(TimeLimitReached), limiting_time(database, SHORT):
        time.sleep(600)


def loop_for_ever() -> None:
    while True:
        pass


def test_a_loop_without_end_is_interrupted(database: str) -> None:
    with pytest.raises(TimeLimitReached), limiting_time(database, SHORT):
        loop_for_ever()


def test_what_ends_in_time_is_left_alone(database: str) -> None:
    with limiting_time(database, timedelta(minutes=1)), open_connection(database) as connection:
        row = connection.execute("SELECT 1").fetchone()

    assert row == (1,)


def test_a_session_that_is_spared_goes_on(database: str) -> None:
    with open_connection(database) as own:
        with (
            pytest.raises(TimeLimitReached),
            limiting_time(database, SHORT, [own.info.backend_pid]),
            open_connection(database) as other,
        ):
            other.execute("SELECT pg_sleep(600)")
        row = own.execute("SELECT 1").fetchone()

    assert row == (1,)
    with pytest.raises(psycopg.OperationalError):
        other.execute("SELECT 1")
