"""A run is told in plain words, line by line."""

import io
import threading
from datetime import UTC, datetime, timedelta

import pytest

from safemigrate.execute import (
    HookFinished,
    HookMoment,
    HookPrinted,
    HookStarted,
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
    StatementStarted,
    StopRequested,
    TableBusy,
)
from safemigrate.model import Direction
from safemigrate.report import leave_plain
from safemigrate.report.progress import format_event, show_progress
from safemigrate.report.runs import format_run
from safemigrate.report.situation import Situation
from tests.report.run_events import (
    BLOCKER,
    EVENTS,
    FINISHED,
    REVISION,
    WAIT,
    configured,
    progressed,
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
    assert lines(FINISHED) == (
        "      done in 12.0 s (3 attempts, 11.0 s of it waiting, others held up for at most 20 ms)",
    )
    assert lines(StopRequested("SIGTERM")) == ("SIGTERM: stopping where nothing is lost",)
    assert lines(RunWarned("something")) == ("warning: something",)
    assert lines(RunFinished(Direction.UPGRADE, (FINISHED,), ("1a2b",), timedelta())) == ()


def test_one_attempt_is_no_number_worth_telling() -> None:
    took = timedelta(milliseconds=20)
    alone = RevisionFinished(REVISION, Direction.UPGRADE, took, 1, timedelta())
    assert lines(alone) == ("      done in 20 ms",)
    waited = RevisionFinished(REVISION, Direction.UPGRADE, took, 1, timedelta(milliseconds=15))
    assert lines(waited) == ("      done in 20 ms (15 ms of it waiting)",)


def test_the_settings_of_the_session_are_told_as_the_server_has_them() -> None:
    idle, transaction = "idle_in_transaction_session_timeout", "transaction_timeout"
    assert lines(configured()) == (
        f"  lock_timeout 100 ms, statement_timeout none, {idle} 1 min 0 s, {transaction} none",
        "  deadline 5 min 0 s, stall budget 1.0 s, when busy: wait",
    )
    assert "transaction_timeout" not in lines(configured(major=16))[0]


def test_a_hook_is_told_with_what_it_writes() -> None:
    took = timedelta(seconds=1)
    before = HookMoment.BEFORE
    assert lines(HookStarted(before, "./ask")) == ("hook before: ./ask",)
    assert lines(HookPrinted(before, "./ask", "it is")) == ("      | it is",)
    assert lines(HookFinished(before, "./ask", 0, took)) == ("      done in 1.0 s",)
    assert lines(HookFinished(before, "./ask", 3, took)) == ("      exit code 3 after 1.0 s",)
    assert lines(HookFinished(before, "./ask", None, took)) == ("      ended after 1.0 s",)


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
        *lines(FINISHED),
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


class Clock:
    """Tells the seconds it is given."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_what_is_done_at_the_moment_follows_the_events() -> None:
    clock = Clock()
    situation = Situation(clock)
    assert str(situation) == "getting ready, for 0 ms"
    situation.follow(RevisionStarted(REVISION, Direction.UPGRADE, 2, 5))
    assert situation.doing == 'in revision "1a2b"'
    situation.follow(StatementStarted(REVISION, 1, "ALTER TABLE\n orders", is_autocommit=False))
    clock.seconds = 3.0
    assert str(situation) == "ALTER TABLE orders, for 3.0 s"
    situation.follow(TableBusy("orders", "ACCESS EXCLUSIVE", (BLOCKER, BLOCKER), timedelta()))
    held = 'beside the queue for ACCESS EXCLUSIVE on "orders", held by pid 17'
    assert situation.doing == f'{held} (user app, application "web") and 1 more'
    situation.follow(LockWaited(REVISION, WAIT))
    assert situation.doing.startswith('in the queue for ACCESS EXCLUSIVE on "orders", held by')
    situation.follow(FINISHED)
    assert situation.done == 1
    assert situation.doing == "between two revisions"


def test_a_build_goes_on_in_percent() -> None:
    clock = Clock()
    situation = Situation(clock)
    situation.follow(progressed(10))
    clock.seconds = 2.0
    situation.follow(progressed(43))
    assert str(situation) == "building index: scanning table 43 %, for 2.0 s"
    situation.follow(progressed(None, phase="waiting for old snapshots", wait=WAIT, parts=3))
    assert situation.percent is None
    assert situation.doing.startswith(
        "partition 1 of 3, waiting for old snapshots, waiting for ACCESS EXCLUSIVE"
    )


def test_a_log_has_a_line_when_something_changes_and_not_for_every_percent() -> None:
    stream = io.StringIO()
    with show_progress(stream, leave_plain, is_quiet=False) as progress:
        for percent in (1, 2, 3):
            progress(progressed(percent))
    assert len(stream.getvalue().splitlines()) == 1


class Watched(io.StringIO):
    """Tells when a line was written that says what is going on."""

    def __init__(self) -> None:
        super().__init__()
        self.has_beaten = threading.Event()

    def write(self, text: str) -> int:
        written = super().write(text)
        # on a slow machine one may come before there is a statement
        if "still SELECT" in text:
            self.has_beaten.set()
        return written


def test_a_log_shows_life_while_nothing_changes() -> None:
    stream = Watched()
    beat = timedelta(milliseconds=1)
    with show_progress(stream, leave_plain, is_quiet=False, heartbeat=beat) as progress:
        progress(StatementStarted(REVISION, 1, "SELECT pg_sleep(600)", is_autocommit=False))
        assert stream.has_beaten.wait(30)
    assert "      still SELECT pg_sleep(600), for " in stream.getvalue()


def test_a_log_that_nobody_takes_any_more_stops_nothing() -> None:
    stream = io.StringIO()
    with show_progress(stream, leave_plain, is_quiet=False) as progress:
        stream.close()
        progress(FINISHED)
    assert stream.closed


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_has_bars_and_every_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    with show_progress(stream, leave_plain, is_quiet=False) as progress:
        for event in EVENTS:
            progress(event)
    text = stream.getvalue()
    assert "[1/2] 1a2b add a column" in text
    assert "revision 1 of 2" in text
    assert "43 %" in text
    assert 'beside the queue for ACCESS EXCLUSIVE on "orders"' in text
