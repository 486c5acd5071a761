import pytest
from hypothesis import given
from hypothesis import strategies as st

from safemigrate.model import DropTable, QualifiedName
from safemigrate.sql import quote_identifier, quote_literal, quote_name, read_actions


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("recipe", "recipe"),
        ("Recipe", '"Recipe"'),
        ("order", '"order"'),
        ("name", "name"),
        ("between", '"between"'),
        ("two words", '"two words"'),
        ('say "hi"', '"say ""hi"""'),
        ("1st", '"1st"'),
        ("größe", '"größe"'),
        ("", '""'),
    ],
)
def test_quotes_only_where_postgresql_needs_it(name: str, expected: str) -> None:
    assert quote_identifier(name) == expected


def test_quotes_each_part_of_a_qualified_name() -> None:
    assert quote_name(QualifiedName("Sales", "order")) == '"Sales"."order"'


def test_doubles_the_quotes_of_a_literal() -> None:
    assert quote_literal("it's") == "'it''s'"


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=20))
def test_what_is_quoted_reads_back_the_same(name: str) -> None:
    (action,) = read_actions(f"DROP TABLE {quote_identifier(name)}")

    assert isinstance(action, DropTable)
    assert action.table.name == name.encode()[:63].decode(errors="ignore")
