"""A statement that is quoted in what is said of a revision is quoted without its passwords."""

from pathlib import Path

import pytest

from safemigrate.model import ObservedStatement, Property, QualifiedName
from safemigrate.sql import QueryShape
from safemigrate.verify.attribution import SentStatement as Attributed
from safemigrate.verify.compatibility import ReleaseStatement
from safemigrate.verify.cuts import SentStatement
from safemigrate.verify.experiments.facts_matching import quote_statement
from safemigrate.verify.plans import read_expectations
from safemigrate.verify.plans.expectations import Expectation
from safemigrate.verify.plans.looking import Look
from safemigrate.verify.plans.telling import tell_shortfall
from tests.verify.conftest import Scaffold

SQL = "UPDATE t\n  SET password = 's3cret'"
SHOWN = "UPDATE t SET password = '***'"


@pytest.mark.parametrize("line", [0, 7])
def test_a_statement_that_is_cut_off(line: int) -> None:
    sent = SentStatement(1, SQL, line, 1, 0, is_autocommit=False, is_open=True)

    assert f"({SHOWN})" in sent.title


def test_a_statement_of_a_release() -> None:
    statement = ReleaseStatement(SQL, QueryShape(is_query=True), "app.sql:7")

    assert statement.title == f"app.sql:7: {SHOWN}"


def test_a_statement_that_changes_a_plan() -> None:
    table = QualifiedName("t", "public")
    expectation = Expectation("by id", "SELECT FROM t", "plans.yml:1", (table,))
    look = Look("generated rows", shortfalls=("a sequential scan of t",))

    verdict = tell_shortfall(
        expectation, look, Look("generated rows"), [Attributed(SQL, 7, (table,))]
    )

    assert f"line 7: {SHOWN}" in verdict.details


def test_a_query_that_has_no_name(tmp_path: Path) -> None:
    path = tmp_path / "plans.yml"
    path.write_text("- query: SELECT FROM t WHERE password = 's3cret'\n  no-seq-scan: t\n")

    (expectation,) = read_expectations(path)

    assert expectation.name == "SELECT FROM t WHERE password = '***'"


def test_a_statement_that_was_observed() -> None:
    observed = ObservedStatement(SQL, ordinal=1, transaction=1, line=7)

    assert quote_statement(observed) == f"upgrade, line 7: {SHOWN}"


def test_a_statement_that_changes_many_rows(scaffold: Scaffold) -> None:
    scaffold.add("one", "CREATE TABLE t (id int PRIMARY KEY, password text)", "DROP TABLE t")
    scaffold.add("two", "UPDATE t SET password = 's3cret'", "pass")

    found = scaffold.check(Property.CHANGES_FEW_ROWS, rows=20, most_rows_changed=5)

    assert found.reason.endswith(f"and 5 at a time are allowed: {SHOWN}")
