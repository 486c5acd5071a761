"""Migrations of other tools on their way through walk, rules, ignores and fixes."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from safemigrate.config import RuleSettings
from safemigrate.facts import walk
from safemigrate.lint import judge, plan_fixes
from safemigrate.model import (
    OLDEST_VERSION,
    Catalog,
    Certainty,
    Direction,
    LintResult,
    QualifiedName,
    Timeline,
)
from safemigrate.source import read_sql_files


def walk_through(folder: Path, files: Mapping[str, str]) -> Timeline:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return walk(read_sql_files([folder]), before=Catalog(), version=OLDEST_VERSION)


def found(result: LintResult) -> set[tuple[str, int, str, str]]:
    return {
        (Path(one.path).name, one.span.line, one.rule, one.direction.value)
        for one in result.findings
    }


PAIR = {
    "1_a.up.sql": "CREATE TABLE t (id bigint PRIMARY KEY, a int);",
    "1_a.down.sql": "DROP TABLE t;",
    "2_b.up.sql": "SET lock_timeout = '2s'; ALTER TABLE t ADD COLUMN b int, ADD COLUMN c int;",
    "2_b.down.sql": "SET lock_timeout = '2s';\nALTER TABLE t DROP COLUMN b;",
}


def test_way_down_in_its_own_file_starts_where_the_way_up_ends(tmp_path: Path) -> None:
    timeline = walk_through(tmp_path, PAIR)

    assert [(Path(one.migration.path).name, one.direction) for one in timeline.passages] == [
        ("1_a.up.sql", Direction.UPGRADE),
        ("1_a.down.sql", Direction.DOWNGRADE),
        ("2_b.up.sql", Direction.UPGRADE),
        ("2_b.down.sql", Direction.DOWNGRADE),
    ]
    table = timeline.end.table(QualifiedName(None, "t"))
    assert table is not None
    assert list(table.columns) == ["id", "a", "b", "c"]
    up, down = timeline.passages[2:]
    assert down.origin == up.before


def test_way_down_that_leaves_something_is_found_in_its_own_file(tmp_path: Path) -> None:
    result = judge(walk_through(tmp_path, PAIR), settings=RuleSettings())

    assert ("2_b.down.sql", 1, "unreversed-step", "downgrade") in found(result)
    assert result.migrations == 2


def test_empty_way_down_is_walked_with_what_it_does_not_tell(tmp_path: Path) -> None:
    timeline = walk_through(tmp_path, {**PAIR, "2_b.down.sql": "\\i other.sql\n"})
    result = judge(timeline, settings=RuleSettings())

    assert [Path(one.path).name for one in result.unjudged] == ["2_b.down.sql"]
    assert timeline.end.is_complete == timeline.passages[0].before.is_complete


def test_ignore_in_the_file_of_the_way_down_silences_there(tmp_path: Path) -> None:
    silenced = "-- safemigrate: ignore[non-concurrent-drop-index] nobody reads it\nDROP INDEX i;"
    files = {
        "1_a.up.sql": "CREATE TABLE t (id bigint PRIMARY KEY);",
        "2_b.up.sql": "CREATE INDEX CONCURRENTLY i ON t (id);",
    }

    loud = judge(
        walk_through(tmp_path / "loud", {**files, "2_b.down.sql": "DROP INDEX i;"}),
        settings=RuleSettings(),
    )
    quiet = judge(
        walk_through(tmp_path / "quiet", {**files, "2_b.down.sql": silenced}),
        settings=RuleSettings(),
    )

    row = ("2_b.down.sql", 1, "non-concurrent-drop-index", "downgrade")
    assert row in found(loud)
    assert not any(rule == row[2] for _, _, rule, _ in found(quiet))
    assert quiet.suppressed == 1


def test_unused_ignore_in_the_file_of_the_way_down_can_be_fixed(tmp_path: Path) -> None:
    text = "-- safemigrate: ignore[dropped-column] no\nDROP TABLE t;\n"
    timeline = walk_through(tmp_path, {**PAIR, "1_a.down.sql": text})
    result = judge(timeline, settings=RuleSettings())

    assert ("1_a.down.sql", 1, "unused-ignore", "downgrade") in found(result)
    (file,) = plan_fixes(result, timeline).files
    assert file.text == "DROP TABLE t;\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("1_a.sql", "-- +goose Up\nALTER TABLE t ADD COLUMN a int;\nSELECT 1;\n"),
        ("1_a.up.sql", "ALTER TABLE t ADD COLUMN a int;\nSELECT 1;\n"),
    ],
)
def test_transaction_of_the_tool_is_not_taken_for_unfinished(
    tmp_path: Path, name: str, text: str
) -> None:
    result = judge(walk_through(tmp_path, {name: text}), settings=RuleSettings())

    assert not any(rule == "unfinished-transaction" for _, _, rule, _ in found(result))


def test_transaction_left_open_outside_of_the_tools_is_found(tmp_path: Path) -> None:
    text = "-- +goose NO TRANSACTION\n-- +goose Up\nBEGIN;\nALTER TABLE t ADD COLUMN a int;\n"
    result = judge(walk_through(tmp_path, {"1_a.sql": text}), settings=RuleSettings())

    assert ("1_a.sql", 3, "unfinished-transaction", "upgrade") in found(result)


TABLE = "CREATE TABLE t (id bigint PRIMARY KEY, a int);"


@pytest.mark.parametrize(
    ("files", "reasons"),
    [
        ({"1_t.up.sql": TABLE, "2_i.up.sql": "CREATE INDEX i ON t (a);"}, []),
        (
            {"1_t.up.sql": TABLE, "2_i.up.sql": "CREATE INDEX i ON t (a); SELECT 1;"},
            ["golang-migrate runs it in a transaction"],
        ),
        (
            {"1_t.up.sql": TABLE, "2_i.up.sql": "ALTER TABLE t ADD CONSTRAINT k UNIQUE (a);"},
            ["golang-migrate would run what is added in one transaction with it"],
        ),
        (
            {
                "1_t.sql": f"-- +goose Up\n{TABLE}",
                "2_i.sql": "-- +goose Up\nCREATE INDEX i ON t (a);",
            },
            ["goose runs it in a transaction"],
        ),
    ],
)
def test_fix_is_made_only_where_the_tool_can_run_it(
    tmp_path: Path, files: Mapping[str, str], reasons: list[str]
) -> None:
    timeline = walk_through(tmp_path, files)
    plan = plan_fixes(judge(timeline, settings=RuleSettings()), timeline)

    assert [one.reason for one in plan.unfixed] == reasons
    assert bool(plan.files) is not bool(reasons)


def test_placeholder_lowers_the_certainty(tmp_path: Path) -> None:
    timeline = walk_through(
        tmp_path, {"V1__a.sql": "CREATE TABLE ${s}.t (a int);", "V2__b.sql": "DROP TABLE ${s}.t;"}
    )

    _, drop = timeline.passages
    assert drop.statements[0].facts.certainty is Certainty.ASSUMED
    result = judge(timeline, settings=RuleSettings())
    assert [(one.line, one.reason) for one in result.assumptions] == [
        (1, "${s} is taken for a name or a value"),
        (1, "${s} is taken for a name or a value"),
    ]


CONTROLLED = "BEGIN;\nALTER TABLE t ADD COLUMN b int;\nCOMMIT;\nSELECT 1;\n"
NESTED = "nested-transaction"


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("1_a.sql", f"-- +goose Up\n{CONTROLLED}", [2, 4]),
        ("1_a.sql", f"-- +goose NO TRANSACTION\n-- +goose Up\n{CONTROLLED}", []),
        ("1_a.sql", "-- +goose Up\nSAVEPOINT a;\nROLLBACK TO a;\nROLLBACK;\n", [4]),
        ("1_a.sql", f"-- migrate:up\nSELECT 1;\n-- migrate:down\n{CONTROLLED}", [4, 6]),
        ("1_a.sql", f"-- migrate:up transaction:false\n{CONTROLLED}", []),
        ("V1__a.sql", CONTROLLED, [1, 3]),
        ("V1__a.sql", "COMMIT;\nBEGIN;\nSELECT 1;\nCOMMIT;\n", [1]),
        # sent as one string, in which BEGIN begins a transaction
        ("1_a.up.sql", CONTROLLED, []),
    ],
)
def test_transaction_control_is_found_in_the_transaction_of_a_tool(
    tmp_path: Path, name: str, text: str, lines: list[int]
) -> None:
    result = judge(walk_through(tmp_path, {name: text}), settings=RuleSettings())

    assert [one.span.line for one in result.findings if one.rule == NESTED] == lines


def test_the_tool_whose_transaction_it_is_is_named(tmp_path: Path) -> None:
    timeline = walk_through(tmp_path, {"1_a.sql": f"-- +goose Up\n{CONTROLLED}"})
    result = judge(timeline, settings=RuleSettings())

    assert [one.message for one in result.findings if one.rule == NESTED] == [
        "BEGIN inside the transaction that goose opens begins nothing",
        "COMMIT inside the transaction that goose opens ends it too early",
    ]
