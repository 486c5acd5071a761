"""Who made something: a process, known by more than its pid."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from safemigrate.server.owners import Owner, find_owner, this_process

SAY = "from safemigrate.server.owners import this_process; print(this_process())"


def test_a_process_that_runs_is_not_gone() -> None:
    assert not this_process().is_gone


def test_the_text_of_an_owner_says_all_of_it() -> None:
    owner = this_process()
    found = find_owner(f"safemigrate_{owner}_0a1b2c")
    assert found == owner
    assert owner.pid == os.getpid()


def test_a_process_that_has_ended_is_gone() -> None:
    said = subprocess.run([sys.executable, "-c", SAY], capture_output=True, text=True, check=True)
    owner = find_owner(said.stdout)
    assert owner is not None
    assert owner.is_gone


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells when a process began")
def test_a_pid_that_belongs_to_another_process_now_is_gone() -> None:
    owner = this_process()
    assert owner.started
    assert replace(owner, started=owner.started - 1).is_gone


def test_a_process_of_another_machine_is_never_gone() -> None:
    said = subprocess.run([sys.executable, "-c", SAY], capture_output=True, text=True, check=True)
    owner = find_owner(said.stdout)
    assert owner is not None
    assert not replace(owner, host="0" * 10).is_gone


def test_a_process_of_somebody_else_is_not_gone() -> None:
    assert not Owner(this_process().host, 1, 0).is_gone


@pytest.mark.parametrize("text", ["", "safemigrate_0a1b2c3d4e5f6071", "0a1b2c3d4e_x_1"])
def test_a_text_without_an_owner_has_none(text: str) -> None:
    assert find_owner(text) is None
