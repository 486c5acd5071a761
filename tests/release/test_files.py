"""What is in the wheel and in the source distribution, and that both are always the same."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from packaging.metadata import Metadata

from tests.release.conftest import ROOT, Release

# At the top of the repository, and no part of it.
MADE_HERE = {".git", ".venv"}


def list_wheel(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def read_wheel(path: Path, suffix: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith(suffix))
        return archive.read(name)


def test_the_wheel_has_the_package_the_rule_book_and_nothing_else(release: Release) -> None:
    names = list_wheel(release.wheel)

    package = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "safemigrate").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    rules = {f"safemigrate/rulebook/{path.name}" for path in (ROOT / "rules").iterdir()}
    rest = {name for name in names if ".dist-info/" not in name}
    assert rest == package | rules
    # what the code reads, and is no code
    assert names >= {
        "safemigrate/cli/drafts/revision.py.mako",
        "safemigrate/py.typed",
        "safemigrate/rulebook/style.cfg",
    }
    about = {name.rpartition(".dist-info/")[2] for name in names - rest}
    assert about == {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}


def test_the_entry_points_are_those_of_the_project(release: Release) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    groups = {"console_scripts": project["scripts"], **project["entry-points"]}
    text = read_wheel(release.wheel, "entry_points.txt").decode()

    for group, entries in groups.items():
        (block,) = re.findall(rf"^\[{re.escape(group)}\]\n((?:[^\[\n].*\n?)+)", text, re.MULTILINE)
        assert set(block.split("\n")) - {""} == {f"{name} = {to}" for name, to in entries.items()}


def test_the_source_has_everything_of_the_repository(release: Release) -> None:
    """So that its tests, its documentation and its builds are those of the repository."""
    ignored = {line.strip("/\n") for line in (ROOT / ".gitignore").read_text("utf-8").splitlines()}
    there = {path.name for path in ROOT.iterdir()} - MADE_HERE - ignored
    with tarfile.open(release.sdist) as archive:
        names = [Path(one.name) for one in archive.getmembers()]
    shipped = {one.parts[1] for one in names}

    assert there <= shipped
    assert shipped - there <= {"PKG-INFO"}
    assert not [one for one in names if "__pycache__" in one.parts or one.suffix == ".pyc"]


def test_the_same_files_give_the_same_bytes(release: Release) -> None:
    """The second ones were built out of the sdist, whose files have other times and places."""
    assert release.wheel.read_bytes() == release.wheel_of_sdist.read_bytes()
    assert release.sdist.read_bytes() == release.sdist_again.read_bytes()


def test_the_tests_of_the_source_run_in_it(release: Release) -> None:
    environment = {**os.environ, "PYTEST_ADDOPTS": "", "PYTHONPATH": str(release.unpacked)}
    where = "import safemigrate; print(safemigrate.__file__)"
    for asked, said in (
        (["-c", where], f"{release.unpacked}/safemigrate/"),
        (
            ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/rulekit"],
            "passed",
        ),
    ):
        done = subprocess.run(
            [sys.executable, *asked],
            cwd=release.unpacked,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert said in done.stdout


def test_the_metadata_is_valid_and_leads_somewhere(release: Release) -> None:
    raw = read_wheel(release.wheel, ".dist-info/METADATA")
    metadata = Metadata.from_email(raw, validate=True)

    assert metadata.license_expression == "MIT"
    assert set(metadata.project_urls or {}) >= {"Homepage", "Documentation", "Issues", "Changelog"}
    assert all(url.startswith("https://") for url in (metadata.project_urls or {}).values())
    assert metadata.description_content_type == "text/markdown"
    assert str(metadata.requires_python) == ">=3.11"
    classifiers = metadata.classifiers or []
    assert "Framework :: Pytest" in classifiers
    assert "Programming Language :: Python :: 3.11" in classifiers


def test_the_page_of_the_package_index_renders_and_its_links_lead_out(release: Release) -> None:
    text = Metadata.from_email(read_wheel(release.wheel, "METADATA")).description or ""

    tokens = MarkdownIt("commonmark").enable("table").parse(text)

    links = [
        str(child.attrs["href"])
        for token in tokens
        for child in token.children or ()
        if child.type == "link_open"
    ]
    assert tokens[0].type == "heading_open"
    assert links
    assert [one for one in links if not one.startswith(("https://", "#"))] == []


@pytest.mark.parametrize("name", ["SECURITY.md", "CONTRIBUTING.md", "LICENSE", "CHANGELOG.md"])
def test_the_source_tells_how_to_work_with_it(release: Release, name: str) -> None:
    assert (release.unpacked / name).read_bytes() == (ROOT / name).read_bytes()
