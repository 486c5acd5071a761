from collections.abc import Iterator
from pathlib import Path

import pytest

from safemigrate.catalog import catalog_of_sql
from safemigrate.config import RuleSettings
from safemigrate.facts import walk
from safemigrate.lint import judge
from safemigrate.model import (
    OLDEST_VERSION,
    Catalog,
    ChangeRows,
    Confidence,
    LintResult,
    QualifiedName,
    Severity,
    Timeline,
    Unjudged,
)
from safemigrate.recipes.fill import fill_in_batches
from safemigrate.source import read_sql_files


def timeline(folder: Path, sql: str) -> Timeline:
    path = folder / "1.sql"
    path.write_text(sql, encoding="utf-8")
    before = Catalog(is_complete=True)
    return walk(read_sql_files([path]), before=before, version=OLDEST_VERSION)


@pytest.mark.parametrize(
    ("sql", "hides"),
    [
        ("\\set ON_ERROR_STOP on\nSELECT 1;\n", False),
        ("COPY t FROM stdin;\n1\n\\.\nSELECT 1;\n", False),
        ("\\i other.sql\nSELECT 1;\n", True),
    ],
)
def test_a_gap_says_whether_statements_may_be_in_it(
    tmp_path: Path, sql: str, *, hides: bool
) -> None:
    result = judge(timeline(tmp_path, sql), settings=RuleSettings())

    assert [entry.hides_statements for entry in result.unjudged] == [hides]
    assert result.judged == result.statements


def pairs(result: LintResult, reasons: list[str]) -> Iterator[tuple[Unjudged, str]]:
    return zip(result.unjudged, reasons, strict=True)


@pytest.mark.parametrize(
    ("sql", "reasons"),
    [
        ("SELECT now(), pg_catalog.upper('x'), count(*) FROM t;", []),
        ("SELECT public.tidy();", ["calls what is not read: tidy()"]),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1'; SELECT f();", []),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT f();", []),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS 'pass'; SELECT f();",
            ["calls what is not read: f()"],
        ),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT f(1);",
            ["calls what is not read: f()"],
        ),
        ("CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1'; CALL p();", []),
        ("CALL p();", ["calls what is not read: p()"]),
        ("DO $$ BEGIN END $$;", []),
        ("DO $$ BEGIN PERFORM tidy(); END $$;", ["calls what is not read: tidy()"]),
        ("DO LANGUAGE plpython3u 'pass';", ["a DO block in plpython3u"]),
        ("DO $$ BEGIN LOAD 'x'; EXECUTE 'x' || 'y'; END $$;", ["does not parse: syntax error"]),
    ],
)
def test_what_may_do_anything_is_not_judged(
    tmp_path: Path, sql: str, *, reasons: list[str]
) -> None:
    result = judge(timeline(tmp_path, sql), settings=RuleSettings())

    assert [entry.reason[: len(reason)] for entry, reason in pairs(result, reasons)] == reasons
    assert result.statements - result.judged == len(reasons)


DYNAMIC = """\
CREATE FUNCTION fill(q text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE q;
END $$;

DO $$
DECLARE
    q text := 'SELECT 1';
BEGIN
    EXECUTE q; EXECUTE 'DROP TABLE ' || q;
    FOR r IN EXECUTE q LOOP
        PERFORM hidden();
    END LOOP;
    PERFORM fill(q);
END $$;
"""


def test_dynamic_sql_is_counted_at_its_own_line(tmp_path: Path) -> None:
    result = judge(timeline(tmp_path, DYNAMIC), settings=RuleSettings())

    assert [(entry.line, entry.reason) for entry in result.unjudged] == [
        (10, "dynamic SQL in a DO block"),
        (11, "dynamic SQL in a DO block"),
        (12, "calls what is not read: hidden()"),
        (3, 'dynamic SQL in function "fill"'),
    ]
    assert (result.judged, result.statements) == (1, 2)


BODIES = """\
CREATE TABLE recipe (id bigint PRIMARY KEY, name text, servings integer);
CREATE FUNCTION change() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- für alle Köche
    CREATE INDEX recipe_name ON recipe (name);
END $$;
"""

CALLS = """\
DO $$
BEGIN
    RAISE NOTICE 'ä';  ALTER TABLE recipe ALTER COLUMN name SET NOT NULL;
    IF EXISTS (SELECT FROM recipe) THEN
        EXECUTE 'ALTER TABLE recipe ADD COLUMN r float DEFAULT random()';
    END IF;
    CREATE INDEX CONCURRENTLY recipe_servings ON recipe (servings);
END $$;

SELECT change();

CREATE FUNCTION again() RETURNS void LANGUAGE sql AS '
    DROP INDEX recipe_name;
';
SELECT again();
"""


def test_a_finding_stands_at_the_line_and_column_in_the_body(tmp_path: Path) -> None:
    first, second = tmp_path / "1.sql", tmp_path / "2.sql"
    first.write_text(BODIES, encoding="utf-8")
    second.write_text(CALLS, encoding="utf-8")
    before = Catalog(is_complete=True)
    found = walk(read_sql_files([first, second]), before=before, version=OLDEST_VERSION)
    result = judge(found, settings=RuleSettings())

    errors = [one for one in result.findings if one.severity is Severity.ERROR]
    assert [(one.rule, one.span.line, one.span.column, one.confidence) for one in errors] == [
        ("set-not-null-scan", 3, 43, Confidence.HIGH),
        ("volatile-default-rewrite", 5, 37, Confidence.MEDIUM),
        ("concurrent-index-in-transaction", 7, 5, Confidence.HIGH),
        ("non-concurrent-index", 10, 1, Confidence.HIGH),
        ("non-concurrent-drop-index", 13, 5, Confidence.HIGH),
    ]
    assert {Path(one.path) for one in errors} == {second}
    assert result.unjudged == ()


def test_what_does_not_parse_in_a_body_is_found_at_its_line(tmp_path: Path) -> None:
    result = judge(
        timeline(tmp_path, "SELECT 'é';\nDO $$\nBEGIN\n    NULL; SELEC 1;\nEND $$;\n"),
        settings=RuleSettings(),
    )

    assert [(one.rule, one.span.line, one.span.column) for one in result.findings] == [
        ("syntax-error", 4, 11)
    ]


@pytest.mark.parametrize(
    "table",
    [
        "CREATE TABLE recipe (id bigint PRIMARY KEY, name text);",
        "CREATE TABLE recipe (id bigint, name text, PRIMARY KEY (id, name));",
        "CREATE TABLE recipe (name text);",
        "CREATE TABLE recipe (name text) PARTITION BY LIST (name);",
    ],
)
def test_the_blocks_that_we_advise_are_judged_and_good(tmp_path: Path, table: str) -> None:
    catalog = catalog_of_sql(table, "schema.sql")
    block = fill_in_batches(
        QualifiedName(None, "recipe"),
        "name",
        value="'x'",
        condition="name IS NULL",
        catalog=catalog,
    )
    path = tmp_path / "1.sql"
    path.write_text(f"{block};\n", encoding="utf-8")
    found = walk(read_sql_files([path]), before=catalog, version=OLDEST_VERSION)
    result = judge(found, settings=RuleSettings())

    assert result.unjudged == ()
    assert [one for one in result.findings if one.severity is Severity.ERROR] == []
    changed = [
        event.action.table
        for event in found.passages[0].statements[0].events
        if isinstance(event.action, ChangeRows)
    ]
    assert changed == [QualifiedName(None, "recipe")]
