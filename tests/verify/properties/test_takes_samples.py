"""H20: the project's own sample rows can be inserted."""

from pathlib import Path

import pytest

from safemigrate.errors import ConfigError
from safemigrate.model import Property, Standing
from tests.verify.conftest import Scaffold

SUBJECT = Property.TAKES_SAMPLES


def begin(scaffold: Scaffold) -> Path:
    """Add two revisions, and return the folder for samples."""
    scaffold.add("r1", "CREATE TABLE t (id serial PRIMARY KEY, a text)", "DROP TABLE t")
    scaffold.add(
        "r2",
        "SET LOCAL lock_timeout = '1s'\nALTER TABLE t ADD b integer",
        "SET LOCAL lock_timeout = '1s'\nALTER TABLE t DROP b",
    )
    folder = scaffold.folder / "samples"
    folder.mkdir()
    return folder


def test_a_statement_that_is_refused_is_named_with_its_line(anywhere: Scaffold) -> None:
    samples = begin(anywhere)
    (samples / "r2.sql").write_text(
        "-- rows of last year\nINSERT INTO t (a) VALUES ('a; b');\n\nINSERT INTO t (a, b)\n"
        "VALUES ('b', 1);\n"
    )
    check = anywhere.check(SUBJECT, samples=samples)
    assert check.standing is Standing.BROKEN
    assert "samples/r2.sql:4: the server says 42703" in check.reason
    assert 'column "b" of relation "t" does not exist' in check.reason


def test_rows_before_and_after_the_revision(anywhere: Scaffold) -> None:
    samples = begin(anywhere)
    (samples / "r2.sql").write_text("INSERT INTO t (a) VALUES ('a; b'); INSERT INTO t SELECT 7;")
    (samples / "r2.after.sql").write_text(
        "BEGIN; INSERT INTO t (b) VALUES (1); INSERT INTO t (b) VALUES (2); COMMIT"
    )
    check = anywhere.check(SUBJECT, samples=samples)
    assert (check.standing, check.reason) == (Standing.HOLDS, "2 of its files")


def test_nothing_else_is_broken(scaffold: Scaffold) -> None:
    samples = begin(scaffold)
    (samples / "r2.after.sql").write_text("INSERT INTO t (nobody) VALUES (1)")
    assert scaffold.broken(samples=samples) == {SUBJECT}


def test_without_a_folder_nobody_asked(scaffold: Scaffold) -> None:
    begin(scaffold)
    check = scaffold.check(SUBJECT)
    assert check.standing is Standing.UNASKED
    assert "samples" in check.help


def test_without_a_file_for_the_revision_it_holds(scaffold: Scaffold) -> None:
    samples = begin(scaffold)
    check = scaffold.check(SUBJECT, samples=samples)
    assert (check.standing, check.reason) == (
        Standing.HOLDS,
        "the project has no rows for this revision",
    )


@pytest.mark.parametrize("name", ["r9.sql", "r9.after.sql"])
def test_a_file_for_no_revision_is_named_once(scaffold: Scaffold, name: str) -> None:
    samples = begin(scaffold)
    (samples / name).write_text("INSERT INTO t (a) VALUES ('a')")
    (samples / "README.md").write_text("what these are")
    check = scaffold.check(SUBJECT, samples=samples)
    assert check.standing is Standing.BROKEN
    assert check.reason.endswith(f"samples/{name} is for a revision that is not there")
    assert scaffold.check(SUBJECT, "r1", samples=samples).standing is Standing.HOLDS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"INSERT INTO t (a) VALUES ('\xff')", ":1: it cannot be read: 'utf-8' codec"),
        (
            b"INSERT INTO t (a)\nVALUS ('a')",
            ':2: the server says 42601: syntax error at or near "V',
        ),
        (b"BEGIN;\nINSERT INTO t (a) VALUES ('a')", ":2: it begins a transaction and ends none"),
        (b"BEGIN;\nSELECT 1/0;\nCOMMIT", ":2: the server says 22012: division by zero"),
        (b"\nCOPY t FROM STDIN;\n1\ta\n\\.\n", ":2: rows behind COPY are not read"),
    ],
)
def test_bad_files(scaffold: Scaffold, text: bytes, message: str) -> None:
    samples = begin(scaffold)
    (samples / "r2.sql").write_bytes(text)
    check = scaffold.check(SUBJECT, samples=samples)
    assert check.standing is Standing.BROKEN
    assert f"samples/r2.sql{message}" in check.reason


def test_a_folder_that_is_not_there(scaffold: Scaffold) -> None:
    begin(scaffold)
    with pytest.raises(ConfigError, match='nowhere" cannot be read'):
        scaffold.check(SUBJECT, samples=scaffold.folder / "nowhere")


def test_an_empty_file_holds(scaffold: Scaffold) -> None:
    samples = begin(scaffold)
    (samples / "r2.sql").write_text("-- nothing yet\n")
    assert scaffold.check(SUBJECT, samples=samples).standing is Standing.HOLDS


def test_samples_that_fail_leave_the_other_properties_of_rows_unknown(scaffold: Scaffold) -> None:
    samples = begin(scaffold)
    (samples / "r2.sql").write_text("INSERT INTO t (nobody) VALUES (1)")
    for subject in (Property.APPLIES_ON_ROWS, Property.KEEPS_ROWS, Property.CHANGES_FEW_ROWS):
        check = scaffold.check(subject, samples=samples)
        assert check.standing is Standing.UNKNOWN
        assert "the project's own rows cannot be inserted: " in check.reason
