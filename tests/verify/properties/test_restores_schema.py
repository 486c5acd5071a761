"""H04: the downgrade leads back to the schema before."""

import pytest

from safemigrate.model import Property, Standing
from tests.verify.conftest import Scaffold

CREATE = "CREATE TABLE t (id int PRIMARY KEY, a int DEFAULT 1, b text)"


def test_a_downgrade_that_leaves_something_is_broken(anywhere: Scaffold) -> None:
    anywhere.add("one", CREATE, "DROP TABLE t")
    anywhere.add("two", "ALTER TABLE t ALTER a SET DEFAULT 2", "ALTER TABLE t ALTER a DROP DEFAULT")

    check = anywhere.check(Property.RESTORES_SCHEMA)

    assert check.standing is Standing.BROKEN
    assert check.reason == "the downgrade leaves another schema"
    assert check.details == ("~ column public.t.a: default=1 -> none",)


def test_a_downgrade_that_restores_everything_holds(anywhere: Scaffold) -> None:
    anywhere.add("one", CREATE, "DROP TABLE t")
    anywhere.add(
        "two", "ALTER TABLE t ALTER a SET DEFAULT 2", "ALTER TABLE t ALTER a SET DEFAULT 1"
    )

    assert anywhere.check(Property.RESTORES_SCHEMA).standing is Standing.HOLDS


def test_nothing_else_is_broken_by_it(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", "COMMENT ON TABLE t IS 'new'", "COMMENT ON COLUMN t.a IS NULL")

    assert scaffold.broken() == {Property.RESTORES_SCHEMA}


@pytest.mark.parametrize(
    ("upgrade", "downgrade", "left"),
    [
        (
            "CREATE TYPE mood AS ENUM ('x')\nALTER TABLE t ADD COLUMN m mood",
            "ALTER TABLE t DROP COLUMN m",
            "+ enum public.mood ",
        ),
        (
            "CREATE SEQUENCE s\nALTER TABLE t ADD COLUMN n int DEFAULT nextval('s')",
            "ALTER TABLE t DROP COLUMN n",
            "+ sequence public.s ",
        ),
        (
            "ALTER TABLE t ADD COLUMN c int",
            "ALTER TABLE t DROP COLUMN c, DROP COLUMN b",
            "- column public.t.b ",
        ),
        (
            "ALTER TABLE t ADD COLUMN c int",
            "DROP TABLE other\nALTER TABLE t DROP COLUMN c",
            "- table public.other ",
        ),
        (
            "CREATE INDEX i ON t (a)\nGRANT SELECT ON t TO CURRENT_USER",
            "DROP INDEX i\nREVOKE ALL ON t FROM CURRENT_USER",
            "~ table public.t: acl=",
        ),
    ],
    ids=["a type", "a sequence", "another's column", "another's table", "a grant"],
)
def test_what_is_left_or_lost_is_named(
    scaffold: Scaffold, upgrade: str, downgrade: str, left: str
) -> None:
    scaffold.add("one", f"{CREATE}\nCREATE TABLE other (id int)", "DROP TABLE t, other")
    scaffold.add("two", upgrade, downgrade)

    check = scaffold.check(Property.RESTORES_SCHEMA)

    assert check.standing is Standing.BROKEN
    assert [line for line in check.details if line.startswith(left)], check.details


def test_a_downgrade_that_raises_is_broken(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "raise ValueError('not today')")

    check = scaffold.check(Property.RESTORES_SCHEMA)

    assert check.standing is Standing.BROKEN
    assert "ValueError: not today" in check.reason


def test_a_column_in_another_place_is_no_difference(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", "ALTER TABLE t DROP COLUMN a", "ALTER TABLE t ADD COLUMN a int DEFAULT 1")

    assert scaffold.check(Property.RESTORES_SCHEMA).standing is Standing.HOLDS


def test_what_a_downgrade_takes_away_is_there_again_for_what_follows(scaffold: Scaffold) -> None:
    scaffold.add("one", f"{CREATE}\nCREATE TABLE other (id int)", "DROP TABLE t, other")
    scaffold.add("two", "ALTER TABLE t ADD COLUMN c int", "DROP TABLE t")
    scaffold.add("three", "ALTER TABLE t ADD COLUMN d int", "ALTER TABLE t DROP COLUMN d")

    _, two, three = scaffold.verify(selected=("schema",)).revisions

    assert two.has_failed
    assert three.is_proved
