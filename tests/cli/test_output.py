"""A standard output that cannot be written is told in one message."""

import os
import subprocess
import sys

import pytest

from tests.cli.conftest import ProjectFolder

CREATE = 'op.create_table("recipe", sa.Column("id", sa.BigInteger(), primary_key=True))'
COMMANDS = [
    ("--help",),
    ("--version",),
    ("lint", "--help"),
    ("lint",),
    ("lint", "--format", "json"),
    ("explain",),
    ("rule",),
    ("rule", "renamed-table"),
]


def start(
    folder: ProjectFolder,
    arguments: tuple[str, ...],
    redirection: str,
    *,
    is_buffered: bool = True,
) -> tuple[int, str]:
    """Return exit code and standard error of safemigrate under a shell's redirection."""
    folder.revise("1111", CREATE, 'op.drop_table("recipe")')
    script = f'"$0" -m safemigrate "$@" {redirection}'
    done = subprocess.run(
        ("sh", "-c", script, sys.executable, *arguments),
        cwd=folder.path,
        env={**os.environ, "PYTHONUNBUFFERED": "" if is_buffered else "1"},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("is_buffered", [True, False])
@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_full_disk(
    folder: ProjectFolder, arguments: tuple[str, ...], *, is_buffered: bool
) -> None:
    code, err = start(folder, arguments, ">/dev/full", is_buffered=is_buffered)
    error, hint = err.splitlines()
    assert error == "error: standard output cannot be written: no space left on device"
    assert hint.startswith("hint: ")
    assert code == 2


@pytest.mark.parametrize("arguments", [("lint",), ("lint", "--help"), ("rule",)])
def test_a_closed_output(folder: ProjectFolder, arguments: tuple[str, ...]) -> None:
    code, err = start(folder, arguments, ">&-")
    error, hint = err.splitlines()
    assert error == "error: standard output cannot be written: it is closed"
    assert hint.startswith("hint: ")
    assert code == 2


def test_the_error_of_a_run_is_told_all_the_same(folder: ProjectFolder) -> None:
    url = "postgresql://nobody@localhost:1/nothing"
    arguments = ("upgrade", "--format", "json", "--url", url)
    code, err = start(folder, arguments, ">/dev/full")
    lost, _, error, _ = err.splitlines()
    assert lost.startswith("error: standard output cannot be written")
    assert "cannot connect" in error
    assert code == 2


def test_a_closed_standard_error_is_no_error(folder: ProjectFolder) -> None:
    assert start(folder, ("lint",), ">/dev/null 2>&-") == (0, "")


def test_a_reader_that_has_enough_is_no_error(folder: ProjectFolder) -> None:
    code, err = start(folder, ("rule",), "| head -n 1 >/dev/null")
    assert (code, err) == (0, "")
