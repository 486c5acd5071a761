"""The second playing of a function, in which each question has a row, and what it adds."""

import datetime as dt
import decimal
import textwrap
import uuid

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from safemigrate.model import Span
from safemigrate.source.merging import merge_notes
from safemigrate.source.rows import MadeUpText, make_value
from safemigrate.source.tape import Note
from tests.source.conftest import ProjectFolder


def note(line: int, sql: str, transaction: int | None = 1, helper: str = "") -> Note:
    return Note(sql, Span(line, 1, line, 2), transaction, is_assumed=False, helper=helper)


def test_nothing_new_changes_nothing() -> None:
    first = [note(1, "a"), note(2, "b", None), note(1, "a")]

    assert merge_notes(first, []) == first
    assert merge_notes(first, [note(1, "a", 7), note(2, "b", None)]) == first
    assert merge_notes([], []) == []


def test_new_places_stand_where_they_were_reached() -> None:
    first = [note(1, "a"), note(4, "d"), note(5, "e", 2)]
    second = [
        note(0, "before", 7),
        note(1, "a", 7),
        note(2, "b", 7),
        note(3, "c", None),
        note(4, "d", 7),
        note(5, "e", 8),
        note(6, "f", 8),
        note(7, "g", 9),
    ]

    merged = merge_notes(first, second)

    assert [(one.sql, one.transaction, one.is_assumed) for one in merged] == [
        ("before", 1, True),
        ("a", 1, False),
        ("b", 1, True),
        ("c", None, True),
        ("d", 1, False),
        ("e", 2, False),
        ("f", 2, True),
        ("g", 9, True),
    ]


def test_other_text_from_a_known_place_is_not_added() -> None:
    first = [note(1, "a"), note(2, "b1"), note(3, "c")]
    second = [note(1, "a"), note(2, "b2"), note(3, "c"), note(4, "d")]

    assert [one.sql for one in merge_notes(first, second)] == ["a", "b1", "c", "d"]


def test_helpers_are_places_of_their_own() -> None:
    first = [note(1, "a", helper="x.py:1")]
    second = [note(1, "a", helper="x.py:1"), note(1, "b", helper="x.py:2")]

    assert [one.sql for one in merge_notes(first, second)] == ["a", "b"]


def test_merging_of_many_notes_is_quick() -> None:
    first = [note(1, f"a{number}") for number in range(20_000)]
    second = [note(1, f"b{number}") for number in range(20_000)] + [note(2, "c")]

    assert len(merge_notes(first, second)) == 20_001


LOOPS = {
    "core": (
        """
        table = sa.table("t", sa.column("id", sa.Integer), sa.column("name", sa.String))
        for row in op.get_bind().execute(sa.select(table)):
            op.execute(sa.update(table).values(name=row.name.upper()).where(table.c.id == row.id))
        """,
        "UPDATE t SET name=$1 WHERE t.id = $2",
    ),
    "text": (
        """
        for row in op.get_bind().execute(sa.text("SELECT id, data AS extra FROM t")).mappings():
            extra = dict(row["extra"])
            op.execute(f"DELETE FROM t WHERE id = {row['id'] + 1}")
        """,
        "DELETE FROM t WHERE id = 2",
    ),
    "orm": (
        """
        from sqlalchemy import orm
        Base = orm.declarative_base()
        class Thing(Base):
            __tablename__ = "thing"
            id = sa.Column(sa.Integer, primary_key=True)
            kind = sa.Column(sa.Enum("small", "large", name="kind"))
            data = sa.Column(sa.JSON)
            made = sa.Column(sa.DateTime(timezone=True))
        session = orm.Session(bind=op.get_bind())
        for thing in session.query(Thing):
            assert thing.kind == "small" and thing.data == {} and thing.made.year == 2000
            thing.kind = "large"
        session.commit()
        """,
        "UPDATE thing SET kind=$1 WHERE thing.id = $2",
    ),
    "waiting": (
        """
        while True:
            rows = op.get_bind().execute(sa.text("SELECT id FROM t LIMIT 100")).fetchall()
            if not rows:
                break
            op.execute("DELETE FROM t WHERE id = 1")
        """,
        "DELETE FROM t WHERE id = 1",
    ),
    "count": (
        """
        if op.get_bind().scalar(sa.text("SELECT count(*) FROM t WHERE a IS NULL")):
            op.execute("UPDATE t SET a = 1")
        """,
        "UPDATE t SET a = 1",
    ),
    "first": (
        """
        name = op.get_bind().execute(sa.text("SELECT id, name FROM t")).fetchone()[1]
        op.execute(f"DROP TABLE t_{name}")
        """,
        "DROP TABLE t_1",
    ),
    "driver": (
        """
        cursor = op.get_bind().connection.cursor()
        cursor.execute("SELECT id FROM t WHERE a = %s", (1,))
        for (number,) in cursor:
            cursor.execute("DELETE FROM t WHERE id = %s", (number,))
        """,
        "DELETE FROM t WHERE id = $1",
    ),
}


