"""What speaks against a run, one question after the other."""

import pytest

from safemigrate.catalog.figures import Replica
from safemigrate.gate import (
    Heads,
    ObjectionKind,
    object_to_disk,
    object_to_downgrade,
    object_to_edits,
    object_to_findings,
    object_to_heads,
    object_to_lag,
)
from safemigrate.model import Confidence, Direction, Finding, LintResult, Severity, Span
from safemigrate.plan import Change

NOTHING: tuple[tuple[()], tuple[()]] = ((), ())
GIB = 1024**3


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


UP, DOWN = Direction.UPGRADE, Direction.DOWNGRADE


def test_errors_of_pending_revisions_are_objected_to() -> None:
    found = result(*(finding(name, Severity.ERROR, UP) for name in ("a", "a", "b")))
    ((objection,), notices) = object_to_findings(found, {"a", "b"}, UP)
    assert objection.kind is ObjectionKind.FINDINGS
    assert objection.text == "3 error findings in 2 pending revisions"
    assert "# safemigrate: ignore[drop-column] the reason" in objection.advice
    assert notices == ()


@pytest.mark.parametrize(
    "other",
    [
        finding("applied", Severity.ERROR, UP),
        finding(None, Severity.ERROR, UP),
        finding("a", Severity.ERROR, DOWN),
        finding("a", Severity.WARNING, UP),
        finding("a", Severity.INFO, UP),
    ],
    ids=["applied", "of a file", "the way back", "warning", "info"],
)
def test_other_findings_are_not(other: Finding) -> None:
    assert object_to_findings(result(other), {"a"}, UP) == NOTHING


def test_errors_of_a_downgrade_are_told_and_not_objected_to() -> None:
    found = result(finding("a", Severity.ERROR, DOWN))
    objections, (notice,) = object_to_findings(found, {"a"}, DOWN)
    assert objections == ()
    assert notice == "1 error finding in what is taken back; a downgrade runs all the same"


def test_edited_revisions_are_objected_to() -> None:
    changes = {"a": Change.NONE, "b": Change.EDITED}
    ((objection,), _) = object_to_edits(changes)
    assert objection.kind is ObjectionKind.EDITED
    assert objection.text == 'revision "b" was edited after being applied'
    every = dict.fromkeys("abcde", Change.EDITED)
    ((objection,), _) = object_to_edits(every)
    assert objection.text == (
        '5 revisions "a", "b", "c" and 2 more were edited after being applied'
    )


def test_edited_revisions_do_not_keep_a_downgrade_from_running() -> None:
    objections, (notice,) = object_to_edits({"b": Change.EDITED}, DOWN)
    assert objections == ()
    assert notice == ('revision "b" was edited after being applied; a downgrade runs all the same')


def test_what_changed_elsewhere_is_told() -> None:
    objections, (notice,) = object_to_edits({"a": Change.ELSEWHERE})
    assert objections == ()
    assert notice.startswith('revision "a" would send other SQL now')


PARENTS = {"root": (), "x": ("root",), "y": ("root",), "z": ("x",), "other": ()}
NO_LABEL: frozenset[str] = frozenset()


@pytest.mark.parametrize("current", [(), ("root",), ("x",), ("z",)])
def test_a_fork_without_labels_is_objected_to(current: tuple[str, ...]) -> None:
    heads = Heads({"y": NO_LABEL, "z": NO_LABEL}, current, PARENTS)
    ((objection,), _) = object_to_heads(heads)
    assert objection.kind is ObjectionKind.HEADS
    assert objection.text == 'the history forks into 2 heads, "y", "z"'
    assert "`heads`" in objection.advice


@pytest.mark.parametrize(
    ("heads", "current"),
    [
        ({"z": NO_LABEL}, ()),
        ({"y": NO_LABEL, "z": NO_LABEL}, ("y", "x")),
        ({"y": NO_LABEL, "z": frozenset({"billing"})}, ()),
        ({"z": NO_LABEL, "other": NO_LABEL}, ()),
    ],
    ids=["one head", "forked before", "labels", "nothing in common"],
)
def test_heads_that_are_meant_so_are_not(
    heads: dict[str, frozenset[str]], current: tuple[str, ...]
) -> None:
    assert object_to_heads(Heads(heads, current, PARENTS)) == NOTHING


def test_a_downgrade_in_production_is_objected_to() -> None:
    ((objection,), _) = object_to_downgrade(DOWN, is_production=True)
    assert objection.kind is ObjectionKind.PRODUCTION
    assert object_to_downgrade(DOWN, is_production=False) == NOTHING
    assert object_to_downgrade(UP, is_production=True) == NOTHING


def test_a_rewrite_without_room_is_objected_to() -> None:
    ((objection,), notices) = object_to_disk({"": 3 * GIB}, {"": GIB})
    assert objection.kind is ObjectionKind.DISK
    assert objection.text == "a rewrite needs about 3 GiB of free disk, there is 1 GiB"
    assert notices == ()
    assert object_to_disk({"": GIB}, {"": 3 * GIB}) == NOTHING
    assert object_to_disk({}, {}) == NOTHING
    assert object_to_disk({"": 0}, {"": None}) == NOTHING


def test_room_that_is_not_known_is_told() -> None:
    objections, (notice,) = object_to_disk({"/fast": GIB}, {"/fast": None})
    assert objections == ()
    assert '1 GiB of free disk in "/fast"' in notice
    assert "--disk-free-bytes" in notice


def test_a_replica_that_is_behind_is_objected_to() -> None:
    ((objection,), _) = object_to_lag([Replica("far", 12.0, 99), Replica("near", 0.5, 9)], 10)
    assert objection.kind is ObjectionKind.REPLICA_LAG
    assert objection.text == 'replica "far" is 12 s behind, more than the 10 s of max-replica-lag-s'


def test_a_replica_that_cannot_be_seen_is_not_taken_to_be_near() -> None:
    hidden, silent = Replica("a", None, None, is_visible=False), Replica("b", None, None)
    objections, notices = object_to_lag([hidden, silent, Replica("c", None, 2048)], 10)
    assert objections == ()
    assert notices == (
        'how long replica "a" is behind is not known: the role may not see it',
        'how long replica "b" is behind is not known: it does not report its replay',
        'how long replica "c" is behind is not known: it does not report its replay, but for 2 KiB',
    )


def test_without_a_limit_no_replica_is_too_far_behind() -> None:
    assert object_to_lag([Replica("a", 9999.0, 1), Replica("b", None, None)], None) == NOTHING
