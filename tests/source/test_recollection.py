"""What was recorded before is taken again, and never what was there before it changed."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.script import Script

from safemigrate.model import History, Migration, ServerVersion
from safemigrate.source import read_history
from safemigrate.source.playing import play_revision
from safemigrate.source.tape import Tape
from tests.source.conftest import ENV, ProjectFolder


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("SAFEMIGRATE_CACHE_DIR", str(path))
    return path


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The revisions that are played, in order."""
    names: list[str] = []

    def note(tape: Tape, script: Script, *rest: Any) -> Migration:
        names.append(script.revision)
        return play_revision(tape, script, *rest)

    monkeypatch.setattr("safemigrate.source.recording.play_revision", note)
    return names


def read(folder: ProjectFolder, *, is_remembered: bool = True, version: int = 14) -> History:
    return read_history(folder.config, version=ServerVersion(version), is_remembered=is_remembered)


def add(folder: ProjectFolder, *names: str) -> None:
    for name in names:
        folder.add(name, f"op.execute('CREATE TABLE {name} (a int)')")


def test_nothing_is_played_again_while_nothing_has_changed(
    folder: ProjectFolder, played: list[str]
) -> None:
    add(folder, "one", "two")
    first = read(folder)
    assert played == ["one", "two"]

    assert read(folder) == first
    assert played == ["one", "two"]
    assert [one.revision for one in first.migrations] == ["one", "two"]


@pytest.mark.parametrize("has_prefix", [False, True])
def test_what_the_interpreter_compiles_is_no_change(
    folder: ProjectFolder,
    played: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    has_prefix: bool,
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "compiled") if has_prefix else None)
    add(folder, "one", "two")
    read(folder)

    read(folder)

    assert played == ["one", "two"]


def test_only_what_is_new_is_played(folder: ProjectFolder, played: list[str]) -> None:
    add(folder, "one", "two")
    read(folder)
    played.clear()

    add(folder, "three")
    history = read(folder)

    assert played == ["three"]
    anew = read(folder, is_remembered=False)
    assert [(one.upgrade, one.downgrade) for one in history.migrations] == [
        (one.upgrade, one.downgrade) for one in anew.migrations
    ]


def test_all_behind_a_change_is_played_again(folder: ProjectFolder, played: list[str]) -> None:
    add(folder, "one", "two", "three")
    read(folder)
    played.clear()

    path = folder.versions / "two_.py"
    path.write_text(path.read_text().replace("CREATE TABLE two", "CREATE TABLE other"))
    history = read(folder)

    assert played == ["two", "three"]
    assert history.migrations[1].upgrade[0].sql == "CREATE TABLE other (a int)"


def test_new_revision_sees_what_the_remembered_ones_have_made(folder: ProjectFolder) -> None:
    add(folder, "one")
    folder.add("two", "op.execute('SET lock_timeout = 1')\nop.get_bind().commit()")
    read(folder)

    folder.add(
        "three",
        """
        if sa.inspect(op.get_bind()).has_table("one"):
            op.execute("DROP TABLE one")
        """,
    )
    history = read(folder)

    assert [one.sql for one in history.migrations[2].upgrade] == ["DROP TABLE one"]
    assert not history.migrations[2].assumptions


def test_mode_of_the_connection_is_as_the_remembered_ones_leave_it(folder: ProjectFolder) -> None:
    folder.add("one", "op.get_bind().execution_options(isolation_level='AUTOCOMMIT')")
    read(folder)
    add(folder, "two")

    (statement,) = read(folder).migrations[1].upgrade

    assert (
        statement.transaction
        == read(folder, is_remembered=False).migrations[1].upgrade[0].transaction
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: folder.write_env(ENV + "\n# another"),
        lambda folder: folder.write_config("postgresql://elsewhere.invalid/app"),
        lambda folder: folder.write_module("names.py", "TABLE = 'other'"),
        lambda folder: (folder.root / "table.txt").write_text("other"),
    ],
    ids=["env.py", "alembic.ini", "module", "file"],
)
def test_what_else_was_read_counts(
    folder: ProjectFolder, played: list[str], change: Callable[[ProjectFolder], object]
) -> None:
    folder.write_module("names.py", "TABLE = 'one'")
    (folder.root / "table.txt").write_text("one")
    folder.add("one", "import names\nop.execute(f'CREATE TABLE {names.TABLE} (a int)')")
    folder.add("two", "op.execute('-- ' + open('table.txt').read() + '\\nSELECT 2')")
    read(folder)
    played.clear()

    change(folder)
    history = read(folder)

    assert played == ["one", "two"]
    assert history == read(folder)
    anew = read(folder, is_remembered=False)
    assert [one.upgrade for one in history.migrations] == [one.upgrade for one in anew.migrations]


def test_each_version_of_the_server_has_its_own(folder: ProjectFolder, played: list[str]) -> None:
    add(folder, "one")
    read(folder, version=14)
    read(folder, version=15)

    assert played == ["one", "one"]


def test_notices_are_those_of_now(folder: ProjectFolder) -> None:
    folder.add("one", "pass")
    folder.add("two", "pass", down="one")
    folder.add("three", "pass", down="one")
    assert any("2 heads" in notice for notice in read(folder).notices)

    folder.add("four", "pass", down=("two", "three"))

    assert read(folder).notices == ()


def test_missing_module_is_told_each_time_and_looked_for_anew(
    folder: ProjectFolder, played: list[str]
) -> None:
    folder.add("one", "import not_there\nop.execute('SELECT 2')", head="import not_there\n")
    first = read(folder)
    assert "not_there" in "".join(first.notices)
    assert read(folder) == first

    add(folder, "two")
    assert read(folder).notices == first.notices

    played.clear()
    folder.write_module("not_there.py", "")
    assert read(folder).notices == ()
    assert played == ["one", "two"]


def test_file_that_does_not_load_is_tried_again(folder: ProjectFolder) -> None:
    folder.add("one", "pass")
    path = folder.versions / "two_.py"
    path.write_text("revision = 'two'\ndown_revision = 'one'\nraise ValueError('no')\n")
    for _ in range(2):
        assert [len(one.unjudged) for one in read(folder).migrations] == [0, 1]
    folder.add("three", "pass", down="two")
    assert [len(one.unjudged) for one in read(folder).migrations] == [0, 1, 0]

    path.write_text("revision = 'two'\ndown_revision = 'one'\ndef upgrade(): pass\n")
    assert [len(one.unjudged) for one in read(folder).migrations] == [0, 0, 0]
