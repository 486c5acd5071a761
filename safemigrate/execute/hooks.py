"""Hooks of a project: shell commands around a run, and Python functions that hear its events."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import EntryPoint, entry_points

from safemigrate.errors import GateRefusedError
from safemigrate.execute.events import (
    HookFinished,
    HookMoment,
    HookPrinted,
    HookStarted,
    Progress,
    RunEvent,
    RunWarned,
)
from safemigrate.execute.outcome import describe_duration
from safemigrate.execute.stopping import StopSignal
from safemigrate.model.secrets import hide_passwords
from safemigrate.source.directory import find_start

__all__ = ["GROUP", "HookCall", "add_listeners", "run_after_hooks", "run_before_hooks"]

GROUP = "safemigrate.hooks"
"""The group of entry points whose functions hear of every event of a run."""

_GRACE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class HookCall:
    """What the shell commands of one moment are told.

    `outcome`: `planned` before the run; behind it `done`, `refused`, `failed`, `gave-up`, `stopped`
    or `part-way`. `document`: the JSON on their standard input. `timeout`: for each of them.
    """

    moment: HookMoment
    direction: str
    revisions: Sequence[str]
    heads: Sequence[str]
    outcome: str
    document: str
    timeout: timedelta

    def variables(self) -> Mapping[str, str]:
        """Return what is added to the environment; lists are parted by spaces."""
        return {
            "SAFEMIGRATE_EVENT": self.moment.value,
            "SAFEMIGRATE_DIRECTION": self.direction,
            "SAFEMIGRATE_REVISIONS": " ".join(self.revisions),
            "SAFEMIGRATE_HEADS": " ".join(self.heads),
            "SAFEMIGRATE_OUTCOME": self.outcome,
        }


def run_before_hooks(commands: Sequence[str], call: HookCall, report: Progress) -> None:
    """Run the commands, one after the other.

    Raises GateRefusedError with the first that fails; those behind it are not run. A
    KeyboardInterrupt ends the command, with all that it has started.
    """
    for command in commands:
        fault = _run_hook(command, call, report)
        if fault:
            raise GateRefusedError(
                f'the hook "{hide_passwords(command)}" refused the run: it {fault}',
                "nothing was changed; what it wrote is above, and `run.before` of the "
                "configuration names it",
            )


def run_after_hooks(commands: Sequence[str], call: HookCall, report: Progress) -> None:
    """Run the commands, all of them, and warn of those that fail.

    SIGTERM and SIGINT end the one that runs and leave out the others.
    """
    if not commands:
        return
    with StopSignal(_hear_nothing) as stop:
        for command in commands:
            name = hide_passwords(command)
            if stop.received:
                report(RunWarned(f'the hook "{name}" was not run: {stop.received}'))
                continue
            try:
                with stop.breaking():
                    fault = _run_hook(command, call, report)
            except KeyboardInterrupt:
                fault = f"was ended by {stop.received}"
            if fault:
                report(RunWarned(f'the hook "{name}" {fault}; what was done stays as it is'))


def _hear_nothing(name: str) -> None:
    del name


@contextlib.contextmanager
def add_listeners(progress: Progress) -> Iterator[Progress]:
    """Yield `progress`, and the functions of the entry points behind it.

    What one of them raises is a warning, and it hears no more; a run goes on.
    """
    listeners = {
        point.name: listener
        for point in entry_points(group=GROUP)
        if (listener := _load(point, progress)) is not None
    }

    def report(event: RunEvent) -> None:
        progress(event)
        for name, listener in tuple(listeners.items()):
            fault = _call(listener, event)
            if fault:
                del listeners[name]
                progress(RunWarned(f'the hook "{name}" raised {fault}; it hears no more'))

    yield report if listeners else progress


def _load(point: EntryPoint, progress: Progress) -> Progress | None:
    try:
        found = point.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - anybody's code
        reason = _describe(error)
    else:
        if callable(found):
            listener: Progress = found
            return listener
        reason = f"{point.value} cannot be called"
    progress(RunWarned(f'the hook "{point.name}" cannot be used: {reason}'))
    return None


def _call(listener: Progress, event: RunEvent) -> str:
    """Return what the listener raised, "" for nothing."""
    try:
        listener(event)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - anybody's code
        return _describe(error)
    return ""


def _describe(error: BaseException) -> str:
    text = hide_passwords(" ".join(str(error).split()))
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _run_hook(command: str, call: HookCall, report: Progress) -> str:
    """Return what went wrong, in words that follow its name; "" for nothing."""
    name = hide_passwords(command)
    report(HookStarted(call.moment, name))
    began = time.monotonic()
    code: int | None = None
    try:
        with _started(command, call) as process:
            feeder = threading.Thread(target=_feed, args=(process, call.document), daemon=True)
            reader = threading.Thread(target=_read, args=(process, call, name, report), daemon=True)
            feeder.start()
            reader.start()
            code = process.wait(call.timeout.total_seconds())
            # what it started and left running may keep the stream open
            reader.join(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        return f"was ended after {describe_duration(call.timeout)}"
    except OSError as error:
        return f"could not be started: {(error.strerror or type(error).__name__).lower()}"
    finally:
        took = timedelta(seconds=time.monotonic() - began)
        report(HookFinished(call.moment, name, code, took))
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}" if code else ""


@contextlib.contextmanager
def _started(command: str, call: HookCall) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command in a session of its own; end that, when the block is left early."""
    process = subprocess.Popen(  # noqa: S603 - the project's configuration says what to run
        ("/bin/sh", "-c", command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # env.py may have gone elsewhere
        cwd=find_start() or None,
        env={**os.environ, **call.variables()},
        start_new_session=True,
    )
    try:
        yield process
    except BaseException:
        _end(process)
        raise


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the process and its children to end, and make them a moment later."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)


def _feed(process: subprocess.Popen[bytes], document: str) -> None:
    # a command need not read what it is given
    with contextlib.suppress(OSError), process.stdin or contextlib.nullcontext() as stream:
        if stream is not None:
            stream.write(document.encode())


def _read(process: subprocess.Popen[bytes], call: HookCall, name: str, report: Progress) -> None:
    with (
        contextlib.suppress(OSError, ValueError),
        process.stdout or contextlib.nullcontext() as lines,
    ):
        for line in lines or ():
            text = hide_passwords(line.decode(errors="replace").rstrip())
            report(HookPrinted(call.moment, name, text))
