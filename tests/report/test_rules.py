import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from safemigrate.config import load_config
from safemigrate.model import Finding, Severity
from safemigrate.report import encode_document, format_rule, format_rules, rules_document
from safemigrate.rulekit import Context, Family, Rule, rule


@pytest.fixture
def slow_build() -> Rule:
    @rule(family=Family.LOCKS, severity=Severity.ERROR, since="0.1.0")
    def slow_build(context: Context) -> Iterator[Finding]:
        """Building it blocks writes.

        ## What it does

        Finds it.
        """
        del context
        yield from ()

    return slow_build


@pytest.fixture
def loud_name() -> Rule:
    @rule(family=Family.TYPES, severity=Severity.WARNING, since="0.2.0")
    def loud_name(context: Context) -> Iterator[Finding]:
        """Capitals need quotes."""
        del context
        yield from ()

    return loud_name


def test_the_table_has_a_line_for_each_rule(slow_build: Rule, loud_name: Rule) -> None:
    assert format_rules([loud_name, slow_build]) == (
        """\
loud-name   warning  types  Capitals need quotes.
slow-build  error    locks  Building it blocks writes.

2 rules; "safemigrate rule NAME" shows one.
"""
    )


def test_a_page_stands_between_what_the_rule_is_and_how_to_allow_it(slow_build: Rule) -> None:
    page = format_rule(
        slow_build, slow_build.page, found=["plain", "unique"], allowed=["concurrently"]
    )
    assert page == (
        """\
slow-build   error, locks, since 0.1.0

Building it blocks writes.

## What it does

Finds it.

Cases of the rule book that are found:

- plain
- unique

Cases of the rule book that are allowed:

- concurrently

To allow it in one place, on the line of the statement or the line above:

    # safemigrate: ignore[slow-build] the reason
    -- safemigrate: ignore[slow-build] the reason
"""
    )


def test_a_rule_without_cases_says_nothing_of_them(slow_build: Rule) -> None:
    assert "Cases" not in format_rule(slow_build, slow_build.page)


def test_json_has_the_whole_page(slow_build: Rule) -> None:
    assert json.loads(encode_document(rules_document([slow_build]))) == {
        "version": 1,
        "rules": [
            {
                "name": "slow-build",
                "family": "locks",
                "severity": "error",
                "default": True,
                "since": "0.1.0",
                "summary": "Building it blocks writes.",
                "page": "Building it blocks writes.\n\n## What it does\n\nFinds it.",
            }
        ],
    }


@pytest.fixture
def opinion(loud_name: Rule) -> Rule:
    return replace(loud_name, is_default=False)


def test_the_table_says_which_rules_are_off(slow_build: Rule, opinion: Rule) -> None:
    assert format_rules([opinion, slow_build]) == (
        """\
loud-name   warning, off  types  Capitals need quotes.
slow-build  error         locks  Building it blocks writes.

2 rules, 1 of them off by default; "safemigrate rule NAME" shows one.
"""
    )


def test_the_page_of_an_opinion_says_how_to_turn_it_on(opinion: Rule, tmp_path: Path) -> None:
    page = format_rule(opinion, opinion.page)
    assert page.startswith("loud-name   warning, types, since 0.2.0, off by default\n")
    lines = page.splitlines()
    begin = lines.index("    [tool.safemigrate.rules]")
    assert lines[begin + 1] == '    loud-name = "warning"'
    text = "\n".join(line.strip() for line in lines[begin : begin + 2])
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    config = load_config((tmp_path,))
    assert config.rules.severities == {"loud-name": Severity.WARNING}


def test_json_says_which_rules_are_off(slow_build: Rule, opinion: Rule) -> None:
    document = json.loads(encode_document(rules_document([slow_build, opinion])))
    assert [one["default"] for one in document["rules"]] == [True, False]
