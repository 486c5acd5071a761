"""What the command line and the configuration say about a table that is never free."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from tests.cli.conftest import ProjectFolder, Run

    Session = psycopg.Connection[tuple[object, ...]]

CREATE = "op.execute('CREATE TABLE recipe (id int)')"
ADD = "op.execute('ALTER TABLE recipe ADD COLUMN note text')"
CONFIG = '[run]\nexpendable-applications = ["report"]\n'


@pytest.fixture
def report(folder: ProjectFolder, run: Run, database: str) -> Session:
    """A session that reads the table of the next revision, and does not end by itself."""
    folder.revise("1111", CREATE, "pass")
    folder.revise("2222", ADD, "pass", after="1111")
    folder.write("safemigrate.toml", CONFIG)
    assert run("upgrade", "1111", "--url", database).exit_code == 0
    url = make_url(database).set(drivername="postgresql")
    connection: Session = psycopg.connect(
        url.render_as_string(hide_password=False), application_name="report"
    )
    connection.execute("SELECT FROM recipe")
    return connection


def test_a_listed_session_is_terminated_where_that_is_asked_for(
    run: Run, database: str, report: Session
) -> None:
    options = ("--when-busy", "terminate", "--deadline", "4", "--stall-budget-ms", "900")
    result = run("upgrade", *options, "--url", database)
    report.close()
    assert result.exit_code == 0, result.stderr
    assert 'waiting for ACCESS EXCLUSIVE on "recipe", held by' in result.stderr
    assert "terminated for a lock: pid" in result.stderr


def test_nobody_is_ended_unless_that_is_asked_for(run: Run, database: str, report: Session) -> None:
    result = run("upgrade", "--deadline", "1", "--url", database)
    report.rollback()
    report.close()
    assert result.exit_code == 3, result.stderr
    assert "terminated" not in result.stderr
    assert 'application "report"' in result.stderr


def test_what_is_no_policy_is_refused(run: Run) -> None:
    result = run("upgrade", "--when-busy", "kill")
    assert result.exit_code == 2
    assert "'wait', 'ramp', 'cancel', 'terminate'" in result.stderr
