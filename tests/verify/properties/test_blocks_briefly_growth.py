"""H15: waits that are short on few rows and grow with the table are warned of."""

import re
from datetime import timedelta

import pytest

from safemigrate.model import Property, Standing
from tests.verify.conftest import Scaffold

BRIEFLY = Property.BLOCKS_BRIEFLY
TABLE = "CREATE TABLE t (id int PRIMARY KEY, a int, b text)"


def add(scaffold: Scaffold, upgrade: str) -> None:
    scaffold.add("one", TABLE, "DROP TABLE t")
    scaffold.add("two", upgrade, "ALTER TABLE t DROP COLUMN IF EXISTS c")


@pytest.mark.parametrize(
    ("upgrade", "start"),
    [
        (
            "CREATE INDEX ON t (a)",
            "INSERT, UPDATE and DELETE on public.t wait as long as its rows are read: at ",
        ),
        (
            "ALTER TABLE t ALTER a TYPE bigint",
            (
                "SELECT, INSERT, UPDATE and DELETE on public.t wait"
                " as long as its rows are written anew: at "
            ),
        ),
        (
            "UPDATE t SET a = 1",
            "UPDATE and DELETE on public.t wait as long as its rows are changed: at ",
        ),
        (
            "CREATE TABLE u (id int)\nALTER TABLE t ADD c int\nUPDATE t SET a = 1",
            (
                "SELECT, INSERT,"
                " UPDATE and DELETE on public.t wait as long as its rows are changed: at "
            ),
        ),
    ],
)
def test_a_wait_that_grows_with_the_table_is_warned_of(
    anywhere: Scaffold, upgrade: str, start: str
) -> None:
    add(anywhere, upgrade)

    check = anywhere.check(BRIEFLY, rows=100, max_block=timedelta(minutes=1))

    assert check.standing is Standing.HOLDS
    assert check.warning.startswith(start)
    speed, most = re.findall(r"([\d,]+) rows(?:/s| on)", check.warning)
    seconds = int(most.replace(",", "")) / int(speed.replace(",", ""))
    assert 54 < seconds < 66
    assert check.warning.endswith(" rows on (measured on 100 rows, a lower bound)")
    last = upgrade.splitlines()[-1]
    assert last in anywhere.path("two").read_text().splitlines()[check.line - 1]


@pytest.mark.parametrize(
    "upgrade",
    [
        "ALTER TABLE t ADD COLUMN c int",
        "ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT VALID",
        "CREATE TABLE u (id int)\nCREATE INDEX ON u (id)",
        "UPDATE t SET a = 1 WHERE id = 1",
        "UPDATE t SET a = 1 WHERE id IN (SELECT id FROM t LIMIT 1000)",
        "INSERT INTO t VALUES (-1) ON CONFLICT DO NOTHING",
        "TRUNCATE t",
        """
        with op.get_context().autocommit_block():
            op.create_index("i", "t", ["a"], postgresql_concurrently=True)
        """,
    ],
)
def test_what_takes_no_longer_with_more_rows_or_lets_others_work_is_not_warned_of(
    scaffold: Scaffold, upgrade: str
) -> None:
    add(scaffold, upgrade)

    check = scaffold.check(BRIEFLY, max_block=timedelta(minutes=1))

    assert (check.standing, check.warning) == (Standing.HOLDS, "")


def test_a_table_that_stays_locked_waits_for_the_rows_of_another(scaffold: Scaffold) -> None:
    scaffold.add("one", f"{TABLE}\nCREATE TABLE u (id int PRIMARY KEY, a int)", "DROP TABLE t, u")
    scaffold.add("two", "ALTER TABLE u ADD c int\nCREATE INDEX ON t (a)", "pass")

    check = scaffold.check(BRIEFLY, max_block=timedelta(minutes=1))

    assert "wait as long as " in check.warning
    assert check.warning.endswith("; and 1 more")
