"""Ctrl-C ends every command with one plain line, and a code that means no finding."""

import socket
import subprocess
import sys

import click
import pytest

from safemigrate.cli.group import group
from tests.cli.conftest import ProjectFolder, Run
from tests.cli.interrupts import interrupt, interrupt_reading, start

STOPPED = "error: stopped before it was done\n"


@pytest.mark.parametrize("arguments", [("lint",), ("lint", "--fix"), ("explain",)])
def test_while_revisions_are_read(folder: ProjectFolder, arguments: tuple[str, ...]) -> None:
    code, said = interrupt_reading(folder, *arguments)

    assert code == 3
    assert said == f"{STOPPED}hint: no database was changed; it is safe to run it again\n"


def test_while_revisions_are_read_to_be_proved(folder: ProjectFolder) -> None:
    code, said = interrupt_reading(folder, "verify", "--no-cache")

    assert code == 3
    assert said.startswith("error: stopped before everything was proved\n")


@pytest.mark.parametrize("command", ["status", "plan", "history"])
def test_while_nobody_answers_at_the_address(folder: ProjectFolder, command: str) -> None:
    folder.revise("aaaa", 'op.execute("SELECT 1")')
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"postgresql://somebody@127.0.0.1:{server.getsockname()[1]}/nothing"
        server.settimeout(60)
        with start(command, "--url", url) as process:
            try:
                session, _ = server.accept()
                with session:
                    code, said = interrupt(process)
            finally:
                process.kill()
    assert (code, said[: len(STOPPED)]) == (3, STOPPED)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("lint", "no database was changed; it is safe to run it again"),
        ("upgrade", '"safemigrate status" says where the database stands; it is safe to run it'),
    ],
)
def test_the_hint_says_what_may_have_been_changed(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, hint: str
) -> None:
    command = group.get_command(click.Context(group), name)
    assert command is not None

    def press(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "callback", press)
    result = run(name)

    assert result.exit_code == 3
    assert result.stderr.startswith(f"{STOPPED}hint: {hint}")


def test_before_the_command_has_begun(
    folder: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    # what is imported first presses the key itself
    folder.write("click.py", "raise KeyboardInterrupt")
    monkeypatch.setenv("PYTHONPATH", str(folder.path))
    result = subprocess.run(
        (sys.executable, "-m", "safemigrate", "lint"), capture_output=True, text=True, check=False
    )

    assert result.returncode == 3, result.stderr
    assert result.stderr == "error: stopped before it began\nhint: run it again\n"


@pytest.mark.parametrize("name", group.list_commands(click.Context(group)))
def test_the_help_tells_of_it(run: Run, name: str) -> None:
    page = " ".join(run(name, "--help").stdout.split())

    assert "3 " in page.partition("Exit codes:")[2]
    assert "stopped" in page.partition("Exit codes:")[2]
