"""What the revisions do to the rows that are there when they come."""

from collections.abc import Callable

import psycopg
from alembic import command
from alembic.config import Config
from psycopg.rows import TupleRow

from safemigrate.server.connections import connect, parse_url

Connection = psycopg.Connection[TupleRow]

# More than one batch of a backfill, and not a whole number of them.
MANY = 2500


def enter_investors(connection: Connection, count: int) -> None:
    connection.execute(
        "INSERT INTO investors (email, full_name, country_code)"
        " SELECT n || '@example.org', 'Investor ' || n, 'DE' FROM generate_series(1, %s) AS n",
        [count],
    )


def enter_transactions(connection: Connection, count: int) -> None:
    """Write transactions of one day, which in UTC was the day after."""
    connection.execute(
        "INSERT INTO transactions"
        " (investor_id, kind, amount, currency, idempotency_key, occurred_at)"
        " SELECT i.id, 'fee', 1, 'EUR', gen_random_uuid(), '2025-03-01 23:30-05'"
        " FROM investors AS i, generate_series(1, %s)",
        [count],
    )


def values(connection: Connection, query: str) -> list[object]:
    """Return the first column of a query's rows."""
    return [row[0] for row in connection.execute(query.encode())]


def test_old_transactions_get_the_day_they_occurred(
    before: Callable[[str], str], configure: Callable[[str], Config]
) -> None:
    url = before("0008")
    with connect(parse_url(url)) as connection:
        enter_investors(connection, 1)
        enter_transactions(connection, MANY)
        command.upgrade(configure(url), "0011")
        dates = "SELECT DISTINCT value_date::text FROM transactions"
        assert values(connection, dates) == ["2025-03-02"]
        audited = "SELECT count(*) FROM audit_log WHERE actor = 'revision 0009'"
        assert values(connection, audited) == [MANY]


def test_a_transaction_between_the_revisions_gets_the_day_of_its_entry(
    before: Callable[[str], str], configure: Callable[[str], Config]
) -> None:
    url = before("0009")
    with connect(parse_url(url)) as connection:
        enter_investors(connection, 1)
        enter_transactions(connection, 1)
        command.upgrade(configure(url), "0011")
        right = "SELECT value_date = (created_at AT TIME ZONE 'UTC')::date FROM transactions"
        assert values(connection, right) == [True]


def test_an_old_transaction_can_be_settled_before_its_value_date_is_there(
    before: Callable[[str], str], configure: Callable[[str], Config]
) -> None:
    url = before("0008")
    with connect(parse_url(url)) as connection:
        enter_investors(connection, 1)
        enter_transactions(connection, 1)
        command.upgrade(configure(url), "0008")
        settled = connection.execute("UPDATE transactions SET status = 'settled'")
        assert settled.rowcount == 1
        assert values(connection, "SELECT value_date FROM transactions") == [None]


def test_old_investors_get_their_full_name_as_legal_name(
    before: Callable[[str], str], configure: Callable[[str], Config]
) -> None:
    url = before("0016")
    with connect(parse_url(url)) as connection:
        enter_investors(connection, MANY)
        command.upgrade(configure(url), "0016")
        named = (
            "SELECT count(*) FROM investors"
            " WHERE legal_name = 'Investor ' || split_part(email, '@', 1)"
        )
        assert values(connection, named) == [MANY]


def test_updates_that_change_nothing_are_audited_until_0020(
    before: Callable[[str], str], configure: Callable[[str], Config]
) -> None:
    url = before("0020")
    update = "UPDATE investors SET country_code = country_code"
    audited = "SELECT count(*) FROM audit_log WHERE action = 'update'"
    with connect(parse_url(url)) as connection:
        enter_investors(connection, 1)
        connection.execute(update)
        assert values(connection, audited) == [1]
        command.upgrade(configure(url), "0020")
        connection.execute(update)
        assert values(connection, audited) == [1]
