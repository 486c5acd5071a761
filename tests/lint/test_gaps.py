from pathlib import Path

import pytest

from safemigrate.config import RuleSettings
from safemigrate.facts import walk
from safemigrate.lint import judge
from safemigrate.model import OLDEST_VERSION, Catalog, Timeline
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


@pytest.mark.parametrize(
    ("sql", "reasons"),
    [
        ("SELECT now(), pg_catalog.upper('x'), count(*) FROM t;", []),
        ("SELECT public.tidy();", ["calls what is not read: tidy()"]),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1'; SELECT f();", []),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT f();",
            ["calls what is not read: f()"],
        ),
        ("DO $$ BEGIN END $$;", ["not modelled yet: DO"]),
    ],
)
def test_what_may_do_anything_is_not_judged(
    tmp_path: Path, sql: str, *, reasons: list[str]
) -> None:
    result = judge(timeline(tmp_path, sql), settings=RuleSettings())

    assert [entry.reason for entry in result.unjudged] == reasons
    assert result.statements - result.judged == len(reasons)
