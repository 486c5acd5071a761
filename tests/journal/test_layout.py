"""The journal is made on first use, says what it is, and is never misread."""

import pytest
from sqlalchemy import text
from sqlalchemy.engine import Connection

from safemigrate.errors import DatabaseError
from safemigrate.journal import LAYOUT, has_journal, prepare_journal


def test_the_journal_is_made_once_and_says_its_layout(connection: Connection) -> None:
    with connection.begin():
        assert not has_journal(connection)
    prepare_journal(connection)
    assert not connection.in_transaction()
    prepare_journal(connection)
    assert connection.scalars(text("SELECT version FROM safemigrate.layout")).all() == [LAYOUT]
    assert has_journal(connection)


def test_everything_in_it_has_a_comment_that_needs_one(connection: Connection) -> None:
    prepare_journal(connection)
    tables = text(
        "SELECT relname FROM pg_class WHERE relnamespace = 'safemigrate'::regnamespace"
        " AND relkind = 'r' AND obj_description(oid, 'pg_class') IS NULL"
    )
    assert connection.scalars(tables).all() == []
    schema = text("SELECT obj_description('safemigrate'::regnamespace, 'pg_namespace')")
    assert connection.scalar(schema) is not None


def test_a_layout_from_the_future_is_refused(connection: Connection) -> None:
    prepare_journal(connection)
    connection.execute(text("INSERT INTO safemigrate.layout VALUES (99)"))
    connection.commit()
    with pytest.raises(DatabaseError, match="layout 99") as caught:
        prepare_journal(connection)
    assert "newer" in caught.value.hint


def test_a_role_without_the_right_to_create_schemas_is_told(connection: Connection) -> None:
    connection.execute(text("DROP ROLE IF EXISTS journal_reader"))
    connection.execute(text("CREATE ROLE journal_reader"))
    connection.execute(text("SET ROLE journal_reader"))
    connection.commit()
    with pytest.raises(DatabaseError, match="may not write") as caught:
        prepare_journal(connection)
    assert "CREATE SCHEMA safemigrate AUTHORIZATION" in caught.value.hint
    connection.execute(text("RESET ROLE"))
    connection.commit()
    prepare_journal(connection)
    connection.execute(text("SET ROLE journal_reader"))
    connection.commit()
    with pytest.raises(DatabaseError, match="may not write"):
        prepare_journal(connection)
    connection.execute(text("RESET ROLE"))
    connection.execute(text("DROP ROLE journal_reader"))
    connection.commit()


def test_a_database_that_takes_no_writes_is_told(connection: Connection) -> None:
    connection.execute(text("SET default_transaction_read_only = on"))
    connection.commit()
    with pytest.raises(DatabaseError, match="takes no writes"):
        prepare_journal(connection)
