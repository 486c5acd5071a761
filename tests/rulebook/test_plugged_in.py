"""A rule that somebody else adds: two files in a package of theirs, and an entry point."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

RULE = '''
"""A table that nobody may touch."""

from collections.abc import Iterator

from safemigrate.model import DropTable, Finding, Severity
from safemigrate.rulekit import Context, Family, rule


@rule(family=Family.DESIGN, severity=Severity.ERROR, since="1.0")
def dropped_ledger(context: Context) -> Iterator[Finding]:
    """The ledger is what the auditors read.

    ## What it does

    Finds DROP TABLE of the ledger.
    """
    for event, action in context.events(DropTable):
        if action.table.name == "ledger":
            yield context.finding(event, "drops the ledger")
'''

CASES = """
rule: dropped-ledger
schema: CREATE TABLE ledger (id bigint); CREATE TABLE other (id bigint);
cases:
  - id: the ledger
    bad: DROP TABLE ledger;
    finds: [{line: 1, column: 1}]
  - id: another table
    good: DROP TABLE other;
"""

CHECK = """
from safemigrate.lint import rules
from safemigrate.testing import judge_case, rule_book
cases = rule_book()["dropped-ledger"]
assert rules()["dropped-ledger"].severity.value == "error"
for case in cases.cases:
    found = [one for one in judge_case(cases, case) if one.rule == cases.rule]
    assert [(one.span.line, one.span.column) for one in found] == [
        (place.line, place.column) for place in case.finds
    ], case.id
print(len(cases.cases), "cases hold")
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The folder of an installed distribution that brings one rule."""
    package = tmp_path / "site" / "ledger_rules"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "dropped_ledger.py").write_text(RULE, encoding="utf-8")
    (package / "dropped-ledger.yml").write_text(CASES, encoding="utf-8")
    facts = tmp_path / "site" / "ledger_rules-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Name: ledger-rules\nVersion: 1.0\n", encoding="utf-8")
    (facts / "entry_points.txt").write_text(
        "[safemigrate.rules]\nledger = ledger_rules\n", encoding="utf-8"
    )
    return tmp_path / "site"


@pytest.fixture
def run(site: Path, tmp_path: Path) -> Run:
    """Runs Python with that distribution installed, in an empty folder."""

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, *arguments],
            env={**os.environ, "PYTHONPATH": str(site)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_its_findings_stand_among_the_others(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("DROP TABLE ledger;\n", encoding="utf-8")
    done = run("-m", "safemigrate", "lint", "--format", "json", "a.sql")
    found = [one["rule"] for one in json.loads(done.stdout)["findings"]]
    assert sorted(found) == ["dropped-ledger", "dropped-table"]
    assert done.returncode == 1


def test_its_page_and_name_stand_in_the_rule_book(run: Run) -> None:
    assert "dropped-ledger" in run("-m", "safemigrate", "rule").stdout
    page = run("-m", "safemigrate", "rule", "dropped-ledger").stdout
    assert "The ledger is what the auditors read." in page


def test_it_can_be_turned_off_and_ignored_by_its_name(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text(
        "-- safemigrate: ignore[dropped-ledger, dropped-table] it moved to the archive\n"
        "DROP TABLE ledger;\n",
        encoding="utf-8",
    )
    done = run("-m", "safemigrate", "lint", "a.sql")
    assert done.returncode == 0, done.stdout
    (tmp_path / "safemigrate.toml").write_text(
        'rules = { dropped-ledger = "off" }\n', encoding="utf-8"
    )
    assert run("-m", "safemigrate", "lint", "a.sql").returncode == 0


def test_its_cases_are_judged_as_ours(run: Run) -> None:
    done = run("-c", CHECK)
    assert done.stdout == "2 cases hold\n", done.stderr


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("raise ImportError('no such thing')", "cannot be imported: no such thing"),
        ("dropped_ledger = None", "holds no rule"),
        (RULE.replace("dropped_ledger", "dropped_table"), "holds no rule"),
    ],
)
def test_a_package_that_is_wrong_is_named(run: Run, site: Path, module: str, said: str) -> None:
    (site / "ledger_rules" / "dropped_ledger.py").write_text(module, encoding="utf-8")
    done = run("-m", "safemigrate", "rule")
    assert done.returncode == 2
    assert said in done.stderr
    assert "ledger_rules.dropped_ledger" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_name_that_is_taken_is_refused(run: Run, site: Path) -> None:
    taken = RULE.replace("dropped_ledger", "dropped_table")
    (site / "ledger_rules" / "dropped_table.py").write_text(taken, encoding="utf-8")
    done = run("-m", "safemigrate", "rule")
    assert done.returncode == 2
    assert 'two rules are named "dropped-table"' in done.stderr
