"""Many targets: who goes first, how many at once, and when it ends; and how they are named."""

from __future__ import annotations

import os
import signal
import socket
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from safemigrate.errors import ExitCode, NotPostgresError, UsageError
from safemigrate.execute.fleet import (
    ChildCarrier,
    FailureLimit,
    FleetEvent,
    FleetProgress,
    FleetReport,
    FleetSettings,
    FleetStopped,
    Target,
    TargetFinished,
    TargetOutcome,
    TargetResult,
    TargetStarted,
    check_targets,
    parse_target,
    read_targets,
    run_fleet,
)
from safemigrate.execute.fleet.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.execute.conftest import ProjectFolder

CODES = {
    TargetOutcome.DONE: ExitCode.DONE,
    TargetOutcome.NOTHING: ExitCode.DONE,
    TargetOutcome.FAILED: ExitCode.FINDINGS,
    TargetOutcome.UNUSABLE: ExitCode.USAGE,
    TargetOutcome.GAVE_UP: ExitCode.GAVE_UP,
    TargetOutcome.PART_WAY: ExitCode.PART_WAY,
    TargetOutcome.STOPPED: ExitCode.GAVE_UP,
}


@dataclass
class Carrier:
    """Another machine, so to say: its targets end as they are told to."""

    outcomes: dict[str, TargetOutcome] = field(default_factory=dict)
    on_carry: Callable[[Target], object] = lambda _: None
    carried: list[str] = field(default_factory=list)
    most_at_once: int = 0
    is_stopped: threading.Event = field(default_factory=threading.Event)
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def carry(self, target: Target, report: FleetProgress) -> TargetResult:
        del report
        with self._lock:
            self.carried.append(target.name)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        self.on_carry(target)
        with self._lock:
            self._now -= 1
        outcome = self.outcomes.get(target.name, TargetOutcome.DONE)
        return TargetResult(target, outcome, CODES[outcome])

    def stop(self) -> None:
        self.is_stopped.set()


def targets(number: int) -> tuple[Target, ...]:
    return tuple(Target(f"t{one}", f"postgresql://db/t{one}") for one in range(1, number + 1))


def run(
    carrier: Carrier, number: int, settings: FleetSettings
) -> tuple[FleetReport, list[FleetEvent]]:
    events: list[FleetEvent] = []
    return run_fleet(targets(number), carrier, settings, events.append), events


def outcomes(report: FleetReport) -> list[TargetOutcome]:
    return [result.outcome for result in report.results]


def test_the_canary_goes_alone_and_the_others_after_it() -> None:
    seen: dict[str, list[str]] = {}
    carrier = Carrier()
    carrier.on_carry = lambda target: seen.update({target.name: list(carrier.carried)})
    report, events = run(carrier, 5, FleetSettings(jobs=2, canary=1))
    assert seen["t1"] == ["t1"]
    assert carrier.most_at_once <= 2
    assert outcomes(report) == [TargetOutcome.DONE] * 5
    assert [result.target for result in report.results] == list(targets(5))
    assert report.exit_code is ExitCode.DONE
    assert report.stop_reason == ""
    assert events[0] == TargetStarted(report.results[0].target, is_canary=True)
    finished = [event for event in events if isinstance(event, TargetFinished)]
    assert [(event.position, event.count) for event in finished] == [(n, 5) for n in range(1, 6)]


def test_jobs_is_how_many_run_at_once() -> None:
    together = threading.Barrier(3, timeout=30)
    carrier = Carrier(on_carry=lambda _: together.wait())
    run(carrier, 6, FleetSettings(jobs=3, canary=0))
    assert carrier.most_at_once == 3


@pytest.mark.parametrize(
    "outcome",
    [TargetOutcome.FAILED, TargetOutcome.UNUSABLE, TargetOutcome.GAVE_UP, TargetOutcome.PART_WAY],
)
def test_a_canary_that_does_not_succeed_keeps_all_others_from_being_begun(
    outcome: TargetOutcome,
) -> None:
    carrier = Carrier({"t2": outcome})
    settings = FleetSettings(jobs=4, canary=2, limit=FailureLimit(5))
    report, events = run(carrier, 5, settings)
    assert sorted(carrier.carried) == ["t1", "t2"]
    assert outcomes(report) == [TargetOutcome.DONE, outcome, *[TargetOutcome.NOT_STARTED] * 3]
    assert report.exit_code is CODES[outcome]
    assert report.stop_reason == 'the others wait for "t2", which did not succeed'
    assert FleetStopped(report.stop_reason) in events
    assert report.results[4].error == f"not begun: {report.stop_reason}"


def test_no_further_target_is_begun_when_as_many_failed_as_are_allowed() -> None:
    carrier = Carrier({"t2": TargetOutcome.FAILED, "t4": TargetOutcome.UNUSABLE})
    settings = FleetSettings(jobs=1, canary=1, limit=FailureLimit(2))
    report, _ = run(carrier, 6, settings)
    assert carrier.carried == ["t1", "t2", "t3", "t4"]
    assert outcomes(report)[4:] == [TargetOutcome.NOT_STARTED] * 2
    assert report.stop_reason == "2 targets of 6 failed, as many as --max-failures allows"
    assert report.exit_code is ExitCode.FINDINGS


