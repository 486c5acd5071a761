"""No report shows a password that a migration has in it."""

import pytest

from tests.cli.conftest import ProjectFolder, Run

SQL = """\
CREATE TABLE t (a int);
CREATE INDEX i ON u (a); CREATE ROLE x PASSWORD 's3cret';
CREATE ROLE y ENCRYPTED PASSWORD
    's3cret';
CREATE SUBSCRIPTION s CONNECTION 'host=h password=s3cret' PUBLICATION p;
ALTER ROLE x PASSWORD 's3cret' NONSENSE;
"""
ROLE = "op.execute(\"CREATE ROLE x PASSWORD 's3cret'\")"


@pytest.mark.parametrize("format_", ["text", "json"])
@pytest.mark.parametrize("command", ["lint", "explain"])
def test_the_reports_on_sql_files(
    folder: ProjectFolder, run: Run, command: str, format_: str
) -> None:
    folder.write("changes/1.sql", SQL)
    result = run(command, "changes/1.sql", "--format", format_)
    assert result.stdout
    assert "s3cret" not in result.output
    if command == "explain":
        assert "CREATE ROLE x PASSWORD '***'" in result.stdout


@pytest.mark.parametrize("format_", ["text", "json"])
@pytest.mark.parametrize("command", ["lint", "explain"])
def test_the_reports_on_revisions(
    folder: ProjectFolder, run: Run, command: str, format_: str
) -> None:
    folder.revise("1111", f"op.create_index('i', 'u', ['a']); {ROLE}", 'op.execute("DROP ROLE x")')
    result = run(command, "--format", format_)
    assert result.stdout
    assert "s3cret" not in result.output


def test_the_marks_stay_under_what_they_mark_behind_a_password(
    folder: ProjectFolder, run: Run
) -> None:
    folder.write("changes/1.sql", "CREATE ROLE x PASSWORD 's3cret'; CREATE INDEX i ON u (a);\n")
    _, block = run("lint", "changes/1.sql").stdout.split("error[non-concurrent-index]")
    lines = block.split("\n\n")[0].splitlines()
    (shown,) = [line for line in lines if line.startswith("1 | ")]
    marks = lines[lines.index(shown) + 1]
    assert shown == "1 | CREATE ROLE x PASSWORD '***'; CREATE INDEX i ON u (a);"
    assert shown[marks.index("^") :].startswith("CREATE INDEX i")
    assert marks.count("^") == len("CREATE INDEX i ON u (a)")


def test_an_error_nobody_expected_shows_no_password(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ValueError("cannot use postgresql://me:s3cret@host/db")

    monkeypatch.delenv("SAFEMIGRATE_TRACEBACK", raising=False)
    monkeypatch.setattr("safemigrate.cli.rule.rules", fail)
    result = run("rule")
    assert result.exit_code == 2
    error, hint = result.stderr.splitlines()
    assert error == "error: unexpected ValueError: cannot use postgresql://me:***@host/db"
    assert "this is a bug" in hint
