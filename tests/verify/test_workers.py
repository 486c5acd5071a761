"""Work in a forked process that tells what it finds, and ends with whoever asked for it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from safemigrate.verify.workers import Worker

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")

Send = Callable[[object], None]


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_everything_that_is_sent_comes_in_order_from_another_process() -> None:
    def work(send: Send) -> None:
        for number in range(1000):
            send((number, os.getpid()))

    with Worker(work) as worker:
        found = list(worker.receive(is_waiting=True))

    assert [number for number, _ in found] == list(range(1000))
    assert {process for _, process in found} != {os.getpid()}
    assert (worker.is_over, worker.has_failed) == (True, False)


def test_a_value_longer_than_the_pipe_comes_whole() -> None:
    with Worker(lambda send: send("x" * 5_000_000)) as worker:
        assert list(worker.receive(is_waiting=True)) == ["x" * 5_000_000]


def test_what_was_sent_before_an_error_comes_and_the_rest_is_said_to_be_missing() -> None:
    def work(send: Send) -> None:
        send(1)
        raise ValueError

    with Worker(work) as worker:
        assert list(worker.receive(is_waiting=True)) == [1]
        assert worker.has_failed


def test_a_killed_worker_is_said_to_have_failed() -> None:
    def work(send: Send) -> None:
        send(1)
        os.kill(os.getpid(), signal.SIGKILL)

    with Worker(work) as worker:
        assert list(worker.receive(is_waiting=True)) == [1]
        assert worker.has_failed


def test_what_cannot_be_pickled_is_a_failure() -> None:
    with Worker(lambda send: send(lambda: None)) as worker:
        assert list(worker.receive(is_waiting=True)) == []
        assert worker.has_failed


def test_receiving_without_waiting_gives_what_is_there(tmp_path: Path) -> None:
    go = tmp_path / "go"

    def work(send: Send) -> None:
        send(1)
        wait_for(go.exists)
        send(2)

    with Worker(work) as worker:
        found: list[int] = []
        deadline = time.monotonic() + 20
        while not found and time.monotonic() < deadline:
            found += worker.receive(is_waiting=False)
        assert (found, worker.is_over) == ([1], False)
        go.touch()
        assert list(worker.receive(is_waiting=True)) == [2]


def test_a_worker_that_is_not_waited_for_cleans_up_and_ends_with_the_block(tmp_path: Path) -> None:
    started, cleaned = tmp_path / "started", tmp_path / "cleaned"

    def work(send: Send) -> None:
        try:
            started.touch()
            send(os.getpid())
            signal.pause()
        finally:
            cleaned.touch()

    with Worker(work) as worker:
        wait_for(started.exists)
        (process,) = worker.receive(is_waiting=False)

    assert cleaned.exists()
    assert not is_running(process)


_PARENT = """
import os, signal, sys, time
from pathlib import Path
from safemigrate.verify.workers import Worker

# a shell's background job ignores it
signal.signal(signal.SIGINT, signal.default_int_handler)

def work(send):
    try:
        Path(sys.argv[1], "started").write_text(str(os.getpid()))
        while True:
            signal.pause()
    finally:
        Path(sys.argv[1], "cleaned").touch()

with Worker(work) as worker:
    list(worker.receive(is_waiting=True))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_worker_outlives_its_parent(tmp_path: Path, how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path)], stderr=subprocess.PIPE
    ) as parent:
        try:
            started = tmp_path / "started"
            wait_for(lambda: started.exists() and bool(started.read_text()))
            worker = int(started.read_text())
            parent.send_signal(how)
            parent.wait(20)
        finally:
            parent.kill()
        wait_for(lambda: not is_running(worker))

    assert (tmp_path / "cleaned").exists()
