from safemigrate.gate import decide
from safemigrate.model import Confidence, Direction, Finding, LintResult, Severity, Span


def finding(revision: str | None, severity: Severity, direction: Direction) -> Finding:
    return Finding(
        rule="drop-column",
        severity=severity,
        confidence=Confidence.HIGH,
        message="m",
        why="w",
        path="p.py",
        span=Span(1, 1, 1, 2),
        revision=revision,
        direction=direction,
    )


def result(*findings: Finding) -> LintResult:
    return LintResult(findings=findings, statements=1, judged=1, unjudged=(), migrations=1)


def test_an_error_of_a_pending_revision_is_refused() -> None:
    against = finding("a", Severity.ERROR, Direction.UPGRADE)
    decision = decide(result(against), frozenset({"a"}), Direction.UPGRADE)
    assert not decision.is_allowed
    assert decision.refusals == (against,)


def test_only_pending_revisions_count() -> None:
    applied = finding("a", Severity.ERROR, Direction.UPGRADE)
    of_a_file = finding(None, Severity.ERROR, Direction.UPGRADE)
    decision = decide(result(applied, of_a_file), frozenset({"b"}), Direction.UPGRADE)
    assert decision.is_allowed
    assert decision.refusals == ()


def test_only_the_direction_to_be_run_counts() -> None:
    against = finding("a", Severity.ERROR, Direction.DOWNGRADE)
    assert decide(result(against), frozenset({"a"}), Direction.UPGRADE).is_allowed
    assert not decide(result(against), frozenset({"a"}), Direction.DOWNGRADE).is_allowed


def test_warnings_and_infos_are_let_through() -> None:
    found = result(
        finding("a", Severity.WARNING, Direction.UPGRADE),
        finding("a", Severity.INFO, Direction.UPGRADE),
    )
    assert decide(found, frozenset({"a"}), Direction.UPGRADE).is_allowed
