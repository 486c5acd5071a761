from safemigrate.gate import Decision, decide, explain_refusal
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
    assert decision.objections == (against,)


def test_only_pending_revisions_count() -> None:
    applied = finding("a", Severity.ERROR, Direction.UPGRADE)
    of_a_file = finding(None, Severity.ERROR, Direction.UPGRADE)
    decision = decide(result(applied, of_a_file), frozenset({"b"}), Direction.UPGRADE)
    assert decision.is_allowed
    assert decision.objections == ()


def test_only_the_direction_to_be_run_counts() -> None:
    against = finding("a", Severity.ERROR, Direction.DOWNGRADE)
    decision = decide(result(against), frozenset({"a"}), Direction.UPGRADE)
    assert decision == Decision(is_allowed=True)


def test_a_downgrade_is_let_through_with_what_speaks_against_it() -> None:
    against = finding("a", Severity.ERROR, Direction.DOWNGRADE)
    decision = decide(result(against), frozenset({"a"}), Direction.DOWNGRADE)
    assert decision == Decision(is_allowed=True, objections=(against,))


def test_a_reason_overrides_what_speaks_against_an_upgrade() -> None:
    against = finding("a", Severity.ERROR, Direction.UPGRADE)
    pending = frozenset({"a"})
    decision = decide(result(against), pending, Direction.UPGRADE, override="it is empty")
    assert decision == Decision(is_allowed=True, objections=(against,), override="it is empty")
    clean = decide(result(), pending, Direction.UPGRADE, override="it is empty")
    assert clean == Decision(is_allowed=True)


def test_a_refusal_names_the_three_ways_on() -> None:
    found = [finding(name, Severity.ERROR, Direction.UPGRADE) for name in ("a", "a", "b")]
    error = explain_refusal(decide(result(*found), frozenset({"a", "b"}), Direction.UPGRADE))
    assert error.message == "3 error findings in 2 pending revisions, nothing was changed"
    for way in ("rewrite", "# safemigrate: ignore[drop-column] the reason", '--override "the re'):
        assert way in error.hint


def test_warnings_and_infos_are_let_through() -> None:
    found = result(
        finding("a", Severity.WARNING, Direction.UPGRADE),
        finding("a", Severity.INFO, Direction.UPGRADE),
    )
    assert decide(found, frozenset({"a"}), Direction.UPGRADE).is_allowed
