"""Hooks: shell commands around a run, and functions that hear its events."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from safemigrate.errors import GateRefusedError
from safemigrate.execute import (
    HookFinished,
    HookMoment,
    HookPrinted,
    HookStarted,
    RunEvent,
    RunWarned,
    StopRequested,
)
from safemigrate.execute import hooks as module
from safemigrate.execute.hooks import HookCall, add_listeners, run_after_hooks, run_before_hooks

LONG = timedelta(seconds=60)


def call(moment: HookMoment = HookMoment.BEFORE, *, timeout: timedelta = LONG) -> HookCall:
    return HookCall(
        moment,
        "upgrade",
        revisions=("1111", "2222"),
        heads=("0000",),
        outcome="planned",
        document='{"event":"run_planned"}\n',
        timeout=timeout,
    )


@pytest.fixture
def events() -> list[RunEvent]:
    return []


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    # what is dead waits for whoever collects it
    return state.rpartition(") ")[2][0] != "Z"


def printed(events: list[RunEvent]) -> list[str]:
    return [event.line for event in events if isinstance(event, HookPrinted)]


def test_a_command_is_told_what_is_going_to_run(events: list[RunEvent]) -> None:
    command = (
        'echo "$SAFEMIGRATE_EVENT $SAFEMIGRATE_DIRECTION $SAFEMIGRATE_REVISIONS'
        ' $SAFEMIGRATE_HEADS $SAFEMIGRATE_OUTCOME"; cat'
    )
    run_before_hooks([command], call(), events.append)
    first, second = printed(events)
    assert first == "before upgrade 1111 2222 0000 planned"
    assert json.loads(second) == {"event": "run_planned"}
    assert isinstance(events[0], HookStarted)
    last = events[-1]
    assert isinstance(last, HookFinished)
    assert last.exit_code == 0


def test_a_command_gets_no_more_of_the_environment_than_there_was(
    events: list[RunEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "mine")
    run_before_hooks(["env | sort; echo $PGPASSWORD > /dev/null"], call(), events.append)
    names = {line.partition("=")[0] for line in printed(events)}
    ours = {"EVENT", "DIRECTION", "REVISIONS", "HEADS", "OUTCOME"}
    assert {f"SAFEMIGRATE_{name}" for name in ours} <= names
    assert not {name for name in names if name.startswith("SAFEMIGRATE_URL")}


def test_a_command_that_fails_refuses_the_run_and_those_behind_it_are_not_run(
    events: list[RunEvent],
) -> None:
    with pytest.raises(GateRefusedError, match=r"exit 3.* refused the run.*exit code 3") as caught:
        run_before_hooks(["true", "echo why >&2; exit 3", "echo never"], call(), events.append)
    assert "nothing was changed" in caught.value.hint
    assert printed(events) == ["why"]


def test_a_command_that_ignores_what_it_is_told_is_no_fault(events: list[RunEvent]) -> None:
    long = HookCall(HookMoment.BEFORE, "upgrade", (), (), "planned", "x" * 1_000_000, LONG)
    run_before_hooks(["true"], long, events.append)
    assert events[-1] == HookFinished(HookMoment.BEFORE, "true", 0, events[-1].duration)  # type: ignore[union-attr]  # it is one, or the test fails


def test_a_command_that_takes_too_long_is_ended_with_all_it_started(
    events: list[RunEvent], tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    command = f"sleep 600 & echo $! > {pids}; wait"
    # long enough for a shell to begin on a busy machine
    with pytest.raises(GateRefusedError, match=r"was ended after 3\.0 s"):
        run_before_hooks([command], call(timeout=timedelta(seconds=3)), events.append)
    end = time.monotonic() + 30
    while is_alive(int(pids.read_text())):
        assert time.monotonic() < end


def test_a_command_behind_a_run_warns_and_the_others_follow(events: list[RunEvent]) -> None:
    run_after_hooks(["exit 4", "echo second"], call(HookMoment.AFTER), events.append)
    (warning,) = [event.text for event in events if isinstance(event, RunWarned)]
    assert '"exit 4"' in warning
    assert "exit code 4" in warning
    assert printed(events) == ["second"]


def test_a_password_in_a_command_is_not_told(events: list[RunEvent]) -> None:
    command = "echo postgresql://a:sesame@host/db; exit 1"
    with pytest.raises(GateRefusedError) as caught:
        run_before_hooks([command], call(), events.append)
    assert "sesame" not in f"{events} {caught.value.message}"
    assert printed(events) == ["postgresql://a:***@host/db"]


heard: list[RunEvent] = []


def hear(event: RunEvent) -> None:
    heard.append(event)


def complain(event: RunEvent) -> None:
    raise SystemExit(f"cannot take {type(event).__name__}, password=sesame")


NO_FUNCTION = 1


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the functions that packages bring."""
    names: list[str] = []
    here = f"{__name__}"

    def entry_points(*, group: str) -> list[EntryPoint]:
        return [EntryPoint(name, f"{here}:{name}", group) for name in names]

    monkeypatch.setattr(module, "entry_points", entry_points)
    yield names
    heard.clear()


EVENT = StopRequested("SIGTERM")


def test_a_function_hears_every_event(points: list[str], events: list[RunEvent]) -> None:
    points.append("hear")
    with add_listeners(events.append) as report:
        report(EVENT)
    assert events == heard == [EVENT]


def test_a_function_that_raises_is_a_warning_and_hears_no_more(
    points: list[str], events: list[RunEvent]
) -> None:
    points.append("complain")
    with add_listeners(events.append) as report:
        report(EVENT)
        report(EVENT)
    first, warning, second = events
    assert first == second == EVENT
    assert isinstance(warning, RunWarned)
    assert '"complain" raised SystemExit: cannot take StopRequested' in warning.text
    assert "sesame" not in warning.text


@pytest.mark.parametrize("name", ["NO_FUNCTION", "missing"])
def test_a_function_that_is_none_is_a_warning(
    points: list[str], events: list[RunEvent], name: str
) -> None:
    points.append(name)
    with add_listeners(events.append) as report:
        report(EVENT)
    warning, event = events
    assert isinstance(warning, RunWarned)
    assert f'the hook "{name}" cannot be used' in warning.text
    assert event == EVENT


def test_without_functions_nothing_stands_in_between(
    points: list[str], events: list[RunEvent]
) -> None:
    assert points == []
    tell = events.append
    with add_listeners(tell) as report:
        assert report is tell
