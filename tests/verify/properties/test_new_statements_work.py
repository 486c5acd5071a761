"""H27: what the new release sends works on the old schema."""

import pytest

from safemigrate.model import Check, Property, Standing
from tests.verify.conftest import Scaffold

NEW = Property.NEW_STATEMENTS_WORK


@pytest.fixture
def widened(anywhere: Scaffold) -> Scaffold:
    """A table, and a revision that gives it a column."""
    return widen(anywhere)


def widen(scaffold: Scaffold) -> Scaffold:
    scaffold.add(
        "0001", "CREATE TABLE person (id serial PRIMARY KEY, name text)", "DROP TABLE person"
    )
    scaffold.add(
        "0002", "ALTER TABLE person ADD COLUMN born date", "ALTER TABLE person DROP COLUMN born"
    )
    return scaffold


def check_file(scaffold: Scaffold, text: str) -> Check:
    path = scaffold.folder / "new.sql"
    path.write_text(text)
    return scaffold.check(NEW, new_statements=path)


def test_a_column_that_is_not_there_yet_breaks_it(widened: Scaffold) -> None:
    check = check_file(widened, "SELECT name FROM person;\nSELECT name, born FROM person\n")

    assert check.standing is Standing.BROKEN
    assert check.reason.startswith("on the old schema ")
    assert check.reason.endswith('new.sql:2 fails: 42703: column "born" does not exist')
    assert "accept[new-statements-work]" in check.help


def test_what_the_new_release_takes_from_before_works(widened: Scaffold) -> None:
    check = check_file(
        widened, "SELECT name FROM person; INSERT INTO person (name) VALUES (%(name)s)"
    )

    assert check.standing is Standing.HOLDS
    assert check.reason == "2 statements work"


def test_it_alone_is_broken(scaffold: Scaffold) -> None:
    widen(scaffold)
    (scaffold.folder / "new.sql").write_text("SELECT born FROM person")

    assert scaffold.broken(new_statements=scaffold.folder / "new.sql") == {NEW}


def test_without_a_file_nobody_can_tell(scaffold: Scaffold) -> None:
    widen(scaffold)

    check = scaffold.check(NEW)

    assert check.standing is Standing.UNASKED
    assert check.reason == "no file says what the new release sends"
    assert "pytest --safemigrate-capture" in check.help


def test_what_is_not_there_even_after_it_does_not_count(scaffold: Scaffold) -> None:
    widen(scaffold)

    check = check_file(scaffold, "SELECT died FROM person; SELECT name FROM person")

    assert check.standing is Standing.HOLDS
    assert check.details[0] == "1 statement not working on the schema of the release itself:"


def test_a_value_that_only_the_new_schema_takes_breaks_it(scaffold: Scaffold) -> None:
    scaffold.add(
        "0001", "CREATE TABLE person (id serial PRIMARY KEY, name varchar(3), age integer)", None
    )
    scaffold.add("0002", "ALTER TABLE person ALTER COLUMN name TYPE varchar(9)", None)

    check = check_file(scaffold, "INSERT INTO person (name) VALUES ('Augusta')")

    assert check.standing is Standing.BROKEN
    assert "22001: value too long" in check.reason


def test_a_result_of_another_kind_breaks_it(scaffold: Scaffold) -> None:
    scaffold.add("0001", "CREATE TABLE person (id serial PRIMARY KEY, born text)", None)
    scaffold.add("0002", "ALTER TABLE person ALTER COLUMN born TYPE date USING NULL::date", None)

    check = check_file(scaffold, "SELECT born FROM person")

    assert check.standing is Standing.BROKEN
    assert '"born" comes as text instead of date' in check.reason


def test_it_is_told_though_the_upgrade_fails_on_rows(scaffold: Scaffold) -> None:
    scaffold.add("0001", "CREATE TABLE person (id serial PRIMARY KEY, name text)", None)
    scaffold.add("0002", "ALTER TABLE person ADD COLUMN born date NOT NULL", None)

    check = check_file(scaffold, "SELECT born FROM person")

    assert check.standing is Standing.BROKEN
