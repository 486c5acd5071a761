"""Every case of the rule book, judged: each rule objects where its file says, and nowhere else."""

from collections import Counter
from collections.abc import Iterator

import pytest

from safemigrate.errors import SqlSyntaxError
from safemigrate.lint import rules
from safemigrate.model import Finding
from safemigrate.rulekit import Family
from safemigrate.sql import read_actions, split_statements
from safemigrate.testing import (
    Case,
    RuleCases,
    body_line,
    case_history,
    case_timeline,
    find_unreported,
    judge_case,
    rule_book,
)

# A table made in the same migration means nothing to rules that look at no table.
TABLELESS = {Family.SUPPRESSIONS, Family.SYNTAX}

# What the rules of these families say about locks, rewrites and scans, a server shows.
CLAIMED = {Family.LOCKS, Family.REWRITES, Family.PARTITIONS}
WITHOUT_CLAIM = {
    "altered-sequence-type": "a claim is about tables and views, and a sequence is neither",
    "concurrent-detach-beside-default": "the server refuses the statement",
    "concurrent-index-on-partitioned-table": "the server refuses the statement",
    "not-valid-foreign-key-on-partitioned-table": "the server refuses the statement",
    "wide-partition-key": "it is about a new table, which nobody waits for",
}

EVERY_CASE = [(cases, case) for cases in rule_book().values() for case in cases.cases]


def name_of(part: RuleCases | Case) -> str:
    return part.rule if isinstance(part, RuleCases) else part.id


each_case = pytest.mark.parametrize(("cases", "case"), EVERY_CASE, ids=name_of)
each_rule = pytest.mark.parametrize("name", sorted(rule_book()))


def test_every_rule_has_a_case_file_and_every_case_file_a_rule() -> None:
    assert set(rule_book()) == set(rules())


@each_rule
def test_a_case_file_is_named_after_its_rule(name: str) -> None:
    assert rule_book()[name].rule == name


@each_rule
def test_a_case_file_has_bad_and_good_cases_under_names_of_their_own(name: str) -> None:
    cases = rule_book()[name].cases
    assert any(case.is_bad for case in cases)
    assert any(not case.is_bad for case in cases)
    assert [case.id for case in cases] == list(dict.fromkeys(case.id for case in cases))


@each_rule
def test_a_case_file_says_what_holds_for_a_table_made_in_the_same_migration(name: str) -> None:
    ids = [case.id for case in rule_book()[name].cases]
    if rules()[name].family not in TABLELESS:
        assert any("created in the same migration" in each for each in ids)


def test_every_rule_about_locks_has_a_bad_case_whose_claim_a_server_is_asked_for() -> None:
    without = {
        name
        for name, cases in rule_book().items()
        if rules()[name].family in CLAIMED
        and not any(case.is_bad and claims_anything(cases, case) for case in cases.cases)
    }
    assert without == WITHOUT_CLAIM.keys()


def claims_anything(cases: RuleCases, case: Case) -> bool:
    # Without a schema a case is not run on a server.
    is_run = cases.schema_of(case).strip() != ""
    return is_run and bool(case.locks or case.rewrites or case.scans)


@each_rule
def test_a_case_file_has_a_case_from_alembic(name: str) -> None:
    assert any(case.alembic is not None for case in rule_book()[name].cases)


@each_case
def test_a_case_is_found_fault_with_exactly_where_it_says(cases: RuleCases, case: Case) -> None:
    others = {place.rule for place in case.finds if place.rule is not None}
    wanted = {cases.rule, *others}
    found = [finding for finding in judge_case(cases, case) if finding.rule in wanted]
    assert Counter(places_of(case, found)) == Counter(
        (place.rule or cases.rule, place.line, None if case.alembic else place.column)
        for place in case.finds
    )


def places_of(case: Case, findings: list[Finding]) -> Iterator[tuple[str, int, int | None]]:
    for finding in findings:
        column = None if case.alembic else finding.span.column
        yield finding.rule, body_line(case, finding), column


@each_case
def test_what_keeps_others_out_for_long_is_found_fault_with(cases: RuleCases, case: Case) -> None:
    unreported = find_unreported(case_timeline(cases, case))
    assert [event.action for event in unreported] == []


@each_rule
def test_a_place_has_a_column_in_sql_and_none_in_alembic(name: str) -> None:
    for case in rule_book()[name].cases:
        is_sql = case.alembic is None
        assert all((place.column is not None) == is_sql for place in case.finds), case.id


@each_case
def test_what_a_finding_says_is_one_line_with_a_reason(cases: RuleCases, case: Case) -> None:
    for finding in own_findings(cases, case):
        assert finding.message.strip() == finding.message != ""
        assert "\n" not in finding.message + finding.why
        assert finding.why
        assert not finding.message.endswith(".")


@each_case
def test_what_a_finding_recommends_is_not_found_fault_with(cases: RuleCases, case: Case) -> None:
    for finding in own_findings(cases, case):
        if finding.remedy is None or not finding.remedy.sql:
            continue
        again = judge_remedy(cases, case, finding.remedy.sql)
        assert [each for each in again if each.rule in {cases.rule, "syntax-error"}] == []


@each_case
def test_what_a_finding_recommends_in_alembic_can_be_recorded(cases: RuleCases, case: Case) -> None:
    for finding in own_findings(cases, case):
        if finding.remedy is None or not finding.remedy.alembic:
            continue
        remedy = Case(
            id="remedy",
            good_alembic=finding.remedy.alembic,
            schema=case.schema,
            options=case.options,
        )
        (migration,) = case_history(remedy).migrations
        assert migration.unjudged == ()
        again = judge_case(cases, remedy)
        assert [each for each in again if each.rule in {cases.rule, "syntax-error"}] == []


def own_findings(cases: RuleCases, case: Case) -> list[Finding]:
    return [finding for finding in judge_case(cases, case) if finding.rule == cases.rule]


def judge_remedy(cases: RuleCases, case: Case, sql: str) -> tuple[Finding, ...]:
    """Judge a remedy over the case's schema: statements, or the definition of one column."""
    code = sql if has_statements(sql) else f"CREATE TABLE remedy (\n{sql}\n);"
    return judge_case(
        cases, Case(id="remedy", good=code, schema=case.schema, pg=case.pg, options=case.options)
    )


def has_statements(sql: str) -> bool:
    try:
        read_actions(split_statements(sql)[0].sql)
    except SqlSyntaxError:
        return False
    return True
