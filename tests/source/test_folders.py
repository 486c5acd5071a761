"""Projects found by a path, with a configuration that is not where Alembic would look."""

from pathlib import Path

import pytest

from safemigrate.cache import watch_inputs
from safemigrate.errors import UsageError
from safemigrate.source import open_project
from safemigrate.source.folders import FolderProject, find_config, find_location
from tests.source.conftest import ProjectFolder

REVISION = 'revision = "{0}"\ndown_revision = None\n\n\ndef upgrade():\n    pass\n'
ENV = "from alembic import context\ncontext.run_migrations()\n"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for a project, while the current directory is another one."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    root = tmp_path / "project"
    root.mkdir()
    return root


def make(folder: Path, name: str = "one") -> Path:
    """Write a script location with one revision, and return its versions."""
    versions = folder / "versions"
    versions.mkdir(parents=True)
    (folder / "env.py").write_text(ENV)
    (versions / f"{name}.py").write_text(REVISION.format(name))
    return versions


def revisions(versions: Path) -> list[str]:
    project = open_project(find_config((versions,)), is_lenient=True, wanted=(versions,))
    return [one.revision for one in project.revisions()]


def test_the_configuration_here_goes_first(folder: ProjectFolder) -> None:
    assert find_config((folder.versions,)) == Path("alembic.ini")


def test_without_a_path_it_is_the_only_one_in_a_folder_below(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_config(()) == Path("alembic.ini")

    for name in ("migrations", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "migrations" / "alembic.ini").write_text("[alembic]\n")
    with watch_inputs() as watch:
        assert find_config(()) == Path("migrations/alembic.ini")
    found = watch.take()
    assert find_config((), Path("mine.ini")) == Path("mine.ini")

    (tmp_path / "other" / "alembic.ini").write_text("[alembic]\n")
    assert not found.are_current()
    with pytest.raises(UsageError, match="several"):
        find_config(())
    (tmp_path / "alembic.ini").write_text("[alembic]\n")
    assert find_config(()) == Path("alembic.ini")


def test_one_that_is_named_goes_first(elsewhere: Path) -> None:
    assert find_config((make(elsewhere),), Path("other.ini")) == Path("other.ini")


@pytest.mark.parametrize(
    "text",
    [
        "[alembic]\nscript_location = %(here)s/migrations\n",
        "[alembic]\nscript_location = migrations\n",
        "[alembic]\nscript_location = not_installed_at_all:migrations\n",
    ],
    ids=["here", "relative", "package"],
)
def test_a_configuration_above_is_found(elsewhere: Path, text: str) -> None:
    versions = make(elsewhere / "migrations")
    (elsewhere / "alembic.ini").write_text(text)

    assert find_config((versions,)) == elsewhere / "alembic.ini"
    assert find_config((versions / "one.py",)) == elsewhere / "alembic.ini"
    assert revisions(versions) == ["one"]


def test_a_path_with_dots_is_the_same_project(elsewhere: Path) -> None:
    versions = make(elsewhere / "shop" / "migrations")
    (elsewhere / "shop" / "__init__.py").write_text("TABLE = 'orders'\n")
    (versions / "one.py").write_text("from shop import TABLE\n" + REVISION.format("one"))
    dotted = Path("..") / "project" / "shop" / "migrations" / "versions"

    project = open_project(find_config((dotted,)), is_lenient=True, wanted=(dotted,))

    assert [one.module.__dict__["TABLE"] for one in project.revisions()] == ["orders"]


def test_a_pyproject_above_is_found(elsewhere: Path) -> None:
    versions = make(elsewhere / "migrations")
    (elsewhere / "pyproject.toml").write_text(
        '[tool.alembic]\nscript_location = "%(here)s/migrations"\n'
    )

    assert find_config((versions,)) == elsewhere / "pyproject.toml"
    assert revisions(versions) == ["one"]


def test_a_configuration_of_another_project_is_passed_over(elsewhere: Path) -> None:
    make(elsewhere / "other")
    versions = make(elsewhere / "mine", "two")
    (elsewhere / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/other\n")

    assert find_config((versions,)) == FolderProject(elsewhere / "mine", versions)
    assert revisions(versions) == ["two"]


def test_an_ini_inside_the_migrations_needs_no_location(elsewhere: Path) -> None:
    versions = make(elsewhere / "migrations")
    (elsewhere / "migrations" / "alembic.ini").write_text("[alembic]\nfile_template = x\n")

    assert revisions(versions) == ["one"]


def test_a_location_counts_from_a_folder_above(elsewhere: Path) -> None:
    location = elsewhere / "app" / "db"
    make(location)
    (location / "alembic.ini").write_text("[alembic]\nscript_location = app/db\n")

    assert find_location("app/db", location) == location


def test_a_folder_that_is_none_is_passed_over(elsewhere: Path) -> None:
    make(elsewhere)

    assert find_location(".", elsewhere) == elsewhere


def test_a_package_lies_around_the_ini(elsewhere: Path) -> None:
    make(elsewhere / "shop" / "db" / "migrations")

    assert find_location("shop:db:migrations", elsewhere / "shop" / "db") == (
        elsewhere / "shop" / "db" / "migrations"
    )


def test_revisions_without_any_configuration_are_a_project(elsewhere: Path) -> None:
    versions = elsewhere / "versions"
    versions.mkdir()
    (versions / "one.py").write_text(REVISION.format("one"))

    assert find_config((elsewhere,)) == FolderProject(versions, versions)
    assert revisions(versions) == ["one"]


def test_several_folders_of_revisions_have_to_be_told_apart(elsewhere: Path) -> None:
    make(elsewhere / "a")
    make(elsewhere / "b")

    with pytest.raises(UsageError, match="revisions in 2 folders"):
        find_config((elsewhere,))


@pytest.mark.parametrize(
    ("asked", "found"),
    [("postgresql", "postgresql"), ("sqlite", "sqlite"), (".", "postgresql")],
)
def test_of_several_folders_the_one_that_is_meant_is_read(
    elsewhere: Path, asked: str, found: str
) -> None:
    versions = make(elsewhere / "migrations")
    (versions / "one.py").unlink()
    for name in ("postgresql", "sqlite"):
        (versions / name).mkdir()
        (versions / name / "one.py").write_text(REVISION.format(name))
    (elsewhere / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/migrations\n")

    assert revisions(versions / asked) == [found]
