"""The first process of a container is ended by SIGTERM like any other."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

FIRST = ("unshare", "--pid", "--fork")
AS_ANYBODY = () if os.getuid() == 0 else ("--user", "--map-root-user")


def test_it_ends_before_anything_has_begun(tmp_path: Path) -> None:
    pipe = tmp_path / "schema.sql"
    os.mkfifo(pipe)
    change = tmp_path / "change.sql"
    change.write_text("CREATE TABLE t ();\n", encoding="utf-8")
    command = (sys.executable, "-m", "safemigrate", "lint", "--schema", str(pipe), str(change))
    outer = subprocess.Popen((*FIRST, *AS_ANYBODY, *command), cwd=tmp_path)
    try:
        # it reads there, and what it waits for never comes
        writing = open_when_read(pipe, outer)
        first = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text(encoding="utf-8")
        os.kill(int(first), signal.SIGTERM)

        assert outer.wait(timeout=60) == 128 + signal.SIGTERM
        os.close(writing)
    finally:
        outer.kill()
        outer.wait()


def open_when_read(pipe: Path, reader: subprocess.Popen[bytes]) -> int:
    """Return the end to write to, once the other is open; fails when the reader ends before."""
    while reader.poll() is None:
        with suppress(OSError):
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        time.sleep(0.05)
    pytest.fail(f"it ended with {reader.returncode} before it read anything")
