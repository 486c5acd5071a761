"""A run is told in plain words, line by line."""

import io
from datetime import UTC, datetime, timedelta

from safemigrate.execute import (
    Blocker,
    LockHolder,
    LockWait,
    LockWaited,
    PlannedRevision,
    RevisionFinished,
    RevisionRetried,
    RevisionStarted,
    RunEvent,
    RunFinished,
    RunnerWaited,
    RunPlanned,
    RunReport,
    RunWarned,
    StopRequested,
)
from safemigrate.model import Direction
from safemigrate.report import leave_plain
from safemigrate.report.progress import format_event, show_progress
from safemigrate.report.runs import format_run

REVISION = PlannedRevision("1a2b", "add a column")
FINISHED = RevisionFinished(
    REVISION, Direction.UPGRADE, timedelta(seconds=12), 3, timedelta(seconds=11)
)
BLOCKER = Blocker(
    17,
    "app",
    "web",
    "idle in transaction",
    "client backend",
    timedelta(seconds=75),
    "SELECT 1",
)

DESCRIBED = (
    'pid 17 (user app, application "web", idle in transaction, transaction open for 1 min 15 s): '
    "SELECT 1"
)


def lines(event: RunEvent) -> tuple[str, ...]:
    return format_event(event, leave_plain)


def test_every_event_has_its_words() -> None:
    assert lines(RunPlanned(Direction.UPGRADE, (REVISION,), ())) == (
        "database is at base, 1 revision to apply",
        "  1a2b  add a column",
    )
    other = PlannedRevision("3c", "")
    assert lines(RunPlanned(Direction.DOWNGRADE, (REVISION, other), ("1a2b", "3c"))) == (
        "database is at 1a2b, 3c, 2 revisions to take back",
        "  1a2b  add a column",
        "  3c",
    )
    assert lines(RevisionStarted(REVISION, Direction.UPGRADE, 2, 5)) == ("[2/5] 1a2b add a column",)
    assert lines(LockWaited(REVISION, LockWait("orders", "ACCESS EXCLUSIVE", (BLOCKER,)))) == (
        '      waiting for ACCESS EXCLUSIVE on "orders", held by',
        f"        {DESCRIBED}",
    )
    assert lines(
        RevisionRetried(REVISION, 2, "lock timeout", None, timedelta(milliseconds=320))
    ) == ("      lock timeout in attempt 2, rolled back; again in 320 ms",)
    assert lines(FINISHED) == ("      done in 12.0 s (3 attempts, 11.0 s of it waiting)",)
    assert lines(StopRequested("SIGTERM")) == ("SIGTERM: stopping where nothing is lost",)
    assert lines(RunWarned("something")) == ("warning: something",)
    assert lines(RunFinished(Direction.UPGRADE, (FINISHED,), ("1a2b",), timedelta())) == ()


def test_the_runner_ahead_is_described() -> None:
    since = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
    holder = LockHolder(17, "deploy", "safemigrate ci-7 42", "10.0.0.7", since)
    who = 'pid 17 (user deploy, application "safemigrate ci-7 42", from 10.0.0.7, since'
    when = f"{since.astimezone():%H:%M:%S}"
    assert lines(RunnerWaited(holder)) == (f"waiting for the runner that is ahead: {who} {when})",)
    assert lines(RunnerWaited(None)) == ("waiting for the runner that is ahead: another runner",)


def test_a_stream_that_is_no_terminal_gets_lines_without_colour() -> None:
    stream = io.StringIO()
    with show_progress(stream, leave_plain, is_quiet=False) as progress:
        progress(RevisionStarted(REVISION, Direction.UPGRADE, 1, 1))
        progress(FINISHED)
    assert stream.getvalue().splitlines() == [
        "[1/1] 1a2b add a column",
        "      done in 12.0 s (3 attempts, 11.0 s of it waiting)",
    ]


def test_quiet_says_nothing() -> None:
    stream = io.StringIO()
    with show_progress(stream, leave_plain, is_quiet=True) as progress:
        progress(FINISHED)
    assert stream.getvalue() == ""


def test_the_last_line_says_what_was_done_and_where_the_database_is() -> None:
    took = timedelta(seconds=1.24)
    up = RunReport(Direction.UPGRADE, (FINISHED, FINISHED), ("1a2b",), took)
    assert format_run(up, leave_plain) == "applied 2 revisions in 1.2 s, database is at 1a2b\n"
    down = RunReport(Direction.DOWNGRADE, (FINISHED,), (), took)
    assert format_run(down, leave_plain) == "took back 1 revision in 1.2 s, database is at base\n"
    nothing = RunReport(Direction.UPGRADE, (), ("1a2b", "3c4d"), took)
    assert format_run(nothing, leave_plain) == "nothing to do, database is at 1a2b, 3c4d\n"
