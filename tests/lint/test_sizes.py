"""Small tables: what is soon over is only an info."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from safemigrate.catalog import catalog_of_sql
from safemigrate.config import RuleSettings
from safemigrate.facts import walk
from safemigrate.lint import judge
from safemigrate.model import NEWEST_VERSION, Finding, Severity, Tables
from safemigrate.source import read_sql_files

SCHEMA = """
CREATE TABLE small (id bigint PRIMARY KEY, name text, big bigint);
CREATE TABLE big (id bigint PRIMARY KEY, name text);
CREATE TABLE event (id bigint, at date) PARTITION BY RANGE (at);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE event_2 PARTITION OF event FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')
    PARTITION BY RANGE (id);
CREATE TABLE event_3 PARTITION OF event_2 DEFAULT;
"""
ROWS = {"small": 100, "big": 100_000, "event_1": 60, "event_3": 40}


def lint(
    folder: Path,
    sql: str,
    threshold: int | None = 100,
    rows: Mapping[str, int] = ROWS,
    rule: str = "",
) -> tuple[Finding, ...]:
    path = folder / "1.sql"
    path.write_text(sql, encoding="utf-8")
    before = catalog_of_sql(SCHEMA, "schema.sql")
    tables = {
        name: replace(table, row_count=rows.get(name.name)) for name, table in before.tables.items()
    }
    timeline = walk(
        read_sql_files([path]),
        before=replace(before, tables=Tables(tables)),
        version=NEWEST_VERSION,
    )
    found = judge(timeline, settings=RuleSettings(small_table_rows=threshold)).findings
    return tuple(one for one in found if rule in {"", one.rule})


def severity(folder: Path, sql: str, rule: str) -> Severity:
    (finding,) = lint(folder, sql, rule=rule)
    return finding.severity


INDEX = "CREATE INDEX i ON small (name);"


def test_a_build_on_a_small_table_is_an_info_that_says_why(tmp_path: Path) -> None:
    (finding,) = lint(tmp_path, INDEX, rule="non-concurrent-index")
    assert finding.severity is Severity.INFO
    assert "public.small has 100 rows" in finding.why
    assert "small-table-rows = 100" in finding.why


def test_without_a_threshold_or_above_it_nothing_is_lowered(tmp_path: Path) -> None:
    for threshold in (None, 99, 0):
        (finding,) = lint(tmp_path, INDEX, threshold, rule="non-concurrent-index")
        assert finding.severity is Severity.ERROR
        assert "small-table-rows" not in finding.why


def test_a_table_of_unknown_size_is_not_small(tmp_path: Path) -> None:
    (finding,) = lint(tmp_path, INDEX, rows={}, rule="non-concurrent-index")
    assert finding.severity is Severity.ERROR


def test_a_big_table_is_not_small(tmp_path: Path) -> None:
    sql = "CREATE INDEX i ON big (name);"
    assert severity(tmp_path, sql, "non-concurrent-index") is Severity.ERROR


def test_a_rewrite_of_a_small_table_is_lowered(tmp_path: Path) -> None:
    sql = "ALTER TABLE small ALTER COLUMN name TYPE integer USING length(name);"
    assert severity(tmp_path, sql, "column-type-rewrite") is Severity.INFO


def test_what_does_not_depend_on_the_size_is_not_lowered(tmp_path: Path) -> None:
    assert severity(tmp_path, "DROP TABLE small;", "dropped-table") is Severity.ERROR


def test_a_partitioned_table_has_the_rows_of_its_partitions(tmp_path: Path) -> None:
    sql = "CREATE INDEX i ON event (at);"
    (finding,) = lint(tmp_path, sql, 100, rule="non-concurrent-index")
    assert finding.severity is Severity.INFO
    (finding,) = lint(tmp_path, sql, 99, rule="non-concurrent-index")
    assert finding.severity is Severity.ERROR
    (finding,) = lint(tmp_path, sql, 100, {"event_1": 60}, rule="non-concurrent-index")
    assert finding.severity is Severity.ERROR


def test_a_partition_alone_is_a_table_of_its_own(tmp_path: Path) -> None:
    sql = "CREATE INDEX i ON event_1 (at);"
    (finding,) = lint(tmp_path, sql, 60, rule="non-concurrent-index")
    assert finding.severity is Severity.INFO


def test_all_that_a_statement_reads_must_be_small(tmp_path: Path) -> None:
    sql = "ALTER TABLE small ADD FOREIGN KEY (big) REFERENCES big (id);"
    (finding,) = lint(tmp_path, sql, 100_000, rule="validated-foreign-key")
    assert finding.severity is Severity.INFO
    (finding,) = lint(tmp_path, sql, 99, rule="validated-foreign-key")
    assert finding.severity is Severity.ERROR


@pytest.mark.parametrize("rows", ["INSERT INTO small SELECT 1;", "COPY small FROM '/x';"])
def test_after_rows_were_added_the_size_is_unknown(tmp_path: Path, rows: str) -> None:
    assert severity(tmp_path, rows + INDEX, "non-concurrent-index") is Severity.ERROR


def test_a_renamed_table_keeps_its_size(tmp_path: Path) -> None:
    sql = "ALTER TABLE small RENAME TO tiny; CREATE INDEX i ON tiny (name);"
    assert severity(tmp_path, sql, "non-concurrent-index") is Severity.INFO
