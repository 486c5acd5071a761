"""A rule that is left out would have found nothing."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from safemigrate.config import RuleSettings
from safemigrate.lint import judge, rules
from safemigrate.lint.asking import needed_kinds
from safemigrate.model import AddColumn, Catalog, CreateTable, Direction, DropTable, Finding
from safemigrate.rulekit import Context, Rule
from safemigrate.testing import case_timeline, rule_book

EVERY = RuleSettings(severities={name: rule.severity for name, rule in rules().items()})
OF_SQL = [
    (cases, case) for cases in rule_book().values() for case in cases.cases if case.alembic is None
]


@pytest.mark.parametrize("part", range(20))
def test_the_findings_are_those_of_asking_every_rule(
    monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    for cases, case in OF_SQL[part::20]:
        timeline = case_timeline(cases, case)
        settings = replace(EVERY, options=cases.options_of(case))
        found = judge(timeline, settings=settings)
        with monkeypatch.context() as patch:
            patch.setattr("safemigrate.lint.engine.needed_kinds", ask_always)
            assert judge(timeline, settings=settings) == found


def ask_always(_: Catalog, __: object) -> dict[str, None]:
    return dict.fromkeys(rules())


def test_most_rules_are_known_to_be_about_some_kinds_of_action() -> None:
    needed = needed_kinds(Catalog(), EVERY.options)
    assert needed.keys() == rules().keys()
    assert sum(kinds is not None for kinds in needed.values()) > len(needed) * 0.8


def kinds_of(monkeypatch: pytest.MonkeyPatch, rule: Rule) -> frozenset[type[object]] | None:
    monkeypatch.setattr("safemigrate.lint.asking.rules", lambda: {rule.name: rule})
    return needed_kinds(Catalog(), EVERY.options)[rule.name]


def test_the_kinds_that_a_rule_asks_for_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(context: Context) -> Iterator[Finding]:
        made = [action.table for _, action in context.events(CreateTable)]
        for event, action in context.events(AddColumn):
            if action.table not in made and context.passage.direction is Direction.UPGRADE:
                yield context.finding(event, "no")

    rule = replace(rules()["dropped-table"], check=check)
    assert kinds_of(monkeypatch, rule) == frozenset({CreateTable, AddColumn})


def test_a_rule_that_looks_at_more_is_always_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(context: Context) -> Iterator[Finding]:
        if context.passage.direction is Direction.UPGRADE:
            for event, _ in context.events(DropTable):
                yield context.finding(event, "no")

    assert kinds_of(monkeypatch, replace(rules()["dropped-table"], check=check)) is None


def test_a_rule_that_fails_on_nothing_is_always_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(context: Context) -> Iterator[Finding]:
        first, _ = next(context.events(DropTable))
        yield context.finding(first, "no")

    assert kinds_of(monkeypatch, replace(rules()["dropped-table"], check=check)) is None
