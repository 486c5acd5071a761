"""Standard output as a stream of JSON: one event a line, and nothing else."""

import errno
import os
import sys
from datetime import UTC, datetime
from typing import TextIO

from safemigrate.cli.output import explain_lost_output
from safemigrate.errors import UsageError
from safemigrate.execute import RunEvent
from safemigrate.report.event_documents import Line
from safemigrate.report.events import encode_line, event_line

__all__ = ["EventStream", "open_events"]


class EventStream:
    """Writes each line at once; a run goes on when they cannot be written any more."""

    def __init__(self, target: TextIO | int) -> None:
        self._target = target
        self._fault: OSError | None = None

    def tell(self, event: RunEvent) -> None:
        """Write the line of an event, where it has one."""
        line = event_line(event, datetime.now(UTC))
        if line is not None:
            self.write(line)

    def write(self, line: Line) -> None:
        """Write the line."""
        if self._fault is not None:
            return
        text = encode_line(line)
        try:
            if isinstance(self._target, int):
                _write_all(self._target, text.encode(errors="replace"))
            else:
                self._target.write(text)
                self._target.flush()
        except OSError as error:
            self._fault = error

    def find_fault(self) -> UsageError | None:
        """Return what kept the lines from being written; a reader that went away is no fault."""
        if self._fault is None or self._fault.errno == errno.EPIPE:
            return None
        return explain_lost_output(self._fault)


def open_events() -> EventStream:
    """Take standard output for the stream, and lead everything else to standard error.

    Until the process ends: what env.py registers to be done then may print as well.
    """
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        # no file, but whatever the program put there that called the command
        return EventStream(sys.stdout)
    sys.stdout.flush()
    kept = os.dup(descriptor)
    try:
        os.dup2(sys.stderr.fileno(), descriptor)
    except (OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, descriptor)
        os.close(nothing)
    return EventStream(kept)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
