"""The wheel in environments of its own: what it pulls, and that it works there."""

import json
import re
import shutil
import sys
import tomllib
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.release.conftest import ROOT, Installed, Release
from tests.release.environments import Environment, find_newest_other_python, make_environment

FLOORS = Path(__file__).parent / "floors.txt"

# What the project chose, and what these bring with them; anything else is a decision to be made.
CHOSEN = {"alembic", "click", "msgspec", "postgast", "psycopg", "pyyaml", "rich", "sqlalchemy"}
BROUGHT = {
    *("mako", "markupsafe"),  # alembic
    "protobuf",  # postgast
    "psycopg-binary",  # psycopg[binary]
    *("markdown-it-py", "mdurl", "pygments"),  # rich
    *("greenlet", "typing-extensions"),  # sqlalchemy
    "colorama",  # click, on another system
}

MACHINE_HAS_SERVER = any(Path("/usr/lib/postgresql").glob("*/bin/postgres"))


def read_requirements() -> list[Requirement]:
    """Return what pyproject.toml requires to run, and for the extra `embedded`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extra = project["optional-dependencies"]["embedded"]
    return [Requirement(one) for one in (*project["dependencies"], *extra)]


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A small project with a revision that is unsafe."""
    folder = tmp_path / "example"
    left_out = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(ROOT / "docs" / "example", folder, ignore=left_out))


def check(done: CompletedProcess[str], code: int) -> str:
    """Return what was written; the exit code has to be this one."""
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def check_work(environment: Environment, example: Path, url: str) -> None:
    """Judge the example, explain it, and run it on a database."""
    linted = check(environment.run("lint", "--format", "json", folder=example), 1)
    (finding,) = json.loads(linted)["findings"]
    assert finding["rule"] == "non-concurrent-index"
    assert (finding["path"], finding["line"]) == ("versions/0002_find_recipes_by_name.py", 10)

    explained = check(environment.run("explain", "--format", "json", folder=example), 0)
    statements = json.loads(explained)["statements"]
    assert "SHARE" in {lock["mode"] for one in statements for lock in one["locks"]}

    reason = "--allow=findings=the table is empty"
    upgraded = check(environment.run("upgrade", "--url", url, reason, folder=example), 0)
    assert "applied 2 revisions" in upgraded


def test_the_wheel_pulls_what_the_project_chose_and_no_more(installed: Installed) -> None:
    assert CHOSEN | {"safemigrate"} <= installed.distributions
    assert installed.distributions - CHOSEN - {"safemigrate"} <= BROUGHT


def test_it_judges_explains_and_runs(installed: Installed, example: Path, database: str) -> None:
    refused = installed.environment.run("upgrade", "--url", database, folder=example)
    check(refused, 1)
    check_work(installed.environment, example, database)
    status = installed.environment.run("status", "--url", database, folder=example)
    assert "up to date" in check(status, 0)


def test_its_rule_book_is_there(installed: Installed, example: Path) -> None:
    shown = check(installed.environment.run("rule", "non-concurrent-index", folder=example), 0)

    # the cases are those of the rule book, and not of the rule's module
    book = (ROOT / "rules" / "non-concurrent-index.yml").read_text("utf-8")
    cases = re.findall(r"^  - id: (.+)$", book, re.MULTILINE)
    assert cases
    assert [case for case in cases if case not in " ".join(shown.split())] == []


@pytest.mark.parametrize("extra", ["embedded", "container", "style"])
def test_what_needs_an_extra_names_it(installed: Installed, extra: str) -> None:
    refused = installed.refusals[extra]
    if extra == "embedded" and MACHINE_HAS_SERVER:
        # Debian's own server is as good as the extra's
        check(refused, 0)
        return
    check(refused, 2)
    assert refused.stdout == ""
    assert f"safemigrate[{extra}]" in refused.stderr
    assert "hint: " in refused.stderr
    assert "Traceback" not in refused.stderr


def test_it_proves_with_the_extra(extended: Environment, example: Path) -> None:
    proved = check(extended.run("verify", "--format", "json", folder=example), 0)

    revisions = json.loads(proved)["revisions"]
    assert [one["upgrade"] for one in revisions] == ["ok", "ok"]
    assert [one["restored"] for one in revisions] == [True, True]


def test_it_judges_the_style_with_the_extra(extended: Environment, tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("create TABLE recipe (id bigint PRIMARY KEY, name text);\n")

    judged = extended.run("lint", "--style", "--format", "json", "a.sql", folder=tmp_path)

    assert "style/CP01" in {one["rule"] for one in json.loads(judged.stdout)["findings"]}


def test_the_floors_are_those_of_the_project() -> None:
    lines = FLOORS.read_text("utf-8").splitlines()
    floors = [Requirement(line) for line in lines if not line.startswith("#")]
    lowest = {one.name: next(iter(one.specifier)).version for one in floors}

    for required in read_requirements():
        (bound,) = required.specifier
        assert bound.operator == ">="
        assert Version(lowest[canonicalize_name(required.name)]) == Version(bound.version)


def test_the_lowest_versions_work(
    release: Release, tmp_path: Path, example: Path, database: str
) -> None:
    environment = make_environment(Path(sys.executable), tmp_path / "floors")

    environment.install(str(release.wheel), "--constraint", str(FLOORS))

    check_work(environment, example, database)


def test_the_newest_other_python_of_this_machine_runs_it(
    release: Release, tmp_path: Path, example: Path, database: str
) -> None:
    """A machine with one Python has shown it above."""
    python = find_newest_other_python()
    assert python is None or not python.samefile(sys.executable)
    if python is not None:
        environment = make_environment(python, tmp_path / "other")
        environment.install(str(release.wheel))
        check_work(environment, example, database)


def write_python(path: Path, said: str, *, code: int = 0) -> Path:
    """Write a program that answers as a Python of that version does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {said}\nexit {code}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_the_newest_other_python_is_one_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs, versions = tmp_path / "bin", tmp_path / "pyenv" / "versions"
    own = sys.version_info.minor
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    write_python(programs / f"python3.{own}", f"3 {own}")
    write_python(versions / "3.10.9" / "bin" / "python", "3 10")
    assert find_newest_other_python() is None

    first = write_python(programs / "python3.25", "3 25")
    assert find_newest_other_python() == first

    newer = write_python(versions / "3.26.1" / "bin" / "python", "3 26")
    write_python(programs / "python3.27", "3 27", code=1)
    write_python(programs / "python3.28", "3 11")
    assert find_newest_other_python() == newer
