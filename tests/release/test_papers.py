"""The papers beside the code: the change log and its fragments, CONTRIBUTING.md, SECURITY.md."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from safemigrate.cli.group import group
from safemigrate.model import OLDEST_VERSION

ROOT = Path(__file__).parents[2]
FRAGMENTS = sorted(set((ROOT / "changelog.d").glob("*.md")) - {ROOT / "changelog.d" / "README.md"})
KINDS = {"added", "changed", "fixed", "removed"}
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
SECURITY = (ROOT / "SECURITY.md").read_text("utf-8")
LINES = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```$", CONTRIBUTING, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
]


def build(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "towncrier", "build", "--version", "9.9.9", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "changelog.d", tmp_path / "changelog.d")
    for name in ("CHANGELOG.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    return tmp_path


def test_a_fragment_has_a_kind_and_says_something() -> None:
    for path in FRAGMENTS:
        name, kind, _ = path.name.split(".")
        assert re.fullmatch(r"[a-z][a-z0-9-]*", name), path
        assert kind in KINDS, path
        assert path.read_text("utf-8").strip(), path
    told = (ROOT / "changelog.d" / "README.md").read_text("utf-8")
    assert all(f"`{kind}`" in told for kind in KINDS)


def test_every_fragment_is_in_the_draft(copy: Path) -> None:
    draft = " ".join(build(copy, "--draft").split())

    assert FRAGMENTS
    missing = [
        path.name for path in FRAGMENTS if " ".join(path.read_text("utf-8").split()) not in draft
    ]
    assert missing == []


def test_a_release_moves_the_fragments_to_the_top_of_the_change_log(copy: Path) -> None:
    build(copy, "--date", "2030-01-02", "--yes")

    text = (copy / "CHANGELOG.md").read_text("utf-8")
    assert text.startswith("# Change log\n")
    headings = re.findall(r"^##+ .*$", text, re.MULTILINE)
    assert headings[:2] == ["## 9.9.9 (2030-01-02)", "### Added"]
    left = {path.name for path in (copy / "changelog.d").iterdir()}
    assert left == {"README.md", "template.md.jinja"}
    assert (copy / "changelog.d" / "README.md").read_text("utf-8") == (
        ROOT / "changelog.d" / "README.md"
    ).read_text("utf-8")


def test_the_kinds_are_those_of_the_configuration() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["towncrier"]

    assert {one["directory"] for one in settings["type"]} == KINDS


def test_a_release_without_a_version_is_refused() -> None:
    before = (ROOT / "CHANGELOG.md").read_bytes()
    done = subprocess.run(
        ["make", "--old-file", ".venv/.ready", "changelog", "VERSION="],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "VERSION=" in done.stdout
    assert (ROOT / "CHANGELOG.md").read_bytes() == before


def target_exists(name: str) -> bool:
    return re.search(rf"^{name}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE) is not None


@pytest.mark.parametrize("line", LINES)
def test_a_command_of_contributing_is_there(line: str) -> None:
    words = shlex.split(line)
    match words:
        case ["git", "clone", url]:
            project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
            assert url == project["urls"]["Source"]
        case ["cd", folder]:
            assert folder == "safemigrate"
        case ["make", *targets]:
            named = [one for one in targets if "=" not in one]
            assert named
            assert all(target_exists(one) for one in named)
        case [".venv/bin/pytest", folder, *options]:
            assert (ROOT / folder).is_dir()
            assert options in ([], ["-k", "the-pattern-it-finds"])
        case [".venv/bin/towncrier", "build", *options]:
            assert options == ["--draft", "--version", "next"]
            build(ROOT, "--draft")
        case ["echo", _, ">", fragment]:
            name, kind, _ = Path(fragment).name.split(".")
            assert kind in KINDS
            assert Path(fragment).parent.name == "changelog.d"
            assert name
        case [script]:
            assert (ROOT / script).is_file()
        case _:
            pytest.fail(f"nothing knows how to check {line!r}")


def test_security_tells_of_every_command() -> None:
    rows = re.findall(r"^\| (`.*?) \|", SECURITY, re.MULTILINE)
    named = {word for row in rows for word in re.findall(r"`([a-z-]+)", row)} - {"pytest"}

    assert set(group.list_commands(group.make_context("safemigrate", ["lint"]))) <= named


def test_links_of_the_papers_lead_to_files() -> None:
    for text in (SECURITY, CONTRIBUTING, (ROOT / "CHANGELOG.md").read_text("utf-8")):
        for target in re.findall(r"\]\(((?!https:)[^)#]+)", text):
            assert (ROOT / target).exists(), target


def test_the_majors_of_contributing_are_those_that_are_proved() -> None:
    majors = re.search(r"^MAJORS := (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert majors is not None
    *first, last = majors[1].split()

    assert f"PostgreSQL {', '.join(first)} and {last}" in CONTRIBUTING
    assert first[0] == str(OLDEST_VERSION.major)
