"""Which rules speak, and how loud."""

import pytest

from safemigrate.config import ALL_RULES, RuleChoice
from safemigrate.lint import FAMILY_KEYS, rules, select_rules
from safemigrate.model import Severity
from safemigrate.rulekit import Family

RULE = "dropped-table"
FAMILY = "data-loss"
OPINION = next(rule for rule in rules().values() if not rule.is_default)


def is_on(*choices: RuleChoice, rule: str = RULE) -> bool:
    return rule in select_rules(choices)


def choose(select: str = "", ignore: str = "", off: str = "", **severities: Severity) -> RuleChoice:
    return RuleChoice(
        severities={name.replace("_", "-"): severity for name, severity in severities.items()},
        disabled=frozenset(off.split()),
        selected=frozenset(select.split()),
        ignored=frozenset(ignore.split()),
    )


def test_what_is_no_opinion_is_on_and_an_opinion_off() -> None:
    selected = select_rules([RuleChoice()])
    assert selected == {rule.name: rule.severity for rule in rules().values() if rule.is_default}
    assert OPINION.name not in selected


@pytest.mark.parametrize("word", [OPINION.name, FAMILY_KEYS[OPINION.family], ALL_RULES])
def test_an_opinion_is_selected_by_its_name_its_family_or_all(word: str) -> None:
    selected = select_rules([choose(select=word)])
    assert selected[OPINION.name] is OPINION.severity
    assert RULE in selected


def test_an_opinion_with_a_severity_is_on() -> None:
    choice = RuleChoice(severities={OPINION.name: Severity.ERROR})
    assert select_rules([choice])[OPINION.name] is Severity.ERROR


@pytest.mark.parametrize("word", [RULE, FAMILY, ALL_RULES])
def test_a_rule_is_ignored_by_its_name_its_family_or_all(word: str) -> None:
    assert not is_on(choose(ignore=word))


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (choose(select=ALL_RULES, ignore=FAMILY), False),
        (choose(select=FAMILY, ignore=ALL_RULES), True),
        (choose(select=RULE, ignore=FAMILY), True),
        (choose(select=FAMILY, ignore=RULE), False),
        (choose(select=RULE, ignore=RULE), False),
        (choose(ignore=RULE, dropped_table=Severity.INFO), True),
        (choose(select=RULE, off=RULE), False),
    ],
)
def test_the_word_that_means_the_fewest_rules_counts(choice: RuleChoice, *, expected: bool) -> None:
    assert is_on(choice) is expected


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ([choose(ignore=RULE), choose(select=ALL_RULES)], True),
        ([choose(off=RULE), choose(select=FAMILY)], True),
        ([choose(), choose(ignore=ALL_RULES)], False),
        ([choose(ignore=RULE), choose(select="types")], False),
    ],
)
def test_the_last_choice_that_says_something_counts(
    choices: list[RuleChoice], *, expected: bool
) -> None:
    assert is_on(*choices) is expected


def test_a_severity_stays_until_another_is_chosen() -> None:
    first = choose(dropped_table=Severity.INFO)
    assert select_rules([first, choose(select=RULE)])[RULE] is Severity.INFO
    second = choose(dropped_table=Severity.WARNING)
    assert select_rules([first, second])[RULE] is Severity.WARNING


def test_every_family_has_a_key_of_its_own_that_is_no_rule() -> None:
    keys = [FAMILY_KEYS[family] for family in Family]
    assert len(set(keys)) == len(keys)
    assert not {*keys, ALL_RULES} & set(rules())
    assert FAMILY_KEYS[Family.DATA_LOSS] == FAMILY
