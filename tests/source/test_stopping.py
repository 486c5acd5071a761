"""Revisions that would never end."""

import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from safemigrate.source import tape
from safemigrate.source.stopping import RecordingStoppedError, TimeLimit
from tests.source.conftest import ProjectFolder


@pytest.fixture
def short_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape, "TIME_LIMIT_S", 0.2)


@pytest.fixture
def alarm() -> Iterator[list[int]]:
    """Give what a timer of somebody else's has rung."""
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda signum, _: rung.append(signum))
    left = signal.setitimer(signal.ITIMER_REAL, 0)
    yield rung
    signal.setitimer(signal.ITIMER_REAL, *left)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    "loop",
    [
        "while True:\n    pass",
        "while True:\n    try:\n        sum(range(1000))\n    except BaseException:\n        pass",
        "import threading\nthreading.Event().wait()",
    ],
    ids=["busy", "swallowing", "waiting"],
)
@pytest.mark.usefixtures("short_limit")
def test_loop_that_sends_nothing_is_cut(folder: ProjectFolder, loop: str) -> None:
    folder.add("one", 'op.execute("SELECT 2")\n' + loop)
    folder.add("two", 'op.execute("SELECT 3")')

    one, two = folder.record().migrations

    assert [each.sql for each in one.upgrade] == ["SELECT 2"]
    (entry,) = one.unjudged
    assert entry.reason == f"line {entry.line} still runs after 0.2 seconds, the rest was cut"
    assert 14 <= entry.line <= 18
    assert [each.sql for each in two.upgrade] == ["SELECT 3"]
    assert two.unjudged == ()


def test_same_statement_over_and_over_is_cut_early(folder: ProjectFolder) -> None:
    folder.add(
        "one",
        """
        while not op.get_bind().execute(sa.text("SELECT a FROM t WHERE b = :b"), {"b": 1}).all():
            pass
        """,
        downgrade="""
        while True:
            op.execute("SELECT pg_sleep(1)")
        """,
    )

    (migration,) = folder.record().migrations

    assert [one.sql for one in migration.upgrade] == ["SELECT a FROM t WHERE b = $1"] * len(
        migration.upgrade
    )
    assert len(migration.upgrade) <= 2
    assert [one.sql for one in migration.downgrade] == ["SELECT pg_sleep(1)"]
    assert [(one.line, one.reason) for one in migration.unjudged] == [
        (line, f"line {line} sends the same statement over and over, the rest was cut")
        for line in (13, 19)
    ]


def test_many_rows_sent_one_by_one_are_not_cut(folder: ProjectFolder) -> None:
    migration = folder.record_one(
        """
        for number in range(3000):
            op.get_bind().execute(sa.text("INSERT INTO t VALUES (:a)"), {"a": number})
        """
    )

    assert len(migration.upgrade) == 3000
    assert migration.unjudged == ()


def test_ever_new_statements_are_cut_at_the_limit(
    folder: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tape, "STATEMENT_LIMIT", 50)
    migration = folder.record_one(
        """
        number = 0
        while True:
            op.execute(f"SELECT '{number}'")
            op.execute(f"DROP TABLE t{number}")
            number += 1
        """
    )

    # of what differs in numbers only, one
    assert [one.sql for one in migration.upgrade][:3] == [
        "SELECT '0'",
        "DROP TABLE t0",
        "DROP TABLE t1",
    ]
    assert len(migration.upgrade) == 26
    assert [(one.line, one.reason) for one in migration.unjudged] == [
        (15, "sends more than 50 statements, the rest was cut")
    ]


def test_a_loop_over_batches_ends_when_only_numbers_are_others(folder: ProjectFolder) -> None:
    migration = folder.record_one(
        """
        offset = 0
        while True:
            batch = f"UPDATE t SET a = 1 WHERE id IN (SELECT id FROM t LIMIT 9 OFFSET {offset})"
            if op.get_bind().exec_driver_sql(batch).rowcount <= 0:
                break
            offset += 9
        op.execute("SELECT 1")
        """
    )

    assert len(migration.upgrade) == 3
    assert migration.unjudged == ()


def test_timer_of_somebody_else_goes_on(alarm: list[int]) -> None:
    handler = signal.getsignal(signal.SIGALRM)
    signal.setitimer(signal.ITIMER_REAL, 50)

    with TimeLimit(20, lambda: RecordingStoppedError("late")):
        inside, _ = signal.getitimer(signal.ITIMER_REAL)

    left, _ = signal.getitimer(signal.ITIMER_REAL)
    assert 10 < inside <= 20
    assert 40 < left <= 50
    assert signal.getsignal(signal.SIGALRM) is handler
    assert alarm == []


def test_timer_of_somebody_else_that_is_due_rings_afterwards(alarm: list[int]) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.01)

    with (
        pytest.raises(RecordingStoppedError),
        TimeLimit(0.1, lambda: RecordingStoppedError("late")),
    ):
        threading.Event().wait()

    while not alarm:
        signal.pause()
    assert alarm == [signal.SIGALRM]


def test_other_threads_have_no_limit() -> None:
    ran: list[bool] = []

    def run() -> None:
        with TimeLimit(10, lambda: RecordingStoppedError("late")):
            ran.append(signal.getitimer(signal.ITIMER_REAL)[0] == 0)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    assert ran == [True]


def test_an_end_that_is_interrupted_leaves_no_timer(alarm: list[int]) -> None:
    limit = TimeLimit(60, lambda: RecordingStoppedError("too long"))

    def ring(frame: FrameType, event: str, arg: object) -> None:
        del event, arg
        if frame.f_code is TimeLimit.__exit__.__code__:
            sys.setprofile(None)
            signal.raise_signal(signal.SIGALRM)

    with limit:
        sys.setprofile(ring)

    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    signal.raise_signal(signal.SIGALRM)
    assert alarm == [signal.SIGALRM]


@pytest.mark.usefixtures("alarm")
def test_a_finalizer_that_is_interrupted_is_not_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)

    class Slow:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGALRM)

    class Faulty:
        def __del__(self) -> None:
            raise ValueError

    with TimeLimit(60, lambda: RecordingStoppedError("too long")):
        Slow()
        assert told == []
        Faulty()
    Faulty()

    assert len(told) == 2
