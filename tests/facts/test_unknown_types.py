"""Column types that come from code which is not there."""

import pytest

from safemigrate.catalog import catalog_of_sql
from safemigrate.facts import judge_type_change, walk
from safemigrate.model import (
    UNKNOWN_TYPE_SCHEMA,
    Certainty,
    ColumnType,
    Direction,
    History,
    Migration,
    ServerVersion,
    Span,
    Statement,
)

UNKNOWN = ColumnType("app.types.GUID", schema=UNKNOWN_TYPE_SCHEMA)
TEXT = ColumnType("text")


@pytest.mark.parametrize(
    ("old", "new"), [(UNKNOWN, TEXT), (TEXT, UNKNOWN), (UNKNOWN, UNKNOWN)], ids=["from", "to", "as"]
)
def test_what_a_change_of_it_does_is_not_known(old: ColumnType, new: ColumnType) -> None:
    change = judge_type_change(old, new, column="id")

    assert change.rewrites
    assert not change.is_known


def test_it_is_shown_by_where_it_comes_from() -> None:
    assert str(UNKNOWN) == "app.types.GUID"
    assert str(ColumnType("app.GUID", dimensions=1, schema=UNKNOWN_TYPE_SCHEMA)) == "app.GUID[]"
    assert not TEXT.is_unknown


def test_a_new_column_of_it_may_rewrite() -> None:
    sql = f'ALTER TABLE t ADD COLUMN x {UNKNOWN_TYPE_SCHEMA}."app.types.GUID"'
    statement = Statement(sql, "a.sql", Span(1, 1, 1, 1), None, Direction.UPGRADE, 1, 1)
    history = History((Migration("a.sql", "", upgrade=(statement,)),))
    before = catalog_of_sql("CREATE TABLE t (id bigint)", "schema.sql")

    (passage,) = walk(history, before=before, version=ServerVersion(16)).passages

    assert passage.statements[0].facts.certainty is Certainty.UNKNOWN
