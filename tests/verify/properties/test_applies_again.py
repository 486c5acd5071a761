"""H03: upgraded again after its downgrade, the schema is the same."""

from safemigrate.model import Property, Standing
from tests.verify.conftest import Scaffold

CREATE = "CREATE TABLE t (id int PRIMARY KEY, a int)\nCREATE SEQUENCE runs"
# Names what it makes by how often it has run; a sequence does not go back.
COUNTING = """
number = op.get_bind().scalar(sa.text("SELECT nextval('runs')"))
op.execute(f"ALTER TABLE t ADD CONSTRAINT t_{number} CHECK (a > 0)")
"""
UNDOING = """
for one in sa.inspect(op.get_bind()).get_check_constraints("t"):
    op.drop_constraint(one["name"], "t")
"""


def violate(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t\nDROP SEQUENCE runs")
    scaffold.add("two", f"bind = op.get_bind()\n{COUNTING}", f"bind = op.get_bind()\n{UNDOING}")


def test_a_second_upgrade_that_ends_elsewhere_is_broken(anywhere: Scaffold) -> None:
    violate(anywhere)

    check = anywhere.check(Property.APPLIES_AGAIN)

    assert check.standing is Standing.BROKEN
    assert check.reason == "the second upgrade leads to another schema"
    assert [line[:47] for line in check.details] == [
        "upgrade again: + constraint public.t.t_2 CHECK ",
        "upgrade again: - constraint public.t.t_1 CHECK ",
    ]


def test_a_second_upgrade_that_ends_in_the_same_schema_holds(anywhere: Scaffold) -> None:
    anywhere.add("one", CREATE, "DROP TABLE t\nDROP SEQUENCE runs")
    anywhere.add("two", "CREATE INDEX i ON t (a)", "DROP INDEX i")

    assert anywhere.check(Property.APPLIES_AGAIN).standing is Standing.HOLDS


def test_no_other_property_of_the_schema_is_broken_by_it(scaffold: Scaffold) -> None:
    violate(scaffold)

    assert scaffold.broken(selected=("schema",)) == {Property.APPLIES_AGAIN}


def test_a_second_upgrade_that_fails_is_broken(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t\nDROP SEQUENCE runs")
    scaffold.add("two", "CREATE TYPE mood AS ENUM ('x')", "COMMENT ON TABLE t IS NULL")

    check = scaffold.check(Property.APPLIES_AGAIN)

    assert check.standing is Standing.BROKEN
    assert 'type "mood" already exists' in check.reason


def test_it_is_unknown_where_the_downgrade_fails(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE gone")

    check = scaffold.check(Property.APPLIES_AGAIN)

    assert (check.standing, check.reason) == (Standing.UNKNOWN, "the downgrade fails")


def test_there_is_nothing_to_compare_without_a_way_back(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, None)

    check = scaffold.check(Property.APPLIES_AGAIN)

    assert (check.standing, check.reason) == (Standing.UNKNOWN, "there is no way back to compare")
