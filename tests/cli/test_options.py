"""Options that several commands share."""

import subprocess
import sys

import pytest

from tests.cli.conftest import ProjectFolder, Run

TABLE = 'op.create_table("recipe", sa.Column("id", sa.{}(), primary_key=True))'


@pytest.fixture
def two(folder: ProjectFolder) -> ProjectFolder:
    """A project with a finding, and one without in the folder `other`."""
    folder.revise("aaaa", TABLE.format("Integer"), 'op.drop_table("recipe")')
    other = ProjectFolder(folder.path / "other")
    for name in ("alembic.ini", "migrations/env.py"):
        other.write(name, (folder.path / name).read_text("utf-8"))
    other.revise("bbbb", TABLE.format("BigInteger"), 'op.drop_table("recipe")')
    return folder


@pytest.mark.usefixtures("two")
def test_the_configuration_is_taken_from_the_environment_as_alembic_takes_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "aaaa.py" in run("explain").stdout
    monkeypatch.setenv("ALEMBIC_CONFIG", "other/alembic.ini")
    assert "bbbb.py" in run("explain").stdout
    assert "aaaa.py" in run("explain", "-c", "alembic.ini").stdout
    monkeypatch.setenv("ALEMBIC_CONFIG", "gone/alembic.ini")
    missing = run("explain")
    assert missing.exit_code == 2
    assert 'there is no Alembic configuration "gone/alembic.ini"' in missing.stderr
    assert "ALEMBIC_CONFIG" in run("explain", "--help").stdout


@pytest.mark.usefixtures("two")
def test_what_is_remembered_depends_on_the_configuration_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def explain() -> str:
        command = (sys.executable, "-m", "safemigrate", "explain")
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert "aaaa.py" in explain()
    assert "aaaa.py" in explain()
    monkeypatch.setenv("ALEMBIC_CONFIG", "other/alembic.ini")
    assert "bbbb.py" in explain()
    assert "bbbb.py" in explain()
    monkeypatch.delenv("ALEMBIC_CONFIG")
    assert "aaaa.py" in explain()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("upgrade", "--deadline", "soon"), "'soon' is not a valid number of seconds"),
        (("verify", "--timeout", "soon"), "'soon' is not a valid number of seconds"),
        (("upgrade", "--deadline", "nan"), "'nan' is not a valid number of seconds"),
        (("upgrade", "--lock-timeout-ms", "soon"), "'soon' is not a valid whole number"),
        (("lint", "--pg-version", "new"), "'new' is not a valid whole number"),
    ],
)
def test_what_is_no_number_is_told_in_plain_words(
    run: Run, arguments: tuple[str, ...], said: str
) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert said in result.stderr
