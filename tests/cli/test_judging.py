from pathlib import Path
from typing import Protocol

import pytest

from safemigrate.cli.judging import load_project_config, pending_check
from safemigrate.errors import ConfigError, GateRefusedError
from safemigrate.model import Direction, ServerVersion
from safemigrate.source import open_project

TABLE = 'op.create_table("recipe", sa.Column("name", sa.Text()))'
INDEX = 'op.create_index("recipe_name_idx", "recipe", ["name"])'


class ProjectFolder(Protocol):
    path: Path

    def write(self, name: str, text: str) -> Path: ...

    def revise(
        self, revision: str, upgrade: str, downgrade: str = ..., after: str | None = ...
    ) -> str: ...


@pytest.fixture
def unsafe(folder: ProjectFolder) -> ProjectFolder:
    """A project whose second revision the gate refuses to upgrade to, not to downgrade."""
    folder.revise("aaaa", TABLE, 'op.drop_table("recipe")')
    folder.revise("bbbb", INDEX, 'op.execute("SELECT 1")', after="aaaa")
    return folder


def check(pending: tuple[str, ...], direction: Direction = Direction.UPGRADE) -> None:
    pending_check(open_project(Path("alembic.ini")))(pending, direction)


def test_a_pending_error_is_shown_and_refused(
    unsafe: ProjectFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    del unsafe
    with pytest.raises(GateRefusedError) as caught:
        check(("aaaa", "bbbb"))
    assert caught.value.message == "1 error finding in 1 pending revision, nothing was changed"
    assert "# safemigrate: ignore[non-concurrent-index] the reason" in caught.value.hint
    output = capsys.readouterr()
    assert output.out == ""
    assert "error[non-concurrent-index]: " in output.err
    assert "migrations/versions/bbbb.py:9:5" in output.err


def test_what_is_not_pending_does_not_matter(
    unsafe: ProjectFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    del unsafe
    check(("aaaa",))
    check(())
    assert "bbbb" not in capsys.readouterr().err


def test_the_other_direction_does_not_matter(
    unsafe: ProjectFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    del unsafe
    check(("bbbb",), Direction.DOWNGRADE)
    assert "non-concurrent-index" not in capsys.readouterr().err


def test_a_suppressed_error_is_let_through(unsafe: ProjectFolder) -> None:
    reason = "# safemigrate: ignore[non-concurrent-index] the table is empty\n"
    unsafe.revise("bbbb", reason + INDEX, 'op.execute("SELECT 1")', after="aaaa")
    check(("aaaa", "bbbb"))
    unsafe.revise("bbbb", INDEX, 'op.execute("SELECT 1")', after="aaaa")
    with pytest.raises(GateRefusedError):
        check(("aaaa", "bbbb"))


def test_what_cannot_be_judged_is_said_and_let_through(
    folder: ProjectFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.revise("aaaa", f'{TABLE}\nraise KeyError("x")', 'op.drop_table("recipe")')
    check(("aaaa",))
    assert "not judged: migrations/versions/aaaa.py:10: " in capsys.readouterr().err


def test_the_configuration_counts(unsafe: ProjectFolder) -> None:
    unsafe.write("safemigrate.toml", '[rules]\nnon-concurrent-index = "off"\n')
    check(("aaaa", "bbbb"))
    unsafe.write("safemigrate.toml", '[rules]\nno-such-rule = "off"\n')
    with pytest.raises(ConfigError):
        check(("aaaa", "bbbb"))


def test_the_configuration_beside_alembic_ini_wins(folder: ProjectFolder) -> None:
    folder.write("safemigrate.toml", "pg-version = 14\n")
    folder.write("below/safemigrate.toml", "pg-version = 15\n")
    assert load_project_config(Path("below/alembic.ini")).pg_version == ServerVersion(15)
    assert load_project_config(Path("other/alembic.ini")).pg_version == ServerVersion(14)
