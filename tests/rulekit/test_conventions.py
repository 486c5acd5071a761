"""Templates of SQLAlchemy make the names that SQLAlchemy makes of them."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from safemigrate.rulekit import (
    Context,
    matches_convention,
    named_things,
    show_convention,
)

Look = Callable[..., Context]

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(column_0_N_name)s_%(referred_table_name)s_%(referred_column_0_name)s",
    "pk": "pk_%(table_name)s_%(column_1_name)s",
}


def schema_of(table_name: str) -> str:
    metadata = sa.MetaData(naming_convention=NAMING, schema="kitchen")
    sa.Table("far", metadata, sa.Column("a", sa.Integer()), sa.Column("b", sa.Integer()))
    table = sa.Table(
        table_name,
        metadata,
        sa.Column("one", sa.Integer(), primary_key=True),
        sa.Column("two", sa.Integer(), primary_key=True),
        sa.UniqueConstraint("two", "one"),
        sa.CheckConstraint("one > two", name="bigger"),
        sa.ForeignKeyConstraint(["one", "two"], ["kitchen.far.a", "kitchen.far.b"]),
    )
    index = sa.Index(None, table.c.two)
    parts = (CreateTable(table), CreateIndex(index))
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy gives it none
    return ";".join(str(part.compile(dialect=dialect)) for part in parts)


@pytest.mark.parametrize("table", ["dish", "a_table_with_a_name_that_leaves_no_room_for_any_more"])
def test_a_template_makes_what_sqlalchemy_makes_of_it(look_at: Look, table: str) -> None:
    things = [
        thing
        for thing in named_things(look_at(schema_of(table)))
        if NAMING.keys() & set(thing.kinds)
    ]
    assert {kind for thing in things for kind in thing.kinds} == set(NAMING)
    wrong = [
        (thing.name, show_convention(NAMING[thing.kinds[0]], thing))
        for thing in things
        if not matches_convention(NAMING[thing.kinds[0]], thing)
    ]
    assert wrong == []


def test_another_name_does_not_match_and_is_shown_what_it_should_be(look_at: Look) -> None:
    code = "CREATE INDEX by_name ON recipe (name, lower(name));"
    (thing,) = named_things(look_at(code))
    assert not matches_convention("ix_%(table_name)s_%(column_0_name)s", thing)
    assert show_convention("ix_%(table_name)s_%(column_0_name)s", thing) == "ix_recipe_name"
    assert show_convention("ix_%(column_0_N_name)s_%(mine)s", thing) == "ix_…_…"


def test_a_regular_expression_is_for_the_whole_name(look_at: Look) -> None:
    (thing,) = named_things(look_at("CREATE INDEX by_name ON recipe (name);"))
    assert matches_convention("by_[a-z]+", thing)
    assert not matches_convention("by", thing)
    assert show_convention("by", thing) == "by"


def test_signs_of_a_template_are_no_regular_expression(look_at: Look) -> None:
    (thing,) = named_things(look_at("CREATE INDEX ix ON recipe (name);"))
    assert not matches_convention(".*%(table_name)s", thing)
