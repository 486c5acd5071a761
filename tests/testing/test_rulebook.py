from pathlib import Path

import pytest

from safemigrate.errors import ConfigError
from safemigrate.model import NEWEST_VERSION, OLDEST_VERSION
from safemigrate.testing import Case, body_line, judge_case, load_rule_cases, rule_book

HEAD = "rule: dropped-table\nschema: CREATE TABLE t (x int)\ncases:\n"


def write(folder: Path, cases: str) -> Path:
    path = folder / "dropped-table.yml"
    path.write_text(HEAD + cases, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("cases", "said"),
    [
        ("- {id: a, god: SELECT 1}", "unknown field `god`"),
        ("- {id: a, bad: SELECT 1, finds: [{lin: 1}]}", "unknown field `lin`"),
        ("- {id: '', good: SELECT 1}", "length >= 1"),
        ("- {id: a, good: SELECT 1", "is not a case file"),
        ("- {id: a}", 'case "a" in "dropped-table.yml" must have exactly one migration'),
        ("- {id: a, good: SELECT 1, good-alembic: pass}", "exactly one migration"),
        ("- {id: a, bad: SELECT 1}", 'must have "finds" exactly when it is bad'),
        ("- {id: a, good: SELECT 1, finds: [{line: 1}]}", 'must have "finds" exactly when'),
        ("- {id: a, good: SELECT 1, pg: 13}", "`int` >= 14"),
        ("- {id: a, bad: DROP TABLE t, finds: [{line: 1}], locks: {t: SHARED}}", "SHARED"),
    ],
)
def test_a_case_file_that_is_wrong_says_where(tmp_path: Path, cases: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_rule_cases(write(tmp_path, cases))
    assert "dropped-table.yml" in caught.value.message
    assert said in caught.value.message
    assert caught.value.hint


def test_a_file_that_is_not_utf_8_says_so(tmp_path: Path) -> None:
    path = tmp_path / "dropped-table.yml"
    path.write_bytes(b"rule: dr\xf6pped")
    with pytest.raises(ConfigError, match=r'"dropped-table\.yml" is not a case file'):
        load_rule_cases(path)


def test_a_case_may_have_a_schema_of_its_own(tmp_path: Path) -> None:
    cases = load_rule_cases(
        write(tmp_path, "- {id: a, good: SELECT 1}\n- {id: b, good: SELECT 1, schema: ''}")
    )
    assert [cases.schema_of(case) for case in cases.cases] == ["CREATE TABLE t (x int)", ""]


def test_a_line_is_counted_in_the_code_of_the_case(tmp_path: Path) -> None:
    cases = load_rule_cases(
        write(
            tmp_path, "- {id: a, good-alembic: 'x = 1\n\n  op.drop_table(\"t\")', downgrade: pass}"
        )
    )
    (case,) = cases.cases
    (finding,) = (each for each in judge_case(cases, case) if each.rule == "dropped-table")
    assert (
        body_line(case, finding) == (case.alembic or "").split("\n").index('op.drop_table("t")') + 1
    )


def test_the_book_is_sorted_and_every_case_runs_on_a_supported_version() -> None:
    book = rule_book()
    assert list(book) == sorted(book)
    majors = {case.pg for cases in book.values() for case in cases.cases}
    assert min(majors) >= OLDEST_VERSION.major
    assert max(majors) <= NEWEST_VERSION.major


def test_a_case_may_say_what_its_project_says(tmp_path: Path) -> None:
    cases = load_rule_cases(
        write(
            tmp_path,
            "- {id: a, good: SELECT 1}\n"
            "- {id: b, good: SELECT 1, options: {}}\n"
            "- {id: c, good: SELECT 1, options: {forbidden-types: [xml]}}\n"
            "options: {most-columns: 4}\n",
        )
    )
    options = [cases.options_of(case) for case in cases.cases]
    assert [each.most_columns for each in options] == [4, 100, 100]
    assert [each.forbidden_types for each in options] == [(), (), ("xml",)]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("{forbidden-type: [xml]}", 'unknown key "options.forbidden-type" in "dropped-table.yml"'),
        ("{most-columns: many}", '"options.most-columns" in "dropped-table.yml"'),
    ],
)
def test_an_option_that_there_is_not_says_so(tmp_path: Path, option: str, said: str) -> None:
    path = write(tmp_path, f"- {{id: a, good: SELECT 1, options: {option}}}")
    with pytest.raises(ConfigError) as caught:
        load_rule_cases(path)
    assert said in caught.value.message


def test_a_rule_that_is_off_by_default_is_on_in_its_own_case_file() -> None:
    book = rule_book()
    case = Case(id="case", good="CREATE TYPE kind AS ENUM ('soup');")
    assert "enum-type" in {each.rule for each in judge_case(book["enum-type"], case)}
    assert "enum-type" not in {each.rule for each in judge_case(book["json-type"], case)}
