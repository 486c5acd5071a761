"""The page of every rule, which is its docstring: complete, in order, and true."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import safemigrate.rules
from safemigrate.lint import rules
from safemigrate.rulekit import MONEY_WORDS, OTHER_WORDS, Family
from safemigrate.testing import Case, judge_case, rule_book
from safemigrate.testing.scaffold import check_rule_name

SECTIONS = [
    "What it does",
    "Why is this unsafe?",
    "Example",
    "Use instead",
    "When it is safe",
    "References",
]
LONGEST_FILE = 120
# What a page shows may be a matter of old servers, or of new ones.
MAJORS = (18, 14)

each_rule = pytest.mark.parametrize("name", sorted(rules()))


def rule_file(name: str) -> Path:
    return Path(safemigrate.rules.__path__[0]) / f"{name.replace('-', '_')}.py"


def sections(name: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", rules()[name].page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def code_in(text: str, language: str) -> str:
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL))


@each_rule
def test_a_rule_is_one_short_file_of_its_name(name: str) -> None:
    lines = rule_file(name).read_text(encoding="utf-8").splitlines()
    assert len(lines) <= LONGEST_FILE
    assert Path(inspect.getfile(rules()[name].check)) == rule_file(name)


@each_rule
def test_a_name_is_kebab_case_and_names_the_pattern_not_the_cure(name: str) -> None:
    check_rule_name(name)
    assert rules()[name].check.__name__ == name.replace("-", "_")


@each_rule
def test_a_page_begins_with_one_sentence(name: str) -> None:
    summary, blank, *_ = rules()[name].page.splitlines()
    assert summary.endswith(".")
    assert blank == ""
    assert len(summary) <= 100


@each_rule
def test_a_page_has_its_sections_in_order(name: str) -> None:
    assert list(sections(name)) == SECTIONS
    assert all(text.strip() for text in sections(name).values())


@each_rule
def test_what_a_page_shows_parses(name: str) -> None:
    for block in re.findall(r"```python\n(.*?)```", rules()[name].page, flags=re.DOTALL):
        ast.parse(block)


@each_rule
def test_the_example_of_a_page_is_found_fault_with(name: str) -> None:
    example = sections(name)["Example"]
    assert any(name in found_by_rules(name, example, major) for major in MAJORS)


@each_rule
def test_the_cure_of_a_page_is_not_found_fault_with(name: str) -> None:
    cure = sections(name)["Use instead"]
    assert not any(name in found_by_rules(name, cure, major) for major in MAJORS)


def found_by_rules(name: str, section: str, major: int) -> set[str]:
    """Return the rules that object to a section's SQL, or to its revision where it has no SQL."""
    sql = code_in(section, "sql")
    if sql:
        case = Case(id="page", good=sql, pg=major)
    else:
        code = code_in(section, "python")
        bodies = {
            node.name: "\n".join(map(ast.unparse, node.body))
            for node in ast.parse(code).body
            if isinstance(node, ast.FunctionDef)
        }
        case = Case(
            id="page", good_alembic=bodies["upgrade"], downgrade=bodies.get("downgrade"), pg=major
        )
    return {finding.rule for finding in judge_case(rule_book()[name], case)}


@each_rule
def test_a_page_shows_how_to_do_it_in_alembic(name: str) -> None:
    if rules()[name].family is not Family.SYNTAX:
        assert code_in(sections(name)["Use instead"], "python")


def test_the_page_of_float_for_money_lists_the_words_it_knows() -> None:
    text = sections("float-for-money")["What it does"]
    money, others = text.split("Not with one of these")
    assert set(re.findall(r"[a-z]+", money.split("camelCase:")[1])) == MONEY_WORDS
    assert set(re.findall(r"[a-z]+", others.split("something else:")[1])) == OTHER_WORDS
