"""Commands in a process of their own, and Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.conftest import ProjectFolder

__all__ = ["interrupt", "interrupt_reading", "press", "start"]


_PRESSES = 12
_PATIENCE_SECONDS = 5


def press(process: subprocess.Popen[str], number: signal.Signals = signal.SIGINT) -> None:
    """Send the signal until the process has ended.

    It is sent again where nothing happens, as anybody would press the key again: Python loses the
    exception where it comes in a callback of its own, such as a finalizer, that nothing leaves.
    """
    for _ in range(_PRESSES):
        process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE_SECONDS)
            return


def interrupt(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Press the key; return the exit code, and what was written to standard error."""
    press(process)
    out, err = process.communicate(timeout=_PATIENCE_SECONDS)
    assert out == ""
    assert "Traceback" not in err
    return process.returncode, err


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start the command in the current directory."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        (sys.executable, "-m", "safemigrate", *arguments), stdout=pipe, stderr=pipe, text=True
    )


def interrupt_reading(folder: ProjectFolder, *arguments: str) -> tuple[int, str]:
    """Press the key while a revision is read that never ends."""
    folder.revise("aaaa", 'op.execute("SELECT 1")')
    pipe = folder.path / "migrations/versions/bbbb.py"
    os.mkfifo(pipe)
    with start(*arguments) as process:
        try:
            writing = open_when_read(pipe, process)
            ended = interrupt(process)
            os.close(writing)
        finally:
            process.kill()
    return ended


def open_when_read(pipe: Path, reader: subprocess.Popen[str]) -> int:
    """Return the end to write to, once the other is open; fails when the reader ends before."""
    while reader.poll() is None:
        with suppress(OSError):
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        time.sleep(0.05)
    pytest.fail(f"it ended with {reader.returncode} before it read anything")
