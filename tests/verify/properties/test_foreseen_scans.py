"""H13: no table is scanned that `explain` did not foresee."""

import pytest

from safemigrate.model import Property, Standing
from tests.postgres.versions import ProofServers, proof_versions
from tests.verify.conftest import Scaffold

SCANS = Property.FORESEEN_SCANS

TABLE = """
CREATE TABLE t (id int PRIMARY KEY, a int)
ALTER TABLE t ADD CONSTRAINT a_is_positive CHECK (a > 0) NOT VALID
"""
FIND = "(SELECT relname FROM pg_class WHERE relname = 't' AND relkind = 'r')"
# It lets the application work, so that the scan alone is what nobody could have known.
HIDDEN = (
    "DO $$ BEGIN EXECUTE format('ALTER TABLE %I VALIDATE CONSTRAINT a_is_positive', "
    f"{FIND}); END $$"
)
BACK = """
ALTER TABLE t DROP CONSTRAINT a_is_positive
ALTER TABLE t ADD CONSTRAINT a_is_positive CHECK (a > 0) NOT VALID
"""


def add_hidden_scan(scaffold: Scaffold) -> None:
    scaffold.add("one", TABLE, "DROP TABLE t")
    scaffold.add("two", HIDDEN, BACK)


def test_a_scan_that_no_text_shows_is_named_with_its_rows(anywhere: Scaffold) -> None:
    add_hidden_scan(anywhere)

    check = anywhere.check(SCANS, rows=37)

    assert check.standing is Standing.BROKEN
    assert "the server read public.t from end to end (37 rows)" in check.reason
    assert "nobody could have known" in check.reason


def test_a_scan_that_explain_shows_is_foreseen(anywhere: Scaffold) -> None:
    anywhere.add("one", TABLE, "DROP TABLE t")
    anywhere.add("two", "ALTER TABLE t VALIDATE CONSTRAINT a_is_positive", BACK)

    check = anywhere.check(SCANS)

    assert (check.standing, check.reason) == (Standing.HOLDS, "")


def test_a_hidden_scan_breaks_nothing_else(scaffold: Scaffold) -> None:
    add_hidden_scan(scaffold)

    assert scaffold.broken() == {SCANS}


@pytest.mark.parametrize("major", proof_versions())
def test_a_hidden_scan_is_seen_on_every_major(
    major: int, proof_servers: ProofServers, scaffold: Scaffold
) -> None:
    scaffold.server = proof_servers[major]
    add_hidden_scan(scaffold)

    assert scaffold.check(SCANS).standing is Standing.BROKEN


def test_a_query_of_a_body_may_read_as_the_planner_likes(scaffold: Scaffold) -> None:
    scaffold.add("one", TABLE, "DROP TABLE t")
    statement = "ALTER TABLE %I VALIDATE CONSTRAINT a_is_positive"
    scaffold.add("two", HIDDEN.replace(statement, "SELECT count(*) FROM %I"), "pass")

    assert scaffold.check(SCANS).standing is Standing.HOLDS


FAILS_ON_ROWS = "UPDATE t SET a = 1\nALTER TABLE t ADD COLUMN c int NOT NULL"


def test_scans_seen_on_empty_tables_alone_are_not_proved(scaffold: Scaffold) -> None:
    scaffold.add("one", TABLE, "DROP TABLE t")
    scaffold.add("two", FAILS_ON_ROWS, "ALTER TABLE t DROP COLUMN c")

    check = scaffold.check(SCANS)

    assert check.standing is Standing.UNKNOWN
    assert check.reason.startswith("it was observed on empty tables alone, because on rows")
    assert "23502" in check.reason
    assert 'samples/two.sql"' in check.help
    assert any(line.startswith("observed on empty tables") for line in check.details)


def test_rows_of_the_projects_own_let_scans_be_seen(scaffold: Scaffold) -> None:
    scaffold.add("one", TABLE, "DROP TABLE t")
    scaffold.add(
        "two",
        "ALTER TABLE t ADD CHECK (a = 7) NOT VALID\nUPDATE t SET a = a\n"
        "ALTER TABLE t VALIDATE CONSTRAINT t_a_check",
        "ALTER TABLE t DROP CONSTRAINT t_a_check",
    )
    samples = scaffold.folder / "samples"
    samples.mkdir()
    (samples / "two.sql").write_text("INSERT INTO t VALUES (1, 7), (2, 7);\n")

    assert scaffold.check(SCANS).standing is Standing.UNKNOWN
    assert scaffold.check(SCANS, samples=samples).standing is Standing.HOLDS


def test_a_sample_that_cannot_be_inserted_proves_nothing(scaffold: Scaffold) -> None:
    scaffold.add("one", TABLE, "DROP TABLE t")
    scaffold.add("two", "UPDATE t SET a = 1", "pass")
    samples = scaffold.folder / "samples"
    samples.mkdir()
    (samples / "two.sql").write_text("INSERT INTO nowhere VALUES (1);\n")

    check = scaffold.check(SCANS, samples=samples)

    assert check.standing is Standing.UNKNOWN
    assert "two.sql:1" in check.reason
