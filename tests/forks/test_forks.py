"""Work in a forked process is the same as without it."""

import os
import signal
import sys
import threading
from pathlib import Path
from threading import Event, Thread

import pytest

from safemigrate.forks import Fork, count_cores

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")


def test_the_result_comes_out_of_another_process() -> None:
    with Fork(os.getpid) as fork:
        assert fork.result() != os.getpid()


def test_a_large_result_comes_whole() -> None:
    with Fork(lambda: list(range(1_000_000))) as fork:
        assert fork.result() == list(range(1_000_000))


def test_an_error_is_raised_where_the_result_is_asked_for() -> None:
    def fail() -> int:
        raise ValueError("no")

    with Fork(fail) as fork, pytest.raises(ValueError, match="no"):
        fork.result()


def test_what_is_killed_is_done_again_here() -> None:
    own = os.getpid()

    def work() -> int:
        if os.getpid() != own:
            os.kill(os.getpid(), signal.SIGKILL)
        return os.getpid()

    with Fork(work) as fork:
        assert fork.result() == own


def test_what_cannot_be_handed_over_is_done_again_here() -> None:
    own = os.getpid()
    with Fork(lambda: (os.getpid(), lambda: None)) as fork:
        assert fork.result()[0] == own


def test_where_nothing_can_be_forked_the_work_is_done_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> int:
        raise OSError

    monkeypatch.setattr(os, "fork", refuse)
    with Fork(os.getpid) as fork:
        assert fork.result() == os.getpid()


def test_what_nobody_waits_for_is_ended(tmp_path: Path) -> None:
    begun, done = tmp_path / "begun", tmp_path / "done"
    os.mkfifo(begun)

    def work() -> None:
        begun.write_text(str(os.getpid()), encoding="utf-8")
        signal.pause()
        done.touch()

    with Fork(work):
        process = int(begun.read_text(encoding="utf-8"))
    with pytest.raises(ChildProcessError):
        os.waitpid(process, os.WNOHANG)
    assert not done.exists()


def test_nothing_is_forked_beside_other_threads() -> None:
    end = Event()
    thread = Thread(target=end.wait)
    thread.start()
    try:
        assert count_cores() == 1
    finally:
        end.set()
        thread.join()
    if threading.active_count() == 1:
        assert count_cores() == len(os.sched_getaffinity(0))
