"""Projects of every shape, each with the exact outcome that a person has judged right.

A project is a folder in `shapes`; beside it stands what it is expected to come to. With
SAFEMIGRATE_WRITE_PROJECTS=1 that is written anew: each line of it is a claim, to be read before it
is kept.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.projects.conftest import HEADS, NAMES, SHAPES, Copy
from tests.projects.writing import write_outcome

Make = Callable[[str], Copy]

every_project = pytest.mark.parametrize("name", NAMES)

# What is expected, and does not come out yet.
WRONG: dict[str, str] = {}

HARMLESS = '''\
"""nothing to speak of"""

from alembic import op

revision = "one_more"
down_revision = "{head}"


def upgrade(*args, **kwargs):
    op.execute("SELECT 1")


def downgrade(*args, **kwargs):
    op.execute("SELECT 1")
'''


@every_project
def test_the_outcome_is_the_expected_one(
    copy: Make, request: pytest.FixtureRequest, name: str
) -> None:
    project = copy(name)
    if name in WRONG:
        request.applymarker(pytest.mark.xfail(reason=WRONG[name], strict=True))

    found = write_outcome(project.lint("--no-cache"), project.explain("--no-cache"))

    path = SHAPES / f"{name}.expected.txt"
    if os.environ.get("SAFEMIGRATE_WRITE_PROJECTS") == "1" and name not in WRONG:
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


@every_project
def test_what_is_remembered_is_what_was_recorded(copy: Make, name: str) -> None:
    project = copy(name)
    before = project.list_files()

    recorded, remembered = project.lint(), project.lint()

    assert remembered.text == recorded.text == project.lint("--no-cache").text
    assert remembered.notices == recorded.notices == project.lint("--no-cache").notices
    assert remembered.assumptions == recorded.assumptions == project.explain().assumptions
    assert project.explain().text == project.explain("--no-cache").text
    assert project.list_files() == before


@every_project
def test_one_revision_more_changes_nothing_else(copy: Make, name: str) -> None:
    project = copy(name)
    known = project.lint()
    before = known.document
    folder, head = HEADS[name]
    (project.path / folder / "one_more.py").write_text(HARMLESS.format(head=head))

    after = project.lint()

    assert after.text == project.lint("--no-cache").text
    assert after.document["findings"] == before["findings"]
    assert after.document["summary"]["unjudged"] == before["summary"]["unjudged"]
    assert after.assumptions == known.assumptions
    assert after.document["summary"]["statements"] > before["summary"]["statements"]


@every_project
def test_a_revision_alone_is_judged_as_in_the_whole(copy: Make, name: str) -> None:
    project = copy(name)
    known = project.lint()
    whole = known.document
    folder, head = HEADS[name]
    (newest,) = (path for path in Path(folder).glob("*.py") if _is_revision(path, head))

    for path in filter(_has_id, sorted(Path(folder).glob("*.py"))):
        arguments = ("--no-cache",) if path == newest else ()
        alone = project.lint(*arguments, str(path))

        document = alone.document
        assert document["findings"] == _keep(whole["findings"], path)
        assert document["summary"]["unjudged"] == _keep(whole["summary"]["unjudged"], path)
        assumed = (one for one in known.assumptions if one.startswith(f"{path}:"))
        assert alone.assumptions == tuple(assumed)


@every_project
def test_an_old_revision_that_changes_is_read_again(copy: Make, name: str) -> None:
    project = copy(name)
    before = project.explain()
    first = Path(before.document["statements"][0]["path"])
    text = first.read_bytes()

    first.write_bytes(b"# one line more\n" + text)
    after, fresh = project.explain(), project.explain("--no-cache")
    first.write_bytes(text)

    assert after.text == fresh.text != before.text
    assert after.assumptions == fresh.assumptions
    assert project.explain().text == before.text


@every_project
def test_a_revision_file_under_another_name_is_the_same_revision(copy: Make, name: str) -> None:
    project = copy(name)
    before = project.lint()
    folder, head = HEADS[name]
    (newest,) = (path for path in Path(folder).glob("*.py") if _is_revision(path, head))

    renamed = newest.rename(newest.with_name("renamed.py"))
    after = project.lint()

    assert after.text == project.lint("--no-cache").text
    shown = after.text.replace(str(renamed), str(newest))
    assert json.loads(shown)["summary"] == before.document["summary"]
    assert len(after.document["findings"]) == len(before.document["findings"])


def _has_id(path: Path) -> bool:
    return "\nrevision" in path.read_text(encoding="utf-8", errors="replace")


def _is_revision(path: Path, revision: str) -> bool:
    text = path.read_text(encoding="utf-8", errors="replace")
    return any(f"\nrevision = {quote}{revision}{quote}" in text for quote in "'\"")


def _keep(entries: list[dict[str, Any]], path: Path) -> list[dict[str, Any]]:
    return [entry for entry in entries if entry["path"] == str(path)]


@pytest.mark.parametrize("name", ["async_env", "broken_application", "pyproject_only", "services"])
def test_a_process_of_its_own_writes_nothing_but_the_report(copy: Make, name: str) -> None:
    project = copy(name)
    expected = project.lint("--no-cache").text
    before = project.list_files()
    command = (sys.executable, "-m", "safemigrate", "lint", "--format", "json")

    first = subprocess.run(command, check=False, capture_output=True, encoding="utf-8")
    again = subprocess.run(command, check=False, capture_output=True, encoding="utf-8")

    assert first.stdout == again.stdout == expected
    assert first.stderr == again.stderr
    assert "Traceback" not in first.stderr
    assert first.returncode == again.returncode == 1
    assert project.list_files() == before


def test_the_place_in_a_helper_is_told(copy: Make) -> None:
    project = copy("helpers")

    told = project.run("explain").text

    place = "migrations/versions/h2_indexes.py"
    assert (
        f"{place}:12   upgrade(), statement 1 of 3, transaction 1, sent by migrations/helpers.py:10"
        in told
    )


def test_a_folder_is_found_without_its_configuration(copy: Make) -> None:
    project = copy("flask_migrate")

    by_path = project.run("lint", "--format", "json", "migrations")

    assert by_path.document == project.lint().document


# A file that is no revision, what it says, and what it says later.
CHANGES = {
    "batch": ("models.py", "uq_%(table_name)s", "unique_%(table_name)s"),
    "broken_application": ("app/models.py", '"employee"', '"colleague"'),
    "enum_library": ("enum_operations.py", "_old", "_former"),
    "helpers": ("migrations/helpers.py", '"ix_', '"idx_'),
    "multi_schema": ("migrations/env.py", "sales, public", "billing, public"),
    "own_environment": ("migrations/env.py", "app_customer", "app_client"),
    "pyproject_only": ("src/bakery/operations.py", "_audit (", "_history ("),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_revisions_build_on_is_read_again_when_it_changes(copy: Make, name: str) -> None:
    project = copy(name)
    before = project.explain().text
    file, old, new = CHANGES[name]
    path = project.path / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    after = project.explain()

    assert after.text != before
    assert after.text == project.explain("--no-cache").text


def test_a_file_beside_a_revision_is_read_again_when_it_changes(copy: Make) -> None:
    project = copy("helpers")
    project.explain()
    path = Path("migrations/versions/h1_tables.sql")
    path.write_text(path.read_text(encoding="utf-8").replace("label", "name"), encoding="utf-8")

    assert "name text" in project.explain().text


def test_a_variable_of_the_environment_is_asked_again(
    copy: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = copy("broken_files")
    assert "ADD COLUMN cream" not in project.explain().text

    monkeypatch.setenv("BAKERY_WITH_CREAM", "1")

    assert "ADD COLUMN cream" in project.explain().text
