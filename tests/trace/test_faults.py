"""What a server and its driver say, as one line of a report."""

from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, ProgrammingError, StatementError

from safemigrate.trace import describe_fault


@pytest.fixture
def connection(database: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(database, poolclass=sa.NullPool)
    with engine.connect() as opened:
        yield opened


def test_the_servers_words_follow_their_sqlstate(connection: sa.Connection) -> None:
    with pytest.raises(ProgrammingError) as caught:
        connection.exec_driver_sql("SELECT FROM missing")

    assert describe_fault(caught.value) == '42P01: relation "missing" does not exist'


def test_a_connection_that_broke_is_told_as_the_driver_tells_it(connection: sa.Connection) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.close()

    with pytest.raises(OperationalError) as caught:
        connection.exec_driver_sql("SELECT 1")

    assert describe_fault(caught.value) == "OperationalError: the connection is closed"


def test_of_several_lines_the_first_is_told() -> None:
    said = psycopg.OperationalError("the server closed the connection\n\tThis probably means")

    assert describe_fault(said) == "OperationalError: the server closed the connection"


def test_what_sqlalchemy_says_itself_is_not_shown(connection: sa.Connection) -> None:
    with pytest.raises(StatementError, match="secret") as caught:
        connection.execute(sa.text("SELECT 'secret', :missing"))

    assert describe_fault(caught.value) == "StatementError"


def test_an_error_without_a_message_is_named() -> None:
    assert describe_fault(psycopg.InterfaceError()) == "InterfaceError"
