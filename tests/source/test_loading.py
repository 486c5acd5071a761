"""Revision files that cannot be loaded do not hide the others."""

from pathlib import Path

import pytest

from safemigrate.errors import RevisionError
from safemigrate.source import open_project, record
from safemigrate.source.project import Project
from safemigrate.source.script_facts import read_facts
from tests.source.conftest import ProjectFolder


def read(folder: ProjectFolder) -> Project:
    return open_project(folder.config, is_lenient=True)


def fill(folder: ProjectFolder) -> Path:
    """Write three revisions, and return the path of the one in the middle."""
    folder.add("one", "op.execute('SELECT 1')")
    path = folder.add("two", "op.execute('SELECT 2')")
    folder.add("three", "op.execute('SELECT 3')")
    return path


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('revision = "two"\ndown_revision = "one"\n\n1 / 0\n', 4, "ZeroDivisionError"),
        ('revision = "two"\ndown_revision: str = ("one")\n\ndef broken(:\n', 4, "SyntaxError"),
        ('revision = "two"\ndown_revision = "one"\nraise SystemExit(3)\n', 3, "SystemExit"),
    ],
    ids=["raises", "syntax", "exits"],
)
def test_it_keeps_its_place(folder: ProjectFolder, text: str, line: int, reason: str) -> None:
    fill(folder).write_text(text)

    project = read(folder)
    migrations = record(project).migrations

    assert [one.revision for one in migrations] == ["one", "two", "three"]
    assert [len(one.upgrade) for one in migrations] == [1, 0, 1]
    (unjudged,) = migrations[1].unjudged
    assert unjudged.line == line
    assert reason in unjudged.reason
    assert "1 revision file cannot be loaded; Alembic loads all of them or none" in project.notices


def test_a_file_in_another_encoding_keeps_its_place(folder: ProjectFolder) -> None:
    path = fill(folder)
    path.write_bytes(path.read_bytes() + b"# \xff\n")

    migrations = record(read(folder)).migrations

    assert [one.revision for one in migrations] == ["one", "two", "three"]
    assert "is not UTF-8" in migrations[1].unjudged[0].reason


def test_a_file_without_an_id_is_known_by_its_name(folder: ProjectFolder) -> None:
    fill(folder)
    (folder.versions / "no-id.py").write_text("def upgrade():\n    pass\n")

    project = read(folder)

    assert project.unloadable["no_id"].reason == "has no revision id"
    assert {one.revision for one in project.revisions()} == {"one", "two", "three", "no_id"}


def test_a_file_that_is_no_revision_is_named_and_left_out(folder: ProjectFolder) -> None:
    fill(folder)
    (folder.versions / "helpers.py").write_text("LAYERS = 3\n")

    project = read(folder)

    assert {one.revision for one in project.revisions()} == {"one", "two", "three"}
    assert project.unloadable == {}
    (notice,) = project.notices
    assert notice.endswith(
        'helpers.py" is no revision; Alembic refuses to load any beside it, for it "could not '
        'determine revision id"'
    )


def test_ids_that_are_made_up_are_no_heads(folder: ProjectFolder) -> None:
    path = fill(folder)
    (folder.versions / "two_again.py").write_text(path.read_text())
    (folder.versions / "no_id.py").write_text("down_revision = None\n")

    assert not any("heads" in notice for notice in read(folder).notices)


def test_the_second_file_with_an_id_is_unjudged(folder: ProjectFolder) -> None:
    path = fill(folder)
    other = folder.versions / "two_again.py"
    other.write_text(path.read_text())

    project = read(folder)

    assert [one.revision for one in project.revisions()].count("two") == 1
    assert 'has the revision id "two", as ' in project.unloadable["two_again"].reason


def test_a_reserved_id_is_unjudged(folder: ProjectFolder) -> None:
    folder.add("head", "pass")

    assert "which Alembic keeps for itself" in read(folder).unloadable["head_"].reason


def test_a_reference_to_nothing_is_another_base(folder: ProjectFolder) -> None:
    folder.add("one", "pass")
    folder.add("two", "pass", down="lost")

    project = read(folder)

    assert {one.revision for one in project.revisions()} == {"one", "two"}
    assert any('follows "lost"' in one for one in project.notices)


def test_a_cycle_is_an_error(folder: ProjectFolder) -> None:
    folder.add("one", "pass", down="two")
    folder.add("two", "pass", down="one")

    with pytest.raises(RevisionError, match="cycle"):
        read(folder)


@pytest.mark.parametrize(
    ("text", "down"),
    [
        ('revision = "a"\ndown_revision = ("b",\n  "c")\nthis is (no python', ("b", "c")),
        ("revision: str = 'a'\ndown_revision: str | None = None\nno python", ()),
        ('revision = "a"\ndown_revision = ["b", "c"]\n', ("b", "c")),
    ],
    ids=["broken", "none", "list"],
)
def test_facts_are_read_without_running(text: str, down: tuple[str, ...]) -> None:
    facts = read_facts(text)

    assert facts is not None
    assert facts.revision == "a"
    assert facts.down_revisions == down


def test_no_facts_without_an_id() -> None:
    assert read_facts("x = 1\n") is None
