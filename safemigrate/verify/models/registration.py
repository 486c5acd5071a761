"""Which models env.py does not import, found out in a process of its own."""

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO

from msgspec import DecodeError, Struct
from msgspec import json as decoding

from safemigrate.model.secrets import hide_passwords
from safemigrate.verify.stage import Whole

__all__ = ["Roster", "Unlisted", "find_unregistered"]

# Seconds that Python, and what we import, may take on a busy machine.
_LONGEST_START = 60.0


@dataclass(frozen=True, slots=True)
class Roster:
    """The tables of models that only other modules than env.py's bring.

    `unregistered`: table and module. `failed`: modules that cannot be imported, and why.
    `packages`: where modules were looked for. `count`: how many were imported.
    """

    unregistered: tuple[tuple[str, str], ...]
    failed: tuple[tuple[str, str], ...]
    packages: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Unlisted:
    """Why it is not known; `is_unasked`: the project gives no metadata."""

    reason: str
    is_unasked: bool = False


class _Line(Struct, forbid_unknown_fields=True):
    """A line of the process: what it is at, what ended it, or what it found."""

    step: str = ""
    error: str = ""
    has_metadata: bool = True
    unregistered: tuple[tuple[str, str], ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    packages: tuple[str, ...] = ()
    count: int = 0


def find_unregistered(whole: Whole) -> Roster | Unlisted:
    """Run env.py, import every module beside its models, and return the tables that are new.

    env.py runs as it is, on a copy of the head. The other modules are imported without network,
    other processes or writes, and all of it has the time that one revision may take.
    """
    limit = whole.choices.time_limit.total_seconds()
    with _database(whole) as url:
        request = {"config": str(whole.project.config_path), "url": url}
        output, ended = _ask(json.dumps(request).encode(), limit)
    if ended is None:
        return Unlisted(f"{_last_step(output)} took longer than {limit:g} s")
    try:
        found = decoding.decode(output.splitlines()[-1], type=_Line)
    except (IndexError, DecodeError):
        found = _Line(step="starting")
    if found.step:
        return Unlisted(hide_passwords(f"{found.step} ended the process, {ended}"))
    if found.error:
        return Unlisted(hide_passwords(found.error))
    if not found.has_metadata:
        return Unlisted("env.py gives context.configure() no target_metadata", is_unasked=True)
    return Roster(found.unregistered, found.failed, found.packages, found.count)


def _ask(request: bytes, limit: float) -> tuple[bytes, str | None]:
    """Return what the process writes, and how it ended; None where it takes too long.

    `limit`: seconds from its first line on, for Python itself may take a while to start.
    """
    output = b""
    with TemporaryFile() as errors:
        process = subprocess.Popen(
            (sys.executable, "-P", "-m", "safemigrate.verify.models.roster"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        with process, _killed(process), selectors.DefaultSelector() as selector:
            assert process.stdin is not None  # noqa: S101 - a pipe, as asked
            assert process.stdout is not None  # noqa: S101 - the same
            # one that has ended already tells so below
            with suppress(BrokenPipeError), process.stdin:
                process.stdin.write(request)
            selector.register(process.stdout, selectors.EVENT_READ)
            deadline = time.monotonic() + _LONGEST_START + limit
            while selector.select(max(0.0, deadline - time.monotonic())):
                more = os.read(process.stdout.fileno(), 65_536)
                if not more:
                    return output, _describe_end(process.wait(), errors)
                if not output:
                    deadline = time.monotonic() + limit
                output += more
    return output, None


@contextmanager
def _killed(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill the process at the end, also at an interrupt; one that has ended is left alone."""
    try:
        yield
    finally:
        process.kill()


def _describe_end(code: int, errors: IO[bytes]) -> str:
    """Return the exit code, with the last line that the process had to say."""
    errors.seek(0)
    lines = errors.read().decode(errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f"exit code {code}" + (f": {last}" if last else "")


def _last_step(output: bytes) -> str:
    steps = []
    for line in output.splitlines():
        try:
            steps.append(decoding.decode(line, type=_Line).step)
        except DecodeError:
            # cut off in the middle
            continue
    return next((one for one in reversed(steps) if one), "starting")


@contextmanager
def _database(whole: Whole) -> Iterator[str]:
    name = whole.server.create_database(whole.head)
    try:
        yield whole.server.url(name)
    finally:
        whole.server.drop_database(name)
