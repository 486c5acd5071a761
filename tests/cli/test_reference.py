"""The repository's own history through the command line: judged, explained, applied, taken back."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

REPOSITORY = Path(__file__).parents[2]
VERSIONS = sorted((REPOSITORY / "migrations" / "versions").glob("[0-9]*.py"))
REVISIONS = [path.name.partition("_")[0] for path in VERSIONS]


@pytest.fixture(autouse=True)
def repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.delenv("SAFEMIGRATE_URL", raising=False)


def test_it_lints_clean(run: Run) -> None:
    result = run("lint")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    *rest, last = result.stdout.splitlines()
    about = {line.partition(":")[0] for line in rest if line}
    assert about <= {"note", "not judged"}
    assert last.startswith(f"No findings in {len(REVISIONS)} migrations")


def test_every_statement_is_explained(run: Run) -> None:
    linted = json.loads(run("lint", "--format", "json").stdout)
    result = run("explain", "--format", "json")
    assert result.exit_code == 0, result.stderr
    statements = json.loads(result.stdout)["statements"]
    summary = linted["summary"]
    assert summary["statements"] == len(statements)
    # all but blocks of PL/pgSQL
    assert {one["reason"] for one in summary["unjudged"]} <= {"not modelled yet: DO"}
    assert summary["judged"] + len(summary["unjudged"]) == summary["statements"]
    for direction in ("upgrade", "downgrade"):
        there = [one for one in statements if one["direction"] == direction]
        assert sorted({one["path"] for one in there}) == [
            str(path.relative_to(REPOSITORY)) for path in VERSIONS if path.name in NOT_EMPTY
        ]
        for path in {one["path"] for one in there}:
            ordinals = [one["ordinal"] for one in there if one["path"] == path]
            assert ordinals == list(range(1, len(ordinals) + 1))


# A merge of two branches sends nothing.
NOT_EMPTY = {path.name for path in VERSIONS if "op." in path.read_text("utf-8")}


def test_it_is_applied_shown_and_taken_back(run: Run, database: str) -> None:
    result = run("upgrade", "--url", database)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith(f"applied {len(REVISIONS)} revisions in ")
    status = run("status", "--url", database)
    assert status.exit_code == 0
    assert status.stdout.endswith("\nup to date\n")
    taken_back = run("downgrade", "base", "--url", database)
    assert taken_back.exit_code == 0, taken_back.stderr
    assert taken_back.stdout.endswith(", database is at base\n")
    runs = json.loads(run("history", "--format", "json", "--url", database).stdout)["runs"]
    assert {one["outcome"] for one in runs} == {"applied"}
    upgrades = [one["revision"] for one in runs if one["direction"] == "upgrade"]
    downgrades = [one["revision"] for one in runs if one["direction"] == "downgrade"]
    assert sorted(upgrades) == REVISIONS
    assert sorted(downgrades) == REVISIONS
    assert downgrades[0] == upgrades[-1] == REVISIONS[-1]
    shown = json.loads(run("status", "--format", "json", "--url", database).stdout)
    assert shown["current"] == []
    assert [one["revision"] for one in shown["pending"]] == upgrades
    assert run("history", "--url", database).stdout.endswith(f"{len(runs)} runs\n")