@pytest.mark.parametrize("name", LOOPS)
def test_what_a_loop_over_rows_sends_is_recorded(folder: ProjectFolder, name: str) -> None:
    body, expected = LOOPS[name]

    migration = folder.record_one(textwrap.dedent(body) + '\nop.execute("SELECT 9")')

    found = {" ".join(one.sql.split()): one.is_assumed for one in migration.upgrade}
    assert found[expected] is True
    if name != "first":
        assert list(found)[-2:] == [expected, "SELECT 9"]
        assert migration.unjudged == ()


def test_rows_are_made_up_only_where_nobody_knows(folder: ProjectFolder) -> None:
    migration = folder.record_one(
        """
        if sa.inspect(op.get_bind()).has_table("t"):
            op.execute("SELECT 2")
        if op.get_bind().scalar(sa.text("SELECT 1 FROM pg_type WHERE typname = 'e'")):
            op.execute("SELECT 3")
        """
    )

    assert len(migration.upgrade) == 1
    assert not migration.upgrade[0].is_assumed


class Upper(sa.types.TypeDecorator[str]):
    impl = sa.String
    cache_ok = True


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (sa.Integer(), 1),
        (sa.BigInteger(), 1),
        (sa.String(), MadeUpText("1")),
        (sa.Text(), MadeUpText("1")),
        (Upper(), MadeUpText("1")),
        (sa.Boolean(), True),
        (sa.Numeric(10, 2), decimal.Decimal(1)),
        (sa.Float(), 1.0),
        (sa.Date(), dt.date(2000, 1, 1)),
        (sa.DateTime(), dt.datetime(2000, 1, 1, 12)),  # noqa: DTZ001 - without a time zone
        (sa.DateTime(timezone=True), dt.datetime(2000, 1, 1, 12, tzinfo=dt.UTC)),
        (sa.Time(), dt.time(12)),
        (sa.Interval(), dt.timedelta(1)),
        (sa.Uuid(), uuid.UUID(int=1)),
        (sa.Uuid(as_uuid=False), str(uuid.UUID(int=1))),
        (postgresql.JSONB(), "{}"),
        (sa.JSON(), "{}"),
        (sa.LargeBinary(), b"1"),
        (sa.ARRAY(sa.Integer), []),
        (sa.Enum("a", "b"), "a"),
        (postgresql.ENUM("a", "b", name="e"), "a"),
    ],
    ids=repr,
)
def test_values_are_of_the_type_of_their_column(
    type_: sa.types.TypeEngine[object], value: object
) -> None:
    made = make_value(type_, "x")

    assert made == value
    assert type(made) is type(value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", 1),
        ("owner_id", 1),
        ("is_new", True),
        ("created_at", dt.datetime(2000, 1, 1, 12)),  # noqa: DTZ001 - without a time zone
        ("birth_date", dt.date(2000, 1, 1)),
        ("settings", {}),
        ("uuid", uuid.UUID(int=1)),
        ("title", MadeUpText("1")),
    ],
)
def test_values_without_a_type_go_by_the_name(name: str, value: object) -> None:
    assert make_value(sa.types.NULLTYPE, name) == value
