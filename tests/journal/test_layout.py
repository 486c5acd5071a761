"""The journal is made on first use, says what it is, and is never misread."""

import pytest
from sqlalchemy import text
from sqlalchemy.engine import Connection

from safemigrate.errors import DatabaseError
from safemigrate.journal import LAYOUT, has_journal, prepare_journal, read_entries


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


# As the first layout was made.
_FIRST_LAYOUT = (
    "CREATE SCHEMA safemigrate",
    """
    CREATE TABLE safemigrate.layout (
        version integer PRIMARY KEY,
        since timestamp with time zone NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE safemigrate.history (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        revision text NOT NULL,
        direction text NOT NULL CHECK (direction IN ('upgrade', 'downgrade')),
        outcome text NOT NULL CHECK (outcome IN ('applied', 'failed')),
        started_at timestamp with time zone NOT NULL,
        finished_at timestamp with time zone NOT NULL,
        duration_ms bigint NOT NULL,
        attempts integer NOT NULL,
        waited_ms bigint NOT NULL,
        database_user text NOT NULL,
        os_user text NOT NULL,
        host text NOT NULL,
        package_version text NOT NULL,
        error text NOT NULL DEFAULT '',
        committed text[] NOT NULL DEFAULT '{}',
        override text NOT NULL DEFAULT ''
    )
    """,
    "INSERT INTO safemigrate.layout (version) VALUES (1)",
    """
    INSERT INTO safemigrate.history (
        revision, direction, outcome, started_at, finished_at, duration_ms, attempts, waited_ms,
        database_user, os_user, host, package_version
    ) VALUES ('1a2b', 'upgrade', 'applied', now(), now(), 5, 1, 0, 'a', 'b', 'c', '0.1.0')
    """,
)


def test_the_first_layout_is_read_as_it_is_and_brought_up_to_date(connection: Connection) -> None:
    for statement in _FIRST_LAYOUT:
        connection.execute(text(statement))
    connection.commit()
    before = read_entries(connection)
    assert [entry.revision for entry in before] == ["1a2b"]
    connection.commit()
    prepare_journal(connection)
    assert read_entries(connection) == before
    assert connection.scalars(text("SELECT max(version) FROM safemigrate.layout")).all() == [LAYOUT]
    columns = text(
        "SELECT attrelid::regclass::text, attname, atttypid::regtype::text, attnotnull"
        " FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid"
        " WHERE c.relnamespace = 'safemigrate'::regnamespace AND c.relkind = 'r' AND attnum > 0"
        " ORDER BY 1, attnum"
    )
    upgraded = connection.execute(columns).all()
    connection.execute(text("DROP SCHEMA safemigrate CASCADE"))
    connection.commit()
    prepare_journal(connection)
    assert connection.execute(columns).all() == upgraded
