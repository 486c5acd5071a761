"""What the engine asks, in which order it answers, and what it counts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from safemigrate.config import PathChoice, RuleChoice, RuleOptions, RuleSettings
from safemigrate.facts import walk
from safemigrate.lint import judge, rules
from safemigrate.model import (
    NEWEST_VERSION,
    Catalog,
    Direction,
    Finding,
    LintResult,
    Severity,
    Timeline,
    Unjudged,
)
from safemigrate.rulekit import Context
from safemigrate.source import read_sql_files

Lint = Callable[..., LintResult]


def timeline_of(folder: Path, **files: str) -> Timeline:
    for name, text in files.items():
        (folder / f"{name}.sql").write_text(text, encoding="utf-8")
    return walk(read_sql_files([folder]), before=Catalog(), version=NEWEST_VERSION)


def test_a_severity_is_what_the_project_set(lint_sql: Lint) -> None:
    settings = RuleSettings(severities={"dropped-table": Severity.INFO})
    (finding,) = lint_sql("DROP TABLE recipe;", settings).findings
    assert finding.severity is Severity.INFO


def test_a_severity_of_a_comments_finding_is_what_the_project_set(lint_sql: Lint) -> None:
    settings = RuleSettings(severities={"unused-ignore": Severity.ERROR})
    (finding,) = lint_sql("-- safemigrate: ignore[dropped-table] x\nSELECT 1;", settings).findings
    assert (finding.rule, finding.severity) == ("unused-ignore", Severity.ERROR)


def test_a_rule_that_is_off_says_nothing(lint_sql: Lint) -> None:
    settings = RuleSettings(disabled=frozenset({"dropped-table"}))
    assert lint_sql("DROP TABLE recipe;", settings).findings == ()


def test_an_ignore_of_a_rule_that_is_off_is_not_unused(lint_sql: Lint) -> None:
    settings = RuleSettings(disabled=frozenset({"dropped-table"}))
    text = "-- safemigrate: ignore[dropped-table] unused\nDROP TABLE recipe;"
    assert lint_sql(text, settings).findings == ()


def test_an_ignore_of_a_rule_that_is_ignored_for_the_path_is_not_unused(lint_sql: Lint) -> None:
    text = "-- safemigrate: ignore[dropped-table] unused\nSELECT 1;"
    ignored = RuleChoice(ignored=frozenset({"data-loss"}))
    for glob, expected in (("**/file.sql", []), ("other/*", ["unused-ignore"])):
        settings = RuleSettings(per_path=(PathChoice(glob, ignored),))
        assert [one.rule for one in lint_sql(text, settings).findings] == expected


def test_an_ignore_of_an_opinion_is_unused_only_where_that_is_on(lint_sql: Lint) -> None:
    opinion = next(rule for rule in rules().values() if not rule.is_default).name
    text = f"-- safemigrate: ignore[{opinion}] unused\nSELECT 1;"
    assert lint_sql(text).findings == ()
    settings = RuleSettings(selected=frozenset({opinion}))
    assert [one.rule for one in lint_sql(text, settings).findings] == ["unused-ignore"]


def test_a_path_has_settings_of_its_own_and_the_last_match_wins(tmp_path: Path) -> None:
    timeline = timeline_of(tmp_path, first="DROP TABLE a;", second="DROP TABLE b;")
    settings = RuleSettings(
        severities={"dropped-table": Severity.ERROR},
        per_path=(
            PathChoice("*.sql", RuleChoice({"dropped-table": Severity.WARNING})),
            PathChoice("second.*", RuleChoice({"dropped-table": Severity.INFO})),
        ),
        folder=str(tmp_path),
    )
    result = judge(timeline, settings=settings)
    severities = {Path(one.path).name: one.severity for one in result.findings}
    assert severities == {"first.sql": Severity.WARNING, "second.sql": Severity.INFO}


def test_a_naming_convention_of_the_project_is_an_option_unless_it_has_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Mapping[str, str]] = []

    def look(context: Context) -> Iterator[Finding]:
        seen.extend(context.options.naming for _ in context.passage.statements)
        return iter(())

    rule = replace(rules()["dropped-table"], check=look)
    monkeypatch.setattr("safemigrate.lint.asking.rules", lambda: {**rules(), rule.name: rule})
    timeline = timeline_of(tmp_path, first="SELECT 1;")
    convention = {"ix": "ix_%(table_name)s", "uq": "uq_%(table_name)s"}
    timeline = replace(timeline, naming_convention=convention)
    own = RuleOptions(naming={"ix": "idx_.*", "table": "[a-z]+"})
    judge(timeline, settings=RuleSettings(options=own))
    assert seen == [{"ix": "idx_.*", "uq": "uq_%(table_name)s", "table": "[a-z]+"}]


def test_a_rule_about_comments_can_be_off(lint_sql: Lint) -> None:
    settings = RuleSettings(disabled=frozenset({"unused-ignore"}))
    assert lint_sql("-- safemigrate: ignore[dropped-table] x\nSELECT 1;", settings).findings == ()


def test_findings_are_in_the_order_of_file_and_place(tmp_path: Path) -> None:
    timeline = timeline_of(
        tmp_path,
        b="DROP TABLE a;",
        a="DROP TABLE b;\nALTER TABLE c DROP x,\n  DROP y;\nDROP TABLE d;",
    )
    found = judge(timeline, settings=RuleSettings()).findings
    places = [(Path(each.path).name, each.span.line, each.span.column) for each in found]
    assert places == [
        ("a.sql", 1, 1),
        ("a.sql", 2, 15),
        ("a.sql", 3, 3),
        ("a.sql", 4, 1),
        ("b.sql", 1, 1),
    ]


def test_only_the_files_asked_for_are_judged_and_counted(tmp_path: Path) -> None:
    timeline = timeline_of(
        tmp_path, first="CREATE TABLE a (x int);", second="DROP TABLE a;\nSELECT 1;"
    )
    paths = {passage.migration.path for passage in timeline.passages}
    (second,) = (path for path in paths if path.endswith("second.sql"))
    result = judge(timeline, settings=RuleSettings(), paths=frozenset({second}))
    assert [finding.rule for finding in result.findings] == ["dropped-table"]
    assert (result.statements, result.judged, result.migrations) == (2, 2, 1)


def test_no_file_asked_for_is_nothing_judged(tmp_path: Path) -> None:
    timeline = timeline_of(tmp_path, first="DROP TABLE a;")
    result = judge(timeline, settings=RuleSettings(), paths=frozenset())
    assert (result.findings, result.statements, result.migrations) == ((), 0, 0)


def test_what_cannot_be_judged_is_counted_with_file_line_and_reason(lint_sql: Lint) -> None:
    result = lint_sql(
        "SELECT 1;\n\nDO LANGUAGE plpython3u 'pass';\nALTER TABLE recipe\n  DROPP COLUMN name;\n"
    )
    assert (result.statements, result.judged) == (3, 1)
    opaque, broken = result.unjudged
    assert (opaque.line, broken.line) == (3, 5)
    assert "plpython3u" in opaque.reason
    assert broken.reason.startswith("does not parse: ")


def test_what_could_not_be_recorded_is_among_the_unjudged(tmp_path: Path) -> None:
    timeline = timeline_of(tmp_path, first="SELECT 1;")
    (passage,) = timeline.passages
    gap = Unjudged(passage.migration.path, 7, None, "it asks the database")
    migration = replace(passage.migration, unjudged=(gap,))
    timeline = Timeline((replace(passage, migration=migration),))
    assert judge(timeline, settings=RuleSettings()).unjudged == (gap,)


def test_a_revision_counts_once_with_the_statements_of_both_directions(lint_python: Lint) -> None:
    result = lint_python(
        'op.add_column("recipe", sa.Column("title", sa.Text()))',
        'op.execute("SELECT 1")\nop.drop_column("recipe", "title")',
    )
    assert (result.migrations, result.statements, result.judged) == (1, 3, 3)


def test_an_additive_rule_looks_at_upgrades_only(lint_python: Lint) -> None:
    result = lint_python('op.drop_column("recipe", "name")', 'op.drop_column("recipe", "email")')
    directions = [each.direction for each in result.findings if each.rule == "dropped-column"]
    assert directions == [Direction.UPGRADE]


def test_notices_come_through(tmp_path: Path) -> None:
    timeline = replace(timeline_of(tmp_path, first="SELECT 1;"), notices=("read in haste",))
    assert judge(timeline, settings=RuleSettings()).notices == ("read in haste",)


def test_severities_are_counted(lint_sql: Lint) -> None:
    result = lint_sql("DROP TABLE recipe;\nALTER TABLE cook ADD COLUMN at timestamp;")
    counts = [result.count(severity) for severity in Severity]
    assert counts == [1, 1, 0]
