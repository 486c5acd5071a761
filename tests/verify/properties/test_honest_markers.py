"""Every marker in a revision names a property and a reason."""

import pytest

from safemigrate.model import Property, Standing
from tests.verify.conftest import Scaffold

CREATE = "CREATE TABLE t (id int PRIMARY KEY, a int)"


def add_marked(scaffold: Scaffold, marker: str) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    path = scaffold.path("one")
    path.write_text(path.read_text().replace("def upgrade", f"{marker}\ndef upgrade"))


def test_a_marker_without_a_reason_is_broken(anywhere: Scaffold) -> None:
    add_marked(anywhere, "# safemigrate: irreversible")

    check = anywhere.check(Property.HONEST_MARKERS)

    assert (check.standing, check.reason) == (Standing.BROKEN, "a marker gives no reason")
    assert check.path == str(anywhere.path("one"))
    lines = anywhere.path("one").read_text().splitlines()
    assert lines[check.line - 1] == "# safemigrate: irreversible"


def test_a_marker_with_a_property_and_a_reason_holds(anywhere: Scaffold) -> None:
    add_marked(anywhere, "# safemigrate: accept[keeps-rows] nobody reads them")

    assert anywhere.check(Property.HONEST_MARKERS).standing is Standing.HOLDS


def test_nothing_else_is_broken_by_it(scaffold: Scaffold) -> None:
    add_marked(scaffold, "# safemigrate: accept[keeps-rows]")

    assert scaffold.broken() == {Property.HONEST_MARKERS}


@pytest.mark.parametrize(
    ("marker", "reason"),
    [
        (
            "# safemigrate: accept[keep-rows] x",
            'a marker accepts "keep-rows", which is no property',
        ),
        ("# safemigrate: accept x", "a marker accepts nothing: it names no property"),
        ("# safemigrate: accept[] x", "a marker accepts nothing: it names no property"),
        ("# safemigrate:accept[keeps-rows]", "a marker gives no reason"),
    ],
)
def test_what_is_wrong_with_a_marker_is_told(scaffold: Scaffold, marker: str, reason: str) -> None:
    add_marked(scaffold, marker)

    check = scaffold.check(Property.HONEST_MARKERS)

    assert (check.standing, check.reason) == (Standing.BROKEN, reason)


def test_a_marker_without_a_reason_accepts_nothing(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, None)
    path = scaffold.path("one")
    path.write_text(f"# safemigrate: irreversible\n{path.read_text()}")

    assert scaffold.broken(selected=("schema",)) == {
        Property.HAS_DOWNGRADE,
        Property.HONEST_MARKERS,
    }


@pytest.mark.parametrize(
    "line", ['TEXT = "# safemigrate: irreversible"', "# safemigrate: ignore[some-rule] a reason"]
)
def test_what_is_no_marker_of_ours_is_left_alone(scaffold: Scaffold, line: str) -> None:
    add_marked(scaffold, line)

    assert scaffold.check(Property.HONEST_MARKERS).standing is Standing.HOLDS
