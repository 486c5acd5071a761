"""A revision is half done from the run that failed in it until one that succeeds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from safemigrate.journal import Entry, Outcome, PartialRun, find_partial_runs
from safemigrate.model import Direction

APPLIED = Entry(
    number=1,
    revision="1a2b",
    direction=Direction.UPGRADE,
    outcome=Outcome.APPLIED,
    started_at=datetime(2026, 1, 1, tzinfo=UTC),
    finished_at=datetime(2026, 1, 1, tzinfo=UTC),
    duration=timedelta(),
    attempts=1,
    waited=timedelta(),
    database_user="",
    os_user="",
    host="",
    package_version="",
    error="",
    committed=(),
    override="",
)


def failed(*committed: str, direction: Direction = Direction.UPGRADE) -> Entry:
    return replace(
        APPLIED, outcome=Outcome.FAILED, error="e", committed=committed, direction=direction
    )


def test_a_failure_that_committed_nothing_leaves_nothing() -> None:
    assert find_partial_runs([failed()]) == ()


def test_what_several_failures_committed_is_told_once_in_order() -> None:
    entries = [failed("A", "B"), failed(), failed("B", "C")]
    assert find_partial_runs(entries) == (PartialRun("1a2b", Direction.UPGRADE, ("A", "B", "C")),)


def test_success_ends_it_for_that_revision_alone() -> None:
    other = replace(failed("X"), revision="3c4d")
    assert find_partial_runs([failed("A"), other, APPLIED]) == (
        PartialRun("3c4d", Direction.UPGRADE, ("X",)),
    )
    assert find_partial_runs([failed("A"), APPLIED, failed("B")])[0].committed == ("B",)


def test_a_downgrade_can_be_half_done_too() -> None:
    (run,) = find_partial_runs([APPLIED, failed("A", direction=Direction.DOWNGRADE)])
    assert run == PartialRun("1a2b", Direction.DOWNGRADE, ("A",))
