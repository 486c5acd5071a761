"""Targets carried by processes of this machine, one for each.

Alembic keeps what it works with in the module `alembic.context`, so that one process can migrate
one database at a time.
"""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import IO

from safemigrate.errors import ExitCode
from safemigrate.execute.fleet.result import (
    FleetProgress,
    TargetOutcome,
    TargetResult,
    TargetSaid,
)
from safemigrate.execute.fleet.target import Target
from safemigrate.execute.fleet.transcript import Transcript
from safemigrate.model.secrets import hide_passwords

__all__ = ["SCHEMA_VARIABLE", "URL_VARIABLE", "ChildCarrier", "look_at_target"]

URL_VARIABLE = "SAFEMIGRATE_URL"
SCHEMA_VARIABLE = "SAFEMIGRATE_SCHEMA"

# How long one that has not begun anything may take to end by itself.
_GRACE_SECONDS = 1.5

# How long libpq tries an address that does not answer; without it, minutes.
# https://www.postgresql.org/docs/current/libpq-envars.html
_CONNECT_TIMEOUT = ("PGCONNECT_TIMEOUT", "10")


@dataclass(slots=True)
class _Child:
    process: subprocess.Popen[bytes]
    transcript: Transcript


@dataclass(slots=True)
class ChildCarrier:
    """Runs safemigrate anew for each target.

    `arguments`: what stands behind `safemigrate`, the same for all; a target's URL and schema go
    by the environment, where no other account sees them. `variables`: the environment otherwise.
    `now`: seconds of a clock that never goes back.
    """

    arguments: Sequence[str]
    variables: Mapping[str, str]
    now: Callable[[], float] = time.monotonic
    _children: list[_Child] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_stopped: bool = False
    _timer: threading.Timer | None = None

    def carry(self, target: Target, report: FleetProgress) -> TargetResult:
        """Return what became of the target, when its process has ended."""
        started = self.now()
        child = self._start(target)
        if child is None:
            return TargetResult(
                target, TargetOutcome.NOT_STARTED, ExitCode.GAVE_UP, error="not begun"
            )
        process = child.process
        told = threading.Thread(
            target=_pass_on,
            args=(target, process.stderr, report),
            name="safemigrate-target-lines",
            daemon=True,
        )
        told.start()
        for line in process.stdout or ():
            event = child.transcript.read(line)
            if event:
                report(TargetSaid(target, event=event))
        code = process.wait()
        told.join()
        with self._lock:
            self._children.remove(child)
            if self._timer is not None and not self._children:
                self._timer.cancel()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        took = timedelta(seconds=self.now() - started)
        return child.transcript.conclude(target, code, took, was_stopped=self._is_stopped)

    def stop(self) -> None:
        """Ask all to stop where it can be gone on with, and end those that have begun nothing."""
        with self._lock:
            self._is_stopped = True
            children = tuple(self._children)
            if children and self._timer is None:
                # one that still waits for an address to answer does not hear the first signal
                self._timer = threading.Timer(_GRACE_SECONDS, _end_idle, (children,))
                self._timer.daemon = True
                self._timer.start()
        for child in children:
            child.process.send_signal(signal.SIGTERM)

    def _start(self, target: Target) -> _Child | None:
        """Start the process, unless all are to stop."""
        with self._lock:
            if self._is_stopped:
                return None
            process = subprocess.Popen(  # noqa: S603 - this very package
                (*_interpreter(), *self.arguments),
                env=_environment(self.variables, target),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # the terminal's Ctrl-C is ours to pass on: two signals would end it at once
                start_new_session=True,
            )
            child = _Child(process, Transcript())
            self._children.append(child)
            return child


def look_at_target(
    target: Target, arguments: Sequence[str], variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Return what a command that changes nothing says of the target; as `ChildCarrier`."""
    return subprocess.run(  # noqa: S603 - this very package
        (*_interpreter(), *arguments),
        env=_environment(variables, target),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def _interpreter() -> tuple[str, ...]:
    """Return how this very package is run by this very Python."""
    # with -m, Python puts the current directory first on sys.path, and the console script does not
    is_module = sys.argv[0].endswith("__main__.py")
    return (sys.executable, *(() if is_module else ("-P",)), "-m", "safemigrate")


def _environment(variables: Mapping[str, str], target: Target) -> dict[str, str]:
    """Return the environment of the target's process."""
    left = {name: value for name, value in variables.items() if name != SCHEMA_VARIABLE}
    left.setdefault(*_CONNECT_TIMEOUT)
    if target.url is not None:
        left[URL_VARIABLE] = target.url
    else:
        left.pop(URL_VARIABLE, None)
    if target.schema:
        left[SCHEMA_VARIABLE] = target.schema
    return left


def _pass_on(target: Target, stream: IO[bytes] | None, report: FleetProgress) -> None:
    """Report the lines of a stream until it ends."""
    for line in stream or ():
        text = line.decode(errors="replace").rstrip()
        if text:
            report(TargetSaid(target, hide_passwords(text)))


def _end_idle(children: Sequence[_Child]) -> None:
    for child in children:
        if not child.transcript.has_begun:
            child.process.send_signal(signal.SIGKILL)
