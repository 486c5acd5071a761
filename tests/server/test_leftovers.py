"""What a run leaves that was killed with everything it had started, and who takes it away."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from safemigrate.server import Server, open_server
from safemigrate.server.account import Account, choose_account
from safemigrate.server.folders import make_folders, remove_stale
from safemigrate.server.owners import this_process
from tests.conftest import IMAGE

DEADLINE_SECONDS = 60

# Opens a server, makes a database on it, says so and waits to be killed.
CHILD = """
import sys, json
from safemigrate.server import open_server
with open_server(sys.argv[1]) as server:
    print(json.dumps([server.url("postgres"), server.create_database()]), flush=True)
    sys.stdin.read()
"""


def start(kind: str) -> tuple[subprocess.Popen[str], str, str]:
    """Return a process that has opened a server, its URL, and the database that it made."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    url, database = json.loads(child.stdout.readline())
    return child, url, database


def kill(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.communicate(timeout=DEADLINE_SECONDS)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Say whether it runs: one that has ended stays in the list until its parent has asked."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def parent_of(pid: int) -> int:
    text = Path(f"/proc/{pid}/stat").read_text()
    return int(text.rpartition(")")[2].split()[1])


def databases(server: Server) -> set[str]:
    url = make_url(server.url("postgres")).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        return {str(row[0]) for row in connection.execute("SELECT datname FROM pg_database")}


@pytest.fixture
def account(embedded_server: Server) -> Account:
    assert embedded_server.kind == "embedded"
    return choose_account()


@pytest.fixture
def parent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder where servers get theirs, this test's own."""
    with tempfile.TemporaryDirectory(prefix="keep-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        monkeypatch.setattr("safemigrate.server.folders._MEMORY", Path(name))
        monkeypatch.setattr("safemigrate.server.folders._MEMORY_NEEDED_BYTES", 0)
        if choose_account().is_other:
            os.chown(name, choose_account().uid, -1)
        yield Path(name)


@pytest.mark.skipif(sys.platform != "linux", reason="a process is found in /proc")
def test_a_server_whose_parents_were_killed_is_ended_by_the_next_run(account: Account) -> None:
    child, url, _ = start("embedded")
    folder = Path(str(make_url(url).query["host"]))
    server = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    supervisor = parent_of(server)
    # neither may see the other end
    os.kill(supervisor, signal.SIGSTOP)
    kill(child)
    os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: parent_of(server) != supervisor)
    assert is_running(server)

    remove_stale(account)

    assert not is_running(server)
    assert not folder.exists()


def test_folders_that_somebody_uses_stay(parent: Path, account: Account) -> None:
    folders = make_folders(account)
    try:
        remove_stale(account)
        assert folders.run.is_dir()
    finally:
        folders.remove()
    assert not list(parent.iterdir())


def test_folders_whose_owner_is_gone_are_removed(parent: Path, account: Account) -> None:
    folders = make_folders(account)
    (folders.run / "data").mkdir()
    (folders.run / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{parent}\n")
    os.close(folders.lock)

    remove_stale(account)

    assert not list(parent.iterdir())


def test_the_folder_of_a_socket_is_removed_with_the_other(
    parent: Path, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("safemigrate.server.folders._SOCKET_PATH_BYTES", 1)
    folders = make_folders(account)
    assert folders.sockets.parent != parent
    os.close(folders.lock)

    remove_stale(account)

    assert not folders.sockets.exists()
    assert not list(parent.iterdir())


def test_folders_without_our_lock_stay(parent: Path, account: Account) -> None:
    bare = account.make_private_folder(str(parent))
    other = account.make_private_folder(str(parent))
    (other / "owner").symlink_to("/etc/hostname")
    open_ = account.make_private_folder(str(parent))
    open_.chmod(0o755)
    (open_ / "owner").touch()

    remove_stale(account)

    assert {bare, other, open_} == {*parent.iterdir()}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_a_lock_that_somebody_else_made_is_not_trusted(parent: Path, account: Account) -> None:
    folders = make_folders(account)
    assert folders.run.parent == parent
    os.chown(folders.run / "owner", account.uid, -1)
    os.close(folders.lock)

    remove_stale(account)

    assert folders.run.is_dir()


def test_databases_of_a_killed_run_are_dropped_by_the_next(embedded_server: Server) -> None:
    url = embedded_server.url("postgres")
    child, _, abandoned = start(url)
    living, _, used = start(url)
    kill(child)
    assert {abandoned, used} < databases(embedded_server)

    with open_server(url) as server:
        assert abandoned not in databases(server)
        assert used in databases(server)

    living.communicate("", timeout=DEADLINE_SECONDS)
    assert used not in databases(embedded_server)


def test_databases_of_another_machine_or_another_name_stay(embedded_server: Server) -> None:
    child, _, abandoned = start(embedded_server.url("postgres"))
    kill(child)
    prefix, host, *rest = abandoned.split("_")
    others = {
        "_".join((prefix, "0" * len(host), *rest)),
        "_".join(("my_safemigrate", host, *rest)),
        "safemigrate_0a1b2c3d4e5f6071",
    }
    run(embedded_server, *(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(x)) for x in others))

    with open_server(embedded_server.url("postgres")) as server:
        assert others < databases(server)
        assert abandoned not in databases(server)

    run(embedded_server, *(sql.SQL("DROP DATABASE {}").format(sql.Identifier(x)) for x in others))


def run(server: Server, *statements: sql.Composed) -> None:
    url = make_url(server.url("postgres")).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.docker
@pytest.mark.usefixtures("container_server")
def test_containers_of_a_killed_run_are_removed_by_the_next() -> None:
    import docker  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra, without types

    engine = docker.from_env()
    child, _, _ = start(f"container:{IMAGE}")
    owned = {one.labels["safemigrate.owner"]: one for one in list_ours(engine)}
    (abandoned,) = (one for who, one in owned.items() if f"_{child.pid}_" in who)
    kill(child)

    with open_server(f"container:{IMAGE}"):
        during = {one.id for one in list_ours(engine)}
        mine = {who: one for who, one in owned.items() if who == str(this_process())}

    assert abandoned.id not in during
    assert mine
    assert {one.id for one in mine.values()} < during
    engine.close()


def list_ours(engine: Any) -> list[Any]:
    return list(engine.containers.list(all=True, filters={"label": "safemigrate.owner"}))
