"""The README shows what really happens: its blocks are made, and compared, here.

`SAFEMIGRATE_WRITE_DOCS=1 pytest tests/docs` writes them anew; read the difference before
committing it.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from textwrap import indent

import pytest

from safemigrate.config import RuleSettings, check_rule_names, load_config
from safemigrate.facts import walk
from safemigrate.lint import FAMILY_KEYS, judge, rules
from safemigrate.model import OLDEST_VERSION, Catalog, LintResult, ServerVersion
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


def list_blocks(language: str) -> list[str]:
    """Return the code blocks of the README that are in this language."""
    text = README.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


SHELL_LINES = [line for block in list_blocks("sh") for line in block.splitlines()]
# They install this project and run this suite, or the one of migrations/.
NOT_RUN_HERE = {"make demo", "make test", "make test-all", "pip install 'safemigrate[embedded]'"}
# On a project without a finding there is nothing to show, and what goes to a file is not shown.
SAYING_NOTHING = {"--diff", "-o"}
COMMANDS = [line for line in SHELL_LINES if line not in NOT_RUN_HERE]


@pytest.fixture
def safe_example(example: Path, database: str) -> Path:
    """The example after its rewrite, in a repository, with the files that commands name."""
    (example / UNSAFE).write_text(rewrite(example), encoding="utf-8")
    (example / "schema.sql").write_text("CREATE TABLE recipe (name text);\n", encoding="utf-8")
    (example / "changes").mkdir()
    change = "ALTER TABLE recipe ADD COLUMN rating numeric(3, 2);\n"
    (example / "changes" / "0001_rate_recipes.sql").write_text(change, encoding="utf-8")
    for arguments in (
        ["init", "--quiet"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "-m", "the example"],
        ["update-ref", "refs/remotes/origin/main", "HEAD"],
    ):
        subprocess.run(["git", *arguments], cwd=example, check=True)
    for arguments in (
        ["snapshot", "--url", database, "-o", "production.json"],
        ["lint", "--write-baseline", "safemigrate-baseline.json"],
    ):
        done = run(example, *arguments)
        assert done.returncode == 0, done.stderr
    return example


def test_the_readme_shows_commands_to_run() -> None:
    assert len(COMMANDS) == len(set(COMMANDS)) >= 5
    assert set(SHELL_LINES) > NOT_RUN_HERE


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_readme_does_what_it_is_shown_for(
    line: str, safe_example: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAFEMIGRATE_URL", database)
    program, *arguments = shlex.split(line)

    done = run(safe_example, *arguments)

    assert program == "safemigrate"
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout or {*arguments} & SAYING_NOTHING


def test_every_command_named_in_the_text_exists() -> None:
    commands = set(re.findall(r"`safemigrate ([^`]+)`", README.read_text(encoding="utf-8")))

    assert {"explain", "lint", "rule", "status", "upgrade", "verify"} <= commands
    for command in commands:
        assert run(ROOT, *shlex.split(command), "--help").returncode == 0, command


def test_the_configuration_is_one(tmp_path: Path) -> None:
    (block,) = list_blocks("toml")
    (tmp_path / "pyproject.toml").write_text(block, encoding="utf-8")

    config = load_config((tmp_path,))
    check_rule_names(config, rules(), FAMILY_KEYS.values())

    table = tomllib.loads(block)["tool"]["safemigrate"]
    assert config.pg_version == ServerVersion(table["pg-version"])
    assert {*config.rules.severities, *config.rules.disabled} == {*table["rules"]}


HEAD = "from alembic import op\nimport sqlalchemy as sa\n\n"


@pytest.mark.parametrize("has_comment", [True, False])
def test_the_ignore_silences_the_finding_it_names(safe_example: Path, *, has_comment: bool) -> None:
    (block,) = (block for block in list_blocks("python") if "safemigrate: ignore" in block)
    comment, statement = block.splitlines()
    for revision, body in (
        ("0003", ['op.add_column("recipe", sa.Column("legacy_name", sa.Text()))']),
        ("0004", [comment, statement] if has_comment else [statement]),
    ):
        (safe_example / "versions" / f"{revision}_.py").write_text(
            f'{HEAD}revision = "{revision}"\ndown_revision = "{int(revision) - 1:04}"\n\n\n'
            f"def upgrade():\n{indent(chr(10).join(body), '    ')}\n",
            encoding="utf-8",
        )

    result = judge_project(safe_example)

    found = [one.rule for one in result.findings if one.revision == "0004"]
    assert ("dropped-column" in found) is not has_comment
    assert result.suppressed == int(has_comment)


def test_every_make_target_in_the_readme_exists() -> None:
    targets = set(re.findall(r"`?make ([a-z]+)`?", README.read_text(encoding="utf-8")))
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert targets >= {"demo", "test"}
    assert [target for target in sorted(targets) if target not in done.stdout] == []