@pytest.mark.parametrize(("has_begun", "carried"), [(False, 3), (True, 1)])
def test_one_that_gave_up_behind_another_runner_is_no_failure_of_the_others(
    *, has_begun: bool, carried: int
) -> None:
    transcript = Transcript()
    for line in (WAITED, *((PLANNED,) if has_begun else ()), FAILED):
        transcript.read(line)

    class Waiting(Carrier):
        def carry(self, target: Target, report: FleetProgress) -> TargetResult:
            super().carry(target, report)
            return transcript.conclude(target, 3, timedelta(), was_stopped=False)

    carrier = Waiting()
    run(carrier, 3, FleetSettings(jobs=1, canary=0))
    assert len(carrier.carried) == carried


@pytest.mark.parametrize(
    ("limit", "total", "allowed"),
    [
        (FailureLimit(3), 100, 3),
        (FailureLimit(10, is_percent=True), 50, 5),
        (FailureLimit(10, is_percent=True), 55, 6),
        (FailureLimit(1, is_percent=True), 5, 1),
        (FailureLimit(100, is_percent=True), 5, 5),
    ],
)
def test_a_part_of_the_targets_is_a_number_of_them(
    limit: FailureLimit, total: int, allowed: int
) -> None:
    assert limit.count_allowed(total) == allowed


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        ((TargetOutcome.GAVE_UP, TargetOutcome.UNUSABLE), ExitCode.USAGE),
        ((TargetOutcome.UNUSABLE, TargetOutcome.FAILED), ExitCode.FINDINGS),
        ((TargetOutcome.FAILED, TargetOutcome.PART_WAY), ExitCode.PART_WAY),
        ((TargetOutcome.NOTHING, TargetOutcome.GAVE_UP), ExitCode.GAVE_UP),
        ((TargetOutcome.NOTHING, TargetOutcome.DONE), ExitCode.DONE),
    ],
)
def test_the_exit_code_is_the_worst_of_all(ends: tuple[TargetOutcome, ...], code: ExitCode) -> None:
    carrier = Carrier(dict(zip(("t1", "t2"), ends, strict=True)))
    report, _ = run(carrier, 2, FleetSettings(canary=0, limit=FailureLimit(9)))
    assert report.exit_code is code


def test_after_a_signal_no_target_is_begun_and_those_under_way_are_stopped() -> None:
    carrier = Carrier({"t1": TargetOutcome.STOPPED})

    def carry(target: Target) -> None:
        del target
        os.kill(os.getpid(), signal.SIGTERM)
        assert carrier.is_stopped.wait(30)

    carrier.on_carry = carry
    report, events = run(carrier, 3, FleetSettings(jobs=1, canary=0))
    assert carrier.carried == ["t1"]
    assert outcomes(report) == [TargetOutcome.STOPPED, *[TargetOutcome.NOT_STARTED] * 2]
    assert report.stop_reason == "stopped by SIGTERM"
    assert report.exit_code is ExitCode.GAVE_UP
    assert FleetStopped("stopped by SIGTERM") in events


PLANNED = b'{"event":"run_planned","version":1}\n'
WAITED = b'{"event":"runner_waited","version":1}\n'
STATEMENT = b'{"event":"statement_finished","version":1,"stalled_ms":7,"error":null}\n'
FINISHED = b'{"event":"finished","applied":[{"revision":"1111"}],"current":["1111"]}\n'
NOTHING = b'{"event":"finished","applied":[],"current":["1111"]}\n'
FAILED = b'{"event":"failed","applied":[],"error":{"message":"m","hint":"h"}}\n'


@pytest.mark.parametrize(
    ("lines", "code", "was_stopped", "outcome", "exit_code", "error"),
    [
        ((PLANNED, STATEMENT, FINISHED), 0, False, TargetOutcome.DONE, 0, ""),
        ((NOTHING,), 0, True, TargetOutcome.NOTHING, 0, ""),
        ((b"what a library prints\n", PLANNED, FAILED), 1, False, TargetOutcome.FAILED, 1, "m"),
        ((FAILED,), 2, False, TargetOutcome.UNUSABLE, 2, "m"),
        ((FAILED,), 3, False, TargetOutcome.GAVE_UP, 3, "m"),
        ((FAILED,), 3, True, TargetOutcome.STOPPED, 3, "m"),
        ((PLANNED, FAILED), 4, True, TargetOutcome.PART_WAY, 4, "m"),
        ((WAITED,), -15, True, TargetOutcome.STOPPED, 3, "stopped before anything was told"),
        ((), -9, True, TargetOutcome.STOPPED, 3, "stopped before anything was told"),
        ((PLANNED,), -11, False, TargetOutcome.PART_WAY, 4, "its process ended by SIGSEGV"),
        ((), -11, False, TargetOutcome.UNUSABLE, 2, "its process ended by SIGSEGV"),
        ((), 99, False, TargetOutcome.UNUSABLE, 2, "its process ended with exit code 99"),
    ],
)
def test_what_a_process_tells_and_how_it_ends_make_the_outcome(
    *,
    lines: tuple[bytes, ...],
    code: int,
    was_stopped: bool,
    outcome: TargetOutcome,
    exit_code: int,
    error: str,
) -> None:
    transcript = Transcript()
    passed_on = [transcript.read(line) for line in lines]
    assert passed_on == [line.strip() if line.startswith(b"{") else b"" for line in lines]
    (target,) = targets(1)
    result = transcript.conclude(target, code, timedelta(seconds=1), was_stopped=was_stopped)
    assert (result.outcome, result.exit_code) == (outcome, exit_code)
    assert result.error.startswith(error)
    assert bool(result.error) is bool(error)
    assert result.stalled == (timedelta(milliseconds=7) if STATEMENT in lines else None)
    assert result.applied == (("1111",) if FINISHED in lines else ())


