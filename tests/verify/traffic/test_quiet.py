"""One measurement at a time on a machine."""

from pathlib import Path
from threading import Event, Thread

import pytest

from safemigrate.verify.traffic import alone


def test_a_second_one_waits_until_the_first_is_over(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    is_waiting, is_in = Event(), Event()

    def wait(seconds: float) -> None:
        is_waiting.set()
        is_in.wait(seconds)

    def measure() -> None:
        with alone(lock, sleep=wait):
            is_in.set()

    second = Thread(target=measure)
    with alone(lock):
        second.start()
        assert is_waiting.wait(10)
        assert not is_in.is_set()
    second.join(10)
    assert is_in.is_set()


def test_who_has_waited_long_enough_goes_on(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    with alone(lock), alone(lock, clock=lambda: now, sleep=sleep):
        assert now >= 20


def test_an_error_lets_the_next_one_in(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    waits: list[float] = []

    with pytest.raises(KeyError), alone(lock):
        raise KeyError
    with alone(lock, sleep=waits.append):
        assert waits == []


def test_a_link_in_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    link = tmp_path / "lock"
    link.symlink_to(target)

    with alone(link):
        assert not target.exists()
