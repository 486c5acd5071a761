"""The column beside the old one, on a server: both stay in step while programs write either."""

import psycopg
import pytest

from safemigrate.model import ColumnType, QualifiedName
from safemigrate.recipes import SecondColumn, add_second_column
from safemigrate.sql import split_statements
from safemigrate.trace import open_connection

TABLE = QualifiedName(None, "Big recipe")
TEXT = ColumnType("text")

Rows = list[tuple[object, ...]]


def apply(url: str, column: SecondColumn, *statements: str) -> Rows:
    """Apply the recipe over a thousand and a half rows, run the statements, return the new rows."""
    with open_connection(url) as connection:
        run(connection, 'CREATE TABLE "Big recipe" (id int, name text, tags json, day date)')
        run(
            connection,
            """INSERT INTO "Big recipe" SELECT n, 'old', '{}', date '2030-01-01' """
            "FROM generate_series(1, 1500) AS n",
        )
        for piece in split_statements(add_second_column(column).sql):
            run(connection, piece.sql)
        for statement in statements:
            run(connection, statement)
        query = 'SELECT * FROM "Big recipe" WHERE id > 1500 ORDER BY id'
        return connection.execute(query).fetchall()


def run(connection: psycopg.Connection[tuple[object, ...]], sql: str) -> None:
    connection.execute(sql.encode())


def count(url: str, condition: str) -> int:
    with open_connection(url) as connection:
        query = f'SELECT count(*) FROM "Big recipe" WHERE {condition}'  # noqa: S608 - our own
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def title() -> SecondColumn:
    return SecondColumn(TABLE, "name", TEXT, "title", TEXT)


def test_old_rows_are_filled(database: str, title: SecondColumn) -> None:
    apply(database, title)
    assert count(database, "title = 'old'") == 1500


def test_a_row_written_by_either_name_has_both(database: str, title: SecondColumn) -> None:
    rows = apply(
        database,
        title,
        """INSERT INTO "Big recipe" (id, name) VALUES (2001, 'by name')""",
        """INSERT INTO "Big recipe" (id, title) VALUES (2002, 'by title')""",
        """INSERT INTO "Big recipe" (id) VALUES (2003)""",
    )
    assert [(row[1], row[-1]) for row in rows] == [
        ("by name", "by name"),
        ("by title", "by title"),
        (None, None),
    ]


def test_an_update_of_either_name_changes_both(database: str, title: SecondColumn) -> None:
    rows = apply(
        database,
        title,
        """INSERT INTO "Big recipe" (id, name) VALUES (2001, 'a'), (2002, 'b'), (2003, 'c')""",
        """UPDATE "Big recipe" SET name = 'new' WHERE id = 2001""",
        """UPDATE "Big recipe" SET title = 'new' WHERE id = 2002""",
        """UPDATE "Big recipe" SET title = NULL WHERE id = 2003""",
    )
    assert [(row[1], row[-1]) for row in rows] == [("new", "new"), ("new", "new"), (None, None)]


def test_a_type_without_equality_is_kept_in_step(database: str) -> None:
    json = ColumnType("json")
    rows = apply(
        database,
        SecondColumn(TABLE, "tags", json, "labels", json),
        """INSERT INTO "Big recipe" (id, tags) VALUES (2001, '[1]')""",
        """UPDATE "Big recipe" SET labels = '[2]'""",
    )
    assert [(row[2], row[-1]) for row in rows] == [([2], [2])]


def test_a_value_is_worked_out_from_old_to_new(database: str) -> None:
    rows = apply(
        database,
        SecondColumn(
            TABLE,
            "day",
            ColumnType("date"),
            "year",
            ColumnType("integer"),
            "extract(year FROM day)",
        ),
        """INSERT INTO "Big recipe" (id, day) VALUES (2001, '2031-05-05'), (2002, '2031-05-05')""",
        """UPDATE "Big recipe" SET day = '2032-05-05' WHERE id = 2001""",
        """UPDATE "Big recipe" SET year = 1999 WHERE id = 2002""",
    )
    assert [row[-1] for row in rows] == [2032, 1999]
    assert count(database, "year = 2030") == 1500