def test_one_that_waits_for_a_server_that_does_not_answer_is_stopped_too(
    folder: ProjectFolder,
) -> None:
    folder.add("first", "pass")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        host, port = server.getsockname()

        def stop_when_it_connects() -> None:
            with server.accept()[0] as connection:
                os.kill(os.getpid(), signal.SIGTERM)
                # until the process is gone
                while connection.recv(1024):
                    pass

        target = Target("silent", f"postgresql://{host}:{port}/nothing")
        carrier = ChildCarrier(
            ("upgrade", "-c", str(folder.config), "--format", "json"),
            {**os.environ, "PGCONNECT_TIMEOUT": "300"},
        )
        waiting = threading.Thread(target=stop_when_it_connects)
        waiting.start()
        report = run_fleet((target,), carrier, FleetSettings(), lambda _: None)
        waiting.join()
    assert outcomes(report) == [TargetOutcome.STOPPED]
    assert report.exit_code is ExitCode.GAVE_UP


SECRET = {"PASSWORD": "p@ss/w%rd", "EU": "postgresql://app:hunter2@eu:5433/shop", "HOST": "us"}


@pytest.mark.parametrize(
    ("text", "name", "url"),
    [
        ("postgresql://db/shop", "shop@db", "postgresql://db/shop"),
        ("postgres://a:b@db:5433/shop", "shop@db:5433", "postgres://a:b@db:5433/shop"),
        ("postgresql:///shop?host=/run/pg", "shop@/run/pg", "postgresql:///shop?host=/run/pg"),
        ("postgresql:///shop", "shop", "postgresql:///shop"),
        (" eu = postgresql://db/shop ", "eu", "postgresql://db/shop"),
        ("eu=postgresql://db/shop?sslmode=require", "eu", "postgresql://db/shop?sslmode=require"),
        ("${EU}", "shop@eu:5433", SECRET["EU"]),
        (
            "us=postgresql://app:${PASSWORD}@${HOST}/shop",
            "us",
            "postgresql://app:p%40ss%2Fw%25rd@us/shop",
        ),
    ],
)
def test_a_target_is_a_url_with_or_without_a_name(text: str, name: str, url: str) -> None:
    target = parse_target(text, SECRET)
    assert (target.name, target.url) == (name, url)
    assert "hunter2" not in repr(target)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("postgresql://app:${NOBODY}@db/shop", 'the variable "NOBODY" is not set'),
        ("eu=nothing", 'target "eu": the database URL cannot be parsed'),
        ("eu=", "the database URL cannot be parsed"),
        ("postgresql://app:hunter2@db", "the URL names no database"),
        ("hunter2", "the database URL cannot be parsed"),
    ],
)
def test_what_is_no_target_is_an_error_that_shows_no_password(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse_target(text, SECRET, place='"targets" line 3')
    assert caught.value.message.startswith('"targets" line 3: ')
    assert "hunter2" not in caught.value.message + caught.value.hint


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(NotPostgresError):
        parse_target("mysql://db/shop", {})


def test_a_file_has_a_target_a_line_and_comments(tmp_path: Path) -> None:
    file = tmp_path / "targets"
    file.write_text(
        "# the shops\n\neu=postgresql://eu/shop\n  # not yet: asia\n${EU}\n", encoding="utf-8-sig"
    )
    assert [target.name for target in read_targets(file, SECRET)] == ["eu", "shop@eu:5433"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"# nothing\n", "names no target"),
        (b"\xff\xfe", "it is not UTF-8"),
        (b"eu=postgresql://a/b\nnothing\n", "line 2: the database URL cannot be parsed"),
    ],
)
def test_a_file_that_is_no_list_of_targets_is_an_error(
    tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "targets"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_targets(file, {})


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or directory"):
        read_targets(tmp_path / "targets", {})


def test_two_targets_of_one_name_and_one_that_is_there_twice_are_refused() -> None:
    with pytest.raises(UsageError, match='2 targets are named "shop"'):
        check_targets(
            (Target("shop", "postgresql://a/shop"), Target("shop", "postgresql://b/shop"))
        )
    with pytest.raises(UsageError, match='target "eu" is named more than once'):
        check_targets((Target("eu", "postgresql://a/shop"), Target("us", "postgresql://a/shop")))
