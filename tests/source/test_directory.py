"""The current directory, put back where it was when foreign code has left it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from safemigrate.source.directory import at_start, find_start, keeping_directory
from safemigrate.source.excerpt import show_path
from safemigrate.source.fence import Attempt
from safemigrate.source.quarantine import quarantine


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, which has others in it."""
    path = tmp_path / "here"
    for name in ("one", "two"):
        (path / name).mkdir(parents=True)
    monkeypatch.chdir(path)
    return path


def ignore(attempt: Attempt) -> None:
    del attempt


@pytest.mark.parametrize("on_attempt", [None, ignore])
def test_code_in_quarantine_leaves_the_directory_as_it_was(
    here: Path, on_attempt: Callable[[Attempt], None] | None
) -> None:
    def fail() -> None:
        os.chdir("one")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), quarantine(on_attempt=on_attempt):
        fail()
    assert Path.cwd() == here


def test_paths_are_shown_from_where_the_code_was_entered(here: Path) -> None:
    with keeping_directory():
        os.chdir("one")
        assert find_start() == str(here)
        assert show_path(here / "one" / "a.py") == "one/a.py"
    os.chdir("one")
    assert show_path(here / "one" / "a.py") == "a.py"


def test_a_block_in_a_block_ends_where_it_began(here: Path) -> None:
    with keeping_directory():
        os.chdir("one")
        with keeping_directory():
            os.chdir("../two")
            assert find_start() == str(here)
        assert Path.cwd() == here / "one"
    assert Path.cwd() == here


def test_our_own_code_runs_at_the_start_and_foreign_code_goes_on_where_it_was(here: Path) -> None:
    with at_start():
        os.chdir("one")
    assert Path.cwd() == here / "one", "no code of anybody else's has been entered"
    os.chdir(here)
    with keeping_directory():
        os.chdir("one")
        with at_start():
            assert Path.cwd() == here
        assert Path.cwd() == here / "one"


def test_blocks_of_several_threads_end_at_the_start_in_any_order(here: Path) -> None:
    first, second = keeping_directory(), keeping_directory()
    first.__enter__()
    os.chdir("one")
    second.__enter__()
    os.chdir("../two")
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert Path.cwd() == here


def test_a_directory_by_another_name_is_found_again(here: Path) -> None:
    with keeping_directory():
        os.chdir("/")
        renamed = here.rename(here.with_name("renamed"))
    assert Path.cwd() == renamed


def test_a_directory_that_is_removed_meanwhile_ends_nothing(here: Path) -> None:
    for name in ("one", "two"):
        (here / name).rmdir()
    with keeping_directory():
        with keeping_directory():
            os.chdir("/")
            here.rmdir()
            with at_start():
                assert show_path("/a.py") == "/a.py"
        assert show_path(here / "a.py") == "a.py"


def test_a_directory_that_is_gone_before_ends_nothing(here: Path) -> None:
    for path in (here / "one", here / "two", here):
        path.rmdir()
    with quarantine():
        assert find_start() == ""
        assert show_path("/a.py") == "/a.py"
        os.chdir("/")
