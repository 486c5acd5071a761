"""`safemigrate lint --style`."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from safemigrate.cli.group import group
from safemigrate.report import LINT_FORMATS
from safemigrate.style.fluff import default_style

ROOT = Path(__file__).parents[2]
BAD = "SELECT  1;\n"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(group, ("lint", *arguments), prog_name="safemigrate")


@pytest.fixture
def file(here: Path) -> Path:
    """A file of SQL whose style is not that of the project, which has the default one."""
    path = here / "a.sql"
    path.write_text(BAD, encoding="utf-8")
    return path


def test_migrations_of_ours_follow_the_style() -> None:
    command = (sys.executable, "-m", "safemigrate", "lint", "--style", "--format", "json")
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)

    report = json.loads(ran.stdout)
    assert report["findings"] == []
    assert report["summary"]["unjudged"] == []
    assert report["summary"]["statements"] > 400


def test_the_default_style_ships_beside_the_rule_book() -> None:
    assert default_style().name == "style.cfg"
    assert default_style() == ROOT / "rules/style.cfg"


@pytest.mark.parametrize("format_", LINT_FORMATS)
def test_style_is_in_every_format(file: Path, format_: str) -> None:
    result = run("--style", "--no-cache", "--format", format_, file.name)

    assert result.exit_code == 0
    assert "style/LT01" in result.stdout
    assert "Found 2 blanks" in result.stdout
    assert "safemigrate rule style" not in result.stdout
    assert "style/LT01" not in run("--no-cache", "--format", format_, file.name).stdout


def test_text_says_where_to_read_more(file: Path) -> None:
    lines = run("--style", "--no-cache", file.name).stdout.splitlines()

    assert lines == [
        "info[style/LT01]: Expected only single space before numeric literal. Found 2 blanks.",
        " --> a.sql:1:7   statement 1 of 1",
        "  |",
        "1 | SELECT  1;",
        "  |       ^^",
        "  = more: https://docs.sqlfluff.com/en/stable/reference/rules.html",
        "",
        "Found 1 info in 1 migration. Judged 1 of 1 statement.",
    ]


def test_the_configuration_makes_style_fail_a_run(here: Path, file: Path) -> None:
    toml = here / "safemigrate.toml"
    toml.write_text('rules.style = "warning"\n', encoding="utf-8")
    assert run("--style", "--no-cache", file.name).exit_code == 0
    assert run("--style", "--no-cache", "--strict", file.name).exit_code == 1

    toml.write_text('rules.style = "error"\n', encoding="utf-8")
    assert run("--style", "--no-cache", file.name).exit_code == 1
    assert run("--no-cache", file.name).exit_code == 0


def test_a_baseline_holds_style_too(file: Path) -> None:
    assert run("--style", "--write-baseline", "known.json", file.name).exit_code == 0

    known = run("--style", "--no-cache", "--baseline", "known.json", file.name)
    assert known.stdout == (
        "No findings in 1 migration (1 in the baseline). Judged 1 of 1 statement.\n"
    )
    file.write_text(f"{BAD}\n\n{BAD.replace('1', '2')}", encoding="utf-8")
    more = run("--style", "--no-cache", "--baseline", "known.json", file.name)
    assert "a.sql:4:7" in more.stdout
    assert "a.sql:1:7" not in more.stdout


def test_only_what_is_judged_is_styled(file: Path) -> None:
    def git(*arguments: str) -> None:
        settings = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(("git", *settings, *arguments), check=True, capture_output=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    file.with_name("b.sql").write_text(BAD, encoding="utf-8")
    git("add", ".")

    staged = run("--style", "--staged", "a.sql", "b.sql").stdout
    since = run("--style", "--changed-since", "HEAD", "a.sql", "b.sql").stdout
    for report in (staged, since):
        assert "b.sql:1:7" in report
        assert "a.sql" not in report


def test_an_ignore_of_style_is_no_mistake_where_nobody_looks(file: Path) -> None:
    file.write_text(f"-- safemigrate: ignore[style/LT01] so it is\n{BAD}", encoding="utf-8")

    assert run("--no-cache", file.name).stdout.startswith("No findings")
    assert run("--no-cache", "--style", file.name).stdout.startswith("No findings")


def test_a_reason_for_ignoring_style_is_asked_for(file: Path) -> None:
    file.write_text(f"-- safemigrate: ignore[style/LT01]\n{BAD}", encoding="utf-8")

    report = run("--no-cache", "--style", file.name).stdout
    assert "ignore-without-reason" in report
    assert "info[style/LT01]" in report


def test_fix_leaves_style_and_says_so(file: Path) -> None:
    result = run("--style", "--fix", file.name)

    assert "note: --fix leaves the style as it is" in result.stderr
    assert "style/LT01" in result.stdout
    assert file.read_text(encoding="utf-8") == BAD


def test_a_run_is_remembered_until_the_style_changes(here: Path, file: Path) -> None:
    command = (sys.executable, "-m", "safemigrate", "lint", "--style", file.name)

    def lint() -> str:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert "style/LT01" in lint()
    (here / ".sqlfluff").write_text("[sqlfluff]\nrules = CP01\n", encoding="utf-8")
    assert "style/LT01" not in lint()


def test_without_sqlfluff_the_hint_says_what_to_install(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "safemigrate.style.finding.find_spec",
        lambda name: None if name == "sqlfluff" else find(name),
    )

    result = run("--style", file.name)

    assert result.exit_code == 2
    assert "error: --style needs sqlfluff, which is not installed" in result.stderr
    assert 'pip install "safemigrate[style]"' in result.stderr


def test_without_the_option_sqlfluff_is_not_imported(file: Path) -> None:
    code = (
        "import sys\nfrom safemigrate.cli.group import group\n"
        f"group(['lint', '--no-cache', {file.name!r}], standalone_mode=False)\n"
    )
    probe = f"import atexit, sys\natexit.register(lambda: print('sqlfluff' in sys.modules))\n{code}"
    ran = subprocess.run((sys.executable, "-c", probe), capture_output=True, text=True, check=False)

    assert ran.stdout.splitlines()[-1] == "False"
