"""Upgrades that do not send or make the same in each run, cut off on a real server."""

import pytest

from safemigrate.config import Deployer
from safemigrate.model import Standing
from tests.verify.conftest import Scaffold
from tests.verify.properties.test_resumable import CREATE, check

FEWER = """
import pathlib
noted = pathlib.Path(__file__).with_suffix(".runs")
runs = int(noted.read_text()) if noted.exists() else 0
noted.write_text(str(runs + 1))
bind = op.get_bind()
for number in range(256 >> runs):
    bind.execute(sa.text("UPDATE t SET a = 7"))
    bind.{end}
"""


@pytest.mark.parametrize("end", ["commit()", "connection"])
@pytest.mark.parametrize("deployed_by", Deployer)
def test_a_place_that_is_not_come_to_again_is_said(
    scaffold: Scaffold, deployed_by: Deployer, end: str
) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", FEWER.replace("{end}", end), "pass")

    found = check(scaffold, deployed_by)

    assert found.standing is Standing.UNKNOWN
    assert "cuts were not made: run once more, it took another way, and never came to" in (
        found.reason
    )


NAMED_ANEW = """
import uuid
bind = op.get_bind()
name = "i" + uuid.uuid4().hex
bind.execute(sa.text(f"ALTER TABLE t ALTER a SET DEFAULT {uuid.uuid4().int % 10**9}"))
{build}
bind.commit()
bind.execute(sa.text("ALTER TABLE t ADD COLUMN IF NOT EXISTS c int"))
"""
BUILD_NAMED = 'bind.execute(sa.text(f"CREATE INDEX {name} ON t (b)"))'
DROP_NAMED = """
for one in sa.inspect(bind).get_indexes("t"):
    bind.execute(sa.text(f"DROP INDEX {one['name']}"))
"""
OTHER_DEFAULT = """
for one in sa.inspect(bind).get_columns("t"):
    if one["name"] == "d":
        bind.execute(sa.text("ALTER TABLE t ALTER b SET DEFAULT 5"))
bind.execute(sa.text("ALTER TABLE t ADD COLUMN IF NOT EXISTS d int"))
"""


@pytest.mark.parametrize(
    ("build", "missed"),
    [
        pytest.param("", "", id="a default that is another each time"),
        pytest.param(DROP_NAMED + BUILD_NAMED, "", id="a name that is another each time"),
        pytest.param(BUILD_NAMED, "+ index public.i", id="one more of such a name"),
        pytest.param(OTHER_DEFAULT, "~ column public.t.b: ", id="another object beside it"),
    ],
)
def test_what_is_made_otherwise_in_each_run_hides_nothing_else(
    scaffold: Scaffold, build: str, missed: str
) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", NAMED_ANEW.replace("{build}", build), "pass")

    found = check(scaffold)

    assert found.standing is (Standing.BROKEN if missed else Standing.HOLDS)
    assert missed in found.reason
