"""What an error says to do can be pasted, as SQL and as Alembic code."""

import pytest

from safemigrate.lint import rules
from safemigrate.model import Finding, Severity
from safemigrate.testing import Case, RuleCases, judge_case, rule_book

# The rules that can only say in words what to do, and why.
WORDS_ONLY = {
    "exclusion-constraint-build": "there is no form of it that spares the table",
    "ignore-of-unknown-rule": "it is about a comment",
    "ignore-without-reason": "it is about a comment, and only its author knows the reason",
    "refused-statement": "what to change first is not in the statement",
    "syntax-error": "nobody knows what was meant",
    "unknown-cascade": "what goes with it only the database can tell",
}

# The cases that say too little, by rule.
TOO_LITTLE = {
    # Its indexes go with it, and it has to be filled again.
    "column-type-under-view": {"a materialized view"},
    "generated-expression-rewrite": {"of a table that the history does not show"},
    "not-valid-foreign-key-on-partitioned-table": {
        "among other subcommands, with quoted names and no partition",
        "table created in the same migration",
    },
    "partition-scan": {
        "as the default partition",
        "by a hash",
        "of tables that the history does not show",
    },
    # Nothing is left of the statement without the password.
    "plain-text-password": {"of one that is there"},
    "primary-key-build": {"of an index that the history does not show"},
    "renamed-column": {"of a table that the history does not show"},
    "unfinished-transaction": {"nothing but BEGIN"},
    "unique-constraint-build": {"partitioned, with partitions that the history does not show"},
    "validated-foreign-key": {
        "a partitioned table, with partitions that the history does not show",
    },
}

BAD = [
    pytest.param(cases, case, id=f"{cases.rule}: {case.id}")
    for cases in rule_book().values()
    for case in cases.cases
    if case.is_bad
]


def wordy_errors(cases: RuleCases, case: Case) -> list[Finding]:
    """Return the errors found in a case that lack a remedy as SQL, or as Alembic code."""
    errors = [one for one in judge_case(cases, case) if one.severity is Severity.ERROR]
    return [
        one for one in errors if one.remedy is None or not (one.remedy.sql and one.remedy.alembic)
    ]


@pytest.mark.parametrize(("cases", "case"), BAD)
def test_an_error_has_a_remedy_as_sql_and_as_alembic(cases: RuleCases, case: Case) -> None:
    wordy = {one.rule for one in wordy_errors(cases, case)}
    if case.id in TOO_LITTLE.get(cases.rule, ()):
        assert wordy - WORDS_ONLY.keys() != set()
    else:
        assert wordy - WORDS_ONLY.keys() == set()


@pytest.mark.parametrize("name", sorted(WORDS_ONLY))
def test_a_rule_without_code_has_none(name: str) -> None:
    cases = rule_book()[name]
    assert rules()[name].severity is Severity.ERROR
    assert any(
        one.rule == name for case in cases.cases if case.is_bad for one in wordy_errors(cases, case)
    )


@pytest.mark.parametrize("name", sorted(TOO_LITTLE))
def test_a_case_that_says_too_little_is_there(name: str) -> None:
    assert {case.id for case in rule_book()[name].cases if case.is_bad} >= TOO_LITTLE[name]
