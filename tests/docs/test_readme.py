"""The README shows what really happens: its blocks are made, and compared, here.

`SAFEMIGRATE_WRITE_DOCS=1 pytest tests/docs` writes them anew; read the difference before
committing it.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import indent

import pytest

from safemigrate.config import RuleSettings
from safemigrate.facts import walk
from safemigrate.lint import judge
from safemigrate.model import OLDEST_VERSION, Catalog, LintResult
from safemigrate.source import open_project, record

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
EXAMPLE = ROOT / "docs" / "example"
UNSAFE = "versions/0002_find_recipes_by_name.py"

BLOCK = re.compile(
    r"<!-- (?P<kind>file|output|rewrite): (?P<what>[^\n]*) -->\n```\w+\n(?P<text>.*?)```\n",
    re.DOTALL,
)


def judge_project(folder: Path) -> LintResult:
    history = record(open_project(folder / "alembic.ini"))
    timeline = walk(history, before=Catalog(), version=OLDEST_VERSION)
    return judge(timeline, settings=RuleSettings())


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(folder)
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "safemigrate", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )


def rewrite(folder: Path) -> str:
    """Return the unsafe revision with the call that was found replaced by the code given."""
    (finding,) = judge_project(folder).findings
    assert finding.remedy is not None
    text = (folder / UNSAFE).read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    line = lines[finding.span.line - 1]
    margin = line[: len(line) - len(line.lstrip())]
    lines[finding.span.line - 1 : finding.span.end_line] = [
        indent(finding.remedy.alembic, margin) + "\n"
    ]
    return "".join(lines)


def test_the_readme_shows_what_happens(example: Path) -> None:
    made = {
        "file": (example / UNSAFE).read_text(encoding="utf-8"),
        "output": run(example, "lint").stdout,
        "rewrite": rewrite(example),
    }
    text = README.read_text(encoding="utf-8")

    def fill(match: re.Match[str]) -> str:
        head = match[0][: match.start("text") - match.start()]
        return f"{head}{made[match['kind']]}```\n"

    expected = BLOCK.sub(fill, text)
    if os.environ.get("SAFEMIGRATE_WRITE_DOCS") == "1":
        README.write_text(expected, encoding="utf-8")

    assert [match["kind"] for match in BLOCK.finditer(text)] == ["file", "output", "rewrite"]
    assert README.read_text(encoding="utf-8") == expected


def test_the_unsafe_revision_is_refused_at_its_line(example: Path) -> None:
    done = run(example, "lint")

    assert done.returncode == 1
    assert f"{UNSAFE}:10:5" in done.stdout


def test_the_rewrite_is_clean_and_applies(example: Path, database: str) -> None:
    (example / UNSAFE).write_text(rewrite(example), encoding="utf-8")

    judged = run(example, "lint", "--strict")
    applied = run(example, "upgrade", "--url", database)

    assert judged.returncode == 0, judged.stdout
    assert applied.returncode == 0, applied.stderr


def test_every_command_in_the_readme_exists() -> None:
    text = README.read_text(encoding="utf-8")
    commands = set(re.findall(r"safemigrate ([a-z]+)", text)) - {"is"}
    listed = run(ROOT, "--help").stdout

    assert commands
    assert [command for command in sorted(commands) if f"\n  {command}" not in listed] == []


def test_every_make_target_in_the_readme_exists() -> None:
    targets = set(re.findall(r"`?make ([a-z]+)`?", README.read_text(encoding="utf-8")))
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert targets >= {"demo", "test"}
    assert [target for target in sorted(targets) if target not in done.stdout] == []
