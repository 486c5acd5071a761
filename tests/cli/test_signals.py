"""A signal ends a run soon, whatever it does, and the same command goes on from there.

Each run is a process of its own, told by its events when it has come where the signal is to hit it.
"""

import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from safemigrate.execute.deploylock import deploy_lock_key
from tests.cli.conftest import ProjectFolder
from tests.cli.streams import Process, Start, check_line, connect, has, read_stream, wait_for

CREATE = 'op.execute("CREATE TABLE recipe (id int)")'
ADD = 'op.execute("ALTER TABLE recipe ADD COLUMN note text")'
INDEX = (
    "with op.get_context().autocommit_block():\n"
    '    op.execute("CREATE INDEX CONCURRENTLY recipe_id ON recipe (id)")'
)
# Tells that it sleeps by a file, and sleeps in Python.
PAUSE = """\
import pathlib, time
op.execute("CREATE TABLE recipe (id int)")
pathlib.Path("asleep").touch()
time.sleep(600)"""
STUBBORN = """\
import pathlib, time
op.execute("CREATE TABLE recipe (id int)")
while True:
    try:
        pathlib.Path("asleep").touch()
        time.sleep(600)
    except BaseException:
        pathlib.Path("woken").touch()"""


def stop(
    process: Process, number: signal.Signals = signal.SIGTERM
) -> tuple[int, dict[str, Any], str]:
    """Send the signal; return the exit code, the last line, and standard error."""
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    lines = [check_line(line) for line in out.splitlines()]
    assert lines, err
    return process.returncode, lines[-1], err


def wait_for_file(path: Path, process: Process) -> None:
    while not path.exists():
        assert process.poll() is None


def finish(start: Start) -> list[dict[str, Any]]:
    """Run the same command again, to its end."""
    process = start()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return read_stream(out)


def test_while_it_waits_for_another_runner(
    folder: ProjectFolder, start: Start, database: str
) -> None:
    folder.revise("1111", CREATE)
    with connect(database) as other:
        ((name,),) = other.execute("SELECT current_database()").fetchall()
        other.execute("SELECT pg_advisory_lock(%s, %s)", deploy_lock_key(str(name)))
        process = start()
        wait_for(process, "runner_waited")
        code, last, err = stop(process)
    assert code == last["exit_code"] == 3
    assert "stopped by SIGTERM" in err
    assert not has(database, "recipe")
    finish(start)


def test_while_it_waits_beside_the_queue_of_a_table(
    folder: ProjectFolder, start: Start, database: str
) -> None:
    folder.revise("1111", ADD)
    with connect(database) as session:
        session.execute("CREATE TABLE recipe (id int)")
    with connect(database, autocommit=False) as holder:
        holder.execute("SELECT FROM recipe")
        process = start()
        wait_for(process, "table_busy")
        code, last, err = stop(process)
    assert code == last["exit_code"] == 3, err
    assert "nothing was changed" in last["error"]["hint"]
    finish(start)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_in_a_pause_between_two_statements(
    folder: ProjectFolder, start: Start, database: str, number: signal.Signals
) -> None:
    folder.revise("1111", PAUSE)
    process = start()
    wait_for_file(folder.path / "asleep", process)
    code, last, err = stop(process, number)
    assert code == last["exit_code"] == 3, err
    assert f'stopped by {number.name} in revision "1111"' in last["error"]["message"]
    assert not has(database, "recipe")
    folder.revise("1111", CREATE)
    finish(start)
    assert has(database, "recipe")


def test_in_a_pause_behind_an_applied_revision(
    folder: ProjectFolder, start: Start, database: str
) -> None:
    folder.revise("1111", 'op.execute("CREATE TABLE other (id int)")')
    folder.revise("2222", PAUSE, after="1111")
    process = start()
    wait_for_file(folder.path / "asleep", process)
    code, last, err = stop(process)
    assert code == last["exit_code"] == 4, err
    assert [one["revision"] for one in last["applied"]] == ["1111"]
    folder.revise("2222", CREATE, after="1111")
    assert [one["revision"] for one in finish(start)[-1]["applied"]] == ["2222"]
    assert has(database, "recipe")


def test_in_an_index_build(folder: ProjectFolder, start: Start, database: str) -> None:
    folder.revise("1111", INDEX)
    with connect(database) as session:
        session.execute("CREATE TABLE recipe (id int)")
        session.execute("INSERT INTO recipe VALUES (1)")
    with connect(database, autocommit=False) as holder:
        # a transaction that may still write to the table is waited for, before and behind the build
        holder.execute("UPDATE recipe SET id = 2")
        process = start()
        while wait_for(process, "build_progressed")["wait"] is None:
            pass
        code, last, err = stop(process)
        assert code == last["exit_code"], err
        assert code in {3, 4}
    finish(start)
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'recipe_id'::regclass"
    with connect(database) as session:
        assert session.execute(valid.encode()).fetchall() == [(True,)]


def test_in_a_hook(folder: ProjectFolder, start: Start, database: str) -> None:
    folder.revise("1111", CREATE)
    folder.write("safemigrate.toml", '[run]\nbefore = ["echo here; sleep 600"]\n')
    process = start()
    wait_for(process, "hook_printed")
    code, last, err = stop(process)
    assert code == last["exit_code"] == 3, err
    assert not has(database, "recipe")


def test_while_nobody_answers_at_the_address(folder: ProjectFolder) -> None:
    folder.revise("1111", CREATE)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        url = f"postgresql://somebody@127.0.0.1:{port}/nothing"
        command = (sys.executable, "-m", "safemigrate", "upgrade", "--format", "json")
        with subprocess.Popen(
            (*command, "--url", url),
            cwd=folder.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            session, _ = server.accept()
            with session:
                code, last, err = stop(process)
    assert code == last["exit_code"] == 3, err
    assert "stopped by SIGTERM" in last["error"]["message"]


def test_a_second_one_ends_it_at_once(folder: ProjectFolder, start: Start, database: str) -> None:
    folder.revise("1111", STUBBORN)
    process = start()
    wait_for_file(folder.path / "asleep", process)
    process.send_signal(signal.SIGTERM)
    wait_for_file(folder.path / "woken", process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == -signal.SIGTERM
    folder.revise("1111", CREATE)
    finish(start)
    assert has(database, "recipe")
