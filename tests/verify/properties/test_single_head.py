"""One head, or one for each named branch."""

from safemigrate.model import Property, Standing
from tests.verify.conftest import Scaffold

SUBJECT = Property.SINGLE_HEAD


def label(scaffold: Scaffold, revision: str, name: str) -> None:
    path = scaffold.path(revision)
    path.write_text(path.read_text() + f"\n\nbranch_labels = ({name!r},)\n")


def add(scaffold: Scaffold, revision: str, down: str | tuple[str, ...] | None) -> None:
    scaffold.add(
        revision,
        f"CREATE TABLE t_{revision} (id int PRIMARY KEY)",
        f"DROP TABLE t_{revision}",
        down=down,
    )


def test_two_heads_are_named_and_one_holds(anywhere: Scaffold) -> None:
    add(anywhere, "one", None)
    good = anywhere.check(SUBJECT)
    add(anywhere, "two", "one")
    add(anywhere, "three", "one")
    bad = anywhere.check(SUBJECT)

    assert (good.standing, good.reason) == (Standing.HOLDS, "")
    assert bad.standing is Standing.BROKEN
    assert bad.reason == "2 heads of no named branch: three and two"
    assert bad.details == tuple(f"{one} in {anywhere.path(one)}" for one in ("three", "two"))
    assert "`alembic merge three two`" in bad.help


def test_exactly_this_property_is_broken(scaffold: Scaffold) -> None:
    add(scaffold, "one", None)
    add(scaffold, "two", "one")
    add(scaffold, "three", "one")

    assert scaffold.broken() == {SUBJECT}


def test_a_merge_makes_one_of_them(scaffold: Scaffold) -> None:
    add(scaffold, "one", None)
    add(scaffold, "two", "one")
    add(scaffold, "three", "one")
    scaffold.add("four", "pass", "pass", down=("two", "three"))

    assert scaffold.check(SUBJECT).standing is Standing.HOLDS


def test_named_branches_may_have_a_head_each(scaffold: Scaffold) -> None:
    add(scaffold, "one", None)
    label(scaffold, "one", "core")
    add(scaffold, "plug", None)
    label(scaffold, "plug", "plugin")
    add(scaffold, "two", "one")

    check = scaffold.check(SUBJECT)

    assert check.standing is Standing.HOLDS
    assert check.reason == "2 heads, each of a named branch: plugin at plug, core at two"


def test_a_named_branch_has_one_head(scaffold: Scaffold) -> None:
    add(scaffold, "plug", None)
    label(scaffold, "plug", "plugin")
    add(scaffold, "left", "plug")
    add(scaffold, "right", "plug")

    check = scaffold.check(SUBJECT)

    assert check.standing is Standing.BROKEN
    assert check.reason == "branch plugin has 2 heads: left and right"


def test_a_head_without_a_name_beside_a_named_one_is_told(scaffold: Scaffold) -> None:
    add(scaffold, "one", None)
    add(scaffold, "plug", None)
    label(scaffold, "plug", "plugin")

    check = scaffold.check(SUBJECT)

    assert check.standing is Standing.BROKEN
    assert check.reason == "head one is of no named branch, beside heads that are"
    assert "branch_labels" in check.help
    assert "merge" not in check.help


def test_two_heads_beside_a_named_branch_are_not_merged_with_it(scaffold: Scaffold) -> None:
    add(scaffold, "plug", None)
    label(scaffold, "plug", "plugin")
    add(scaffold, "one", None)
    add(scaffold, "left", "one")
    add(scaffold, "right", "one")

    check = scaffold.check(SUBJECT)

    assert check.standing is Standing.BROKEN
    assert check.help == "make one of them: `alembic merge left right`"


def test_no_revisions_are_no_fault(scaffold: Scaffold) -> None:
    check = scaffold.check(SUBJECT)

    assert (check.standing, check.reason) == (Standing.HOLDS, "there are no revisions")
