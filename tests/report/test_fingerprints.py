from collections.abc import Callable
from dataclasses import replace

from safemigrate.model import Direction, Finding, History, Span, Timeline, Unjudged
from safemigrate.report.fingerprints import fingerprint_findings, fingerprint_unjudged
from safemigrate.report.order import sort_findings
from safemigrate.report.sources import Sources
from tests.report.exhibit import RESULT, TIMELINE

MakeFinding = Callable[..., Finding]
MakeTimeline = Callable[[History], Timeline]


def fingerprint(*findings: Finding, timeline: Timeline | None = None) -> tuple[str, ...]:
    return fingerprint_findings(findings, Sources(timeline or Timeline(())))


def test_findings_have_different_fingerprints() -> None:
    found = fingerprint(*sort_findings(RESULT.findings), timeline=TIMELINE)
    assert len(set(found)) == len(RESULT.findings)


def test_lines_that_move_leave_it(make_finding: MakeFinding) -> None:
    moved = make_finding(span=Span(99, 1, 100, 2), ordinal=7)
    assert fingerprint(moved) == fingerprint(make_finding())


def test_other_words_and_a_new_layout_leave_it(make_finding: MakeFinding) -> None:
    sql = "CREATE INDEX recipe_name_idx\n\tON recipe (name)"
    reworded = make_finding(message="another message", why="", sql=sql, remedy=None)
    assert fingerprint(reworded) == fingerprint(make_finding())


def test_what_makes_it_another_finding_changes_it(make_finding: MakeFinding) -> None:
    base = make_finding()
    others = [
        replace(base, rule="syntax-error"),
        replace(base, path="other.py"),
        replace(base, direction=Direction.DOWNGRADE),
        replace(base, sql="CREATE INDEX other ON recipe (name)"),
    ]
    assert len({fingerprint(one) for one in (base, *others)}) == 5


def test_equal_findings_are_told_apart_by_their_number(make_finding: MakeFinding) -> None:
    first, second = fingerprint(make_finding(), make_finding(span=Span(50, 1, 50, 2)))
    assert first != second
    assert fingerprint(make_finding()) == (first,)


def test_a_finding_without_sql_is_known_by_its_line(
    timeline: Timeline, make_finding: MakeFinding
) -> None:
    at_def = make_finding(sql="", span=Span(8, 1, 8, 5))
    at_index = make_finding(sql="", span=Span(10, 5, 10, 9))
    beyond = make_finding(sql="", span=Span(999, 1, 999, 1))
    one, other, nothing = (
        fingerprint(each, timeline=timeline) for each in (at_def, at_index, beyond)
    )
    assert len({one, other, nothing}) == 3


def test_it_does_not_know_the_password(make_finding: MakeFinding) -> None:
    one, other = (make_finding(sql=f"CREATE ROLE x PASSWORD '{word}'") for word in ("abc", "xyz"))
    assert fingerprint(one) == fingerprint(other)


def test_a_name_that_is_not_utf_8_has_one(make_finding: MakeFinding) -> None:
    one, other = (make_finding(path=path) for path in ("\udcfe.sql", "\udcff.sql"))
    assert fingerprint(one) != fingerprint(other)


def test_what_was_not_judged_has_one_each() -> None:
    entries = (*RESULT.unjudged, Unjudged("changes/0004_copy.sql", 9, None, "rows of COPY"))
    assert len(set(fingerprint_unjudged(entries))) == 4
