"""What foreign code may not do while it is read, tried on real things."""

import contextlib
import io
import logging
import logging.handlers
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import shared_memory
from pathlib import Path
from typing import Any

import psycopg
import psycopg2  # type: ignore[import-untyped]  # it has no types
import psycopg2.extras  # type: ignore[import-untyped]  # as above
import pytest
from sqlalchemy.engine import make_url

from safemigrate.source import open_project, record
from safemigrate.source.fence import ATTEMPT_LIMIT, Attempt, AttemptKind, FenceError, fenced
from safemigrate.source.fence_process import SLEEP_LIMIT
from safemigrate.source.stopping import RecordingStoppedError
from tests.source.conftest import ASYNC_ENV, ProjectFolder


@pytest.fixture
def attempts() -> list[Attempt]:
    return []


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server on this machine; `is_untouched` tells whether somebody came."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield server


def is_untouched(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return True
    return False


def port_of(server: socket.socket) -> int:
    port: int = server.getsockname()[1]
    return port


def say(attempts: list[Attempt]) -> list[str]:
    return [str(attempt) for attempt in attempts]


def test_a_connection_is_refused_and_told(listener: socket.socket, attempts: list[Attempt]) -> None:
    port = port_of(listener)
    with fenced(attempts.append), pytest.raises(FenceError) as caught:
        socket.create_connection(("127.0.0.1", port))

    assert str(caught.value) == (
        f'connecting to "127.0.0.1:{port}" is refused while migrations are read'
    )
    assert isinstance(caught.value, PermissionError)
    assert say(attempts) == [f'connects to "127.0.0.1:{port}"']
    assert is_untouched(listener)
    socket.create_connection(("127.0.0.1", port)).close()
    assert not is_untouched(listener)


def send_unasked(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", ("127.0.0.1", port))


def send_message(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendmsg([b"x"], [], 0, ("127.0.0.1", port))


def connect_quietly(port: int) -> None:
    with socket.socket() as client:
        client.connect_ex(("127.0.0.1", port))


def connect_to_path(port: int) -> None:
    del port
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("/run/service.sock")


def listen(port: int) -> None:
    del port
    with socket.socket() as server:
        server.bind(("127.0.0.1", 4567))


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (send_unasked, 'sends to "127.0.0.1:9"'),
        (send_message, 'sends to "127.0.0.1:9"'),
        (connect_quietly, 'connects to "127.0.0.1:9"'),
        (connect_to_path, 'connects to "/run/service.sock"'),
        (listen, 'listens on "127.0.0.1:4567"'),
        (lambda _: socket.getaddrinfo("db.example", 443), 'connects to "db.example:443"'),
        (lambda _: socket.getaddrinfo("db.example", None), 'looks up "db.example"'),
        (lambda _: socket.gethostbyname("db2.example"), 'looks up "db2.example"'),
        (lambda _: socket.gethostbyname_ex("db3.example"), 'looks up "db3.example"'),
        (lambda _: socket.gethostbyaddr("127.0.0.1x"), 'looks up "127.0.0.1x"'),
        (lambda _: socket.getnameinfo(("::1", 80), 0), 'looks up "[::1]:80"'),
    ],
)
def test_every_way_into_the_network_is_refused(
    act: Callable[[int], object], said: str, attempts: list[Attempt]
) -> None:
    with fenced(attempts.append), pytest.raises(FenceError):
        act(9)
    assert say(attempts) == [said]


def test_what_stays_in_the_process_is_no_attempt(attempts: list[Attempt]) -> None:
    with fenced(attempts.append):
        one, other = socket.socketpair()
        one.sendmsg([b"x"])
        assert other.recv(1) == b"x"
        one.close()
        other.close()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
        assert socket.getaddrinfo("127.0.0.1", 80)
        with contextlib.closing(sqlite3.connect(":memory:")) as memory:
            assert memory.execute("SELECT 1").fetchone() == (1,)
        os.kill(os.getpid(), 0)
    assert attempts == []


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["aws", "s3", "cp"], 'starts the program "aws"'),
        ("PGPASSWORD='my secret' /usr/bin/pg_dump x", 'starts the program "/usr/bin/pg_dump"'),
        ("PGPASSWORD='my secret", 'starts the program "sh"'),
        ("$(echo secret)", 'starts the program "sh"'),
    ],
)
def test_a_program_is_not_started(
    command: list[str] | str, said: str, attempts: list[Attempt]
) -> None:
    with fenced(attempts.append):
        with pytest.raises(FenceError):
            subprocess.run(command, shell=isinstance(command, str), check=False)
        if isinstance(command, str):
            with pytest.raises(FenceError):
                os.system(command)  # noqa: S605 - as above
    assert set(say(attempts)) == {said}


def test_a_child_process_leaves_no_trace(tmp_path: Path, attempts: list[Attempt]) -> None:
    trace = tmp_path / "trace"
    code = f"open({str(trace)!r}, 'w')"
    touch = [sys.executable, "-c", code]
    with fenced(attempts.append):
        for start in (
            lambda: subprocess.run(touch, check=False),
            lambda: os.posix_spawn(sys.executable, touch, {}),
            lambda: os.spawnv(os.P_WAIT, sys.executable, touch),  # noqa: S606 - what a user's code does
            lambda: os.execv(sys.executable, touch),  # noqa: S606 - as above
            os.fork,
            os.forkpty,
        ):
            with pytest.raises(FenceError):
                start()
    assert not trace.exists()
    assert {attempt.kind for attempt in attempts} == {AttemptKind.START, AttemptKind.FORK}


@pytest.mark.parametrize("way", ["spawn", "fork", "forkserver"])
def test_multiprocessing_is_refused(way: str) -> None:
    code = f"""
import multiprocessing
from safemigrate.source.fence import fenced
attempts = []
if __name__ == "__main__":
    with fenced(attempts.append):
        process = multiprocessing.get_context({way!r}).Process(target=print, args=("child",))
        try:
            process.start()
        except PermissionError:
            print(len(attempts))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("1\n", "")


def write_by_descriptor(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))


def write_in_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.mkdir(path.name, dir_fd=folder)
    finally:
        os.close(folder)


@pytest.mark.parametrize(
    ("act", "verb"),
    [
        (lambda path: path.write_text("x"), "writes"),
        (lambda path: path.open("a+"), "writes"),
        (lambda path: path.open("xb"), "writes"),
        (write_by_descriptor, "writes"),
        (write_in_folder, "makes the folder"),
        (lambda path: path.mkdir(), "makes the folder"),
        (lambda path: path.symlink_to("there"), "makes the link"),
        (lambda path: path.hardlink_to(__file__), "makes the link"),
        (lambda path: shutil.copy(__file__, path), "writes"),
        (sqlite3.connect, "opens the database"),
    ],
    ids=[
        "text",
        "append",
        "new",
        "descriptor",
        "below",
        "folder",
        "link",
        "hard",
        "copy",
        "sqlite",
    ],
)
def test_nothing_is_written(
    act: Callable[[Path], object], verb: str, tmp_path: Path, attempts: list[Attempt]
) -> None:
    path = tmp_path / "out"
    with fenced(attempts.append), pytest.raises(FenceError):
        act(path)
    assert list(tmp_path.iterdir()) == []
    assert say(attempts) == [f'{verb} "{path}"']


@pytest.mark.parametrize(
    ("act", "verb"),
    [
        (lambda path: path.write_text("x"), "writes"),
        (lambda path: path.open("r+"), "writes"),
        (lambda path: os.truncate(path, 0), "writes"),
        (lambda path: path.unlink(), "removes"),
        (lambda path: path.rename(path.with_name("other")), "renames"),
        (lambda path: path.chmod(0o600), "changes the attributes of"),
        (lambda path: os.chown(path, os.getuid(), os.getgid()), "changes the attributes of"),
        (lambda path: os.utime(path, (0, 0)), "changes the attributes of"),
        (lambda path: shutil.move(path, path.with_name("other")), "renames"),
    ],
    ids=["text", "update", "truncate", "unlink", "rename", "mode", "owner", "time", "move"],
)
def test_what_exists_stays_as_it_is(
    act: Callable[[Path], object], verb: str, tmp_path: Path, attempts: list[Attempt]
) -> None:
    path = tmp_path / "kept"
    path.write_text("content")
    path.chmod(0o640)
    state = path.stat()
    with fenced(attempts.append), pytest.raises(FenceError):
        act(path)
    assert path.read_text() == "content"
    assert (path.stat().st_mode, path.stat().st_mtime) == (state.st_mode, state.st_mtime)
    assert say(attempts)[0] == f'{verb} "{path}"'


def test_a_tree_is_not_removed(tmp_path: Path, attempts: list[Attempt]) -> None:
    file = tmp_path / "folder" / "file"
    file.parent.mkdir()
    file.touch()
    with fenced(attempts.append), pytest.raises(FenceError):
        shutil.rmtree(file.parent)
    assert file.exists()
    assert say(attempts) == [f'removes "{file}"']


def test_what_changes_nothing_ends_as_it_would(tmp_path: Path, attempts: list[Attempt]) -> None:
    missing = tmp_path / "missing"
    with fenced(attempts.append):
        tmp_path.mkdir(exist_ok=True)
        missing.unlink(missing_ok=True)
        with pytest.raises(FileNotFoundError):
            missing.rename(tmp_path / "other")
        with pytest.raises(FileNotFoundError):
            missing.read_text()
        Path(os.devnull).write_text("nothing")
        with os.fdopen(os.dup(2), "w") as stream:
            stream.write("")
    assert attempts == []


def test_temporary_files_can_be_made_and_used(attempts: list[Attempt]) -> None:
    with fenced(attempts.append):
        with tempfile.TemporaryFile() as unnamed:
            unnamed.write(b"x")
        with tempfile.NamedTemporaryFile("w") as named:
            Path(named.name).write_text("again")
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "below").mkdir()
            (Path(folder) / "one").write_text("x")
            (Path(folder) / "one").rename(Path(folder) / "below" / "two")
        assert not Path(folder).exists()
        assert attempts == []
        beside = Path(folder).with_name("beside")
        with pytest.raises(FenceError):
            beside.write_text("x")
    assert not beside.exists()


def test_byte_code_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attempts: list[Attempt]
) -> None:
    (tmp_path / "module_with_code.py").write_text("import os\nopen('made', 'w')\n")
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    with fenced(attempts.append), pytest.raises(FenceError):
        __import__("module_with_code")
    assert list((tmp_path / "__pycache__").glob("module_with_code.*.pyc"))
    assert say(attempts) == ['writes "made"']
    assert not (tmp_path / "made").exists()


def connect(url: str) -> object:
    return psycopg.connect(url)


def connect_start(url: str) -> object:
    return psycopg.pq.PGconn.connect_start(url.encode())


def connect_below(url: str) -> object:
    return psycopg.pq.PGconn.connect(url.encode())


@pytest.mark.parametrize(
    "way",
    [connect, connect_start, connect_below, psycopg2.connect],
    ids=["psycopg", "start", "below", "psycopg2"],
)
def test_drivers_in_c_are_refused(
    way: Callable[[str], Any], database: str, attempts: list[Attempt]
) -> None:
    url = make_url(database).set(drivername="postgresql")
    text = url.set(password=url.password or "p4ssw0rd").render_as_string(hide_password=False)
    with fenced(attempts.append), pytest.raises(FenceError) as caught:
        way(text)
    (attempt,) = attempts
    assert attempt.kind is AttemptKind.CONNECT
    assert "p4ssw0rd" not in str(attempt) + str(caught.value)
    with contextlib.closing(psycopg.connect(text)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert psycopg.pq.PGconn.ping(text.encode()) == psycopg.pq.Ping.OK
    assert psycopg.pq.PGconn is type(connection.pgconn)


LATE = """
import sys
from safemigrate.source.fence import fenced
attempts = []
assert "psycopg" not in sys.modules and "psycopg2" not in sys.modules
with fenced(attempts.append):
    import asyncio, asyncpg, psycopg, psycopg2
    from psycopg2 import connect, _connect
    async def wait(coroutine):
        await coroutine
    for act in (
        lambda: psycopg.connect("host=127.0.0.1 port=1 password=p4ssw0rd"),
        lambda: asyncio.run(psycopg.AsyncConnection.connect("host=127.0.0.1 port=2")),
        lambda: connect("host=three port=3 password=p4ssw0rd"),
        lambda: asyncio.run(wait(asyncpg.connect("postgresql://a:p4ssw0rd@four:4/x"))),
    ):
        try:
            act()
        except OSError:
            continue
        raise SystemExit("connected")
print(*dict.fromkeys(map(str, attempts)), sep="\\n")
try:
    _connect("host=/nowhere")
except psycopg2.OperationalError:
    print("as before")
"""


def test_drivers_that_are_imported_inside_are_refused() -> None:
    done = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        'connects to "127.0.0.1:1"',
        'connects to "127.0.0.1:2"',
        'connects to "three:3"',
        'connects to "four:4"',
        "as before",
    ]


def test_fences_stand_within_one_another(tmp_path: Path) -> None:
    inner: list[Attempt] = []
    outer: list[Attempt] = []
    before = (time.sleep, os._exit, threading.Thread.start, logging.FileHandler._open)
    path = tmp_path / "file"
    with fenced(outer.append):
        with fenced(inner.append), pytest.raises(FenceError):
            path.write_text("one")
        with pytest.raises(FenceError):
            path.write_text("two")
    path.write_text("three")

    assert len(inner) == len(outer) == 1
    assert (time.sleep, os._exit, threading.Thread.start, logging.FileHandler._open) == before


def test_an_error_that_is_swallowed_was_told(attempts: list[Attempt]) -> None:
    with fenced(attempts.append), contextlib.suppress(OSError):
        socket.create_connection(("shop.example", 443))
    assert say(attempts) == ['connects to "shop.example:443"']


def test_who_never_gives_up_is_stopped(attempts: list[Attempt]) -> None:
    def wait() -> None:
        while True:
            with contextlib.suppress(Exception):
                socket.create_connection(("shop.example", 443))
            time.sleep(30)

    with fenced(attempts.append):
        for _ in range(2):
            with pytest.raises(RecordingStoppedError):
                wait()
    assert len(attempts) == 2 * (ATTEMPT_LIMIT + 1)


def test_sleep_returns_at_once_and_not_for_ever() -> None:
    with fenced(list[Attempt]().append):
        for _ in range(SLEEP_LIMIT):
            time.sleep(3600)
        with pytest.raises(RecordingStoppedError):
            time.sleep(3600)
        time.sleep(3600)
        with pytest.raises(ValueError, match="non-negative"):
            time.sleep(-1)


def test_the_process_cannot_be_ended(attempts: list[Attempt]) -> None:
    ways: tuple[Callable[[], object], ...] = (lambda: os._exit(7), lambda: os.abort())  # noqa: PLW0108 - not the one of now
    with fenced(attempts.append):
        for leave in ways:
            with pytest.raises(FenceError, match="ending the process"):
                leave()
    assert say(attempts) == ["ends the process at once"] * 2


@pytest.mark.parametrize(
    "make",
    [
        logging.FileHandler,
        logging.handlers.WatchedFileHandler,
        lambda path: logging.handlers.RotatingFileHandler(path, maxBytes=1, backupCount=1),
        logging.handlers.TimedRotatingFileHandler,
    ],
)
def test_a_log_file_is_not_made(
    make: Callable[[Path], logging.Handler], tmp_path: Path, attempts: list[Attempt]
) -> None:
    with fenced(attempts.append):
        handler = make(tmp_path / "alembic.log")
        record = logging.LogRecord("name", logging.ERROR, "", 1, "text", None, None)
        handler.handle(record)
        handler.handle(record)
        handler.close()
    assert list(tmp_path.iterdir()) == []
    assert attempts == []


def test_a_log_record_that_cannot_be_sent_makes_no_noise(
    capsys: pytest.CaptureFixture[str], attempts: list[Attempt]
) -> None:
    handler = logging.handlers.SocketHandler("log.example", 514)
    with fenced(attempts.append):
        handler.handle(logging.LogRecord("name", logging.ERROR, "", 1, "text", None, None))
    handler.close()
    assert capsys.readouterr() == ("", "")
    assert say(attempts) == ['connects to "log.example:514"']


def test_threads_are_fenced_for_as_long_as_they_live(
    tmp_path: Path, attempts: list[Attempt]
) -> None:
    errors: list[Exception] = []
    go_on = threading.Event()

    def write() -> None:
        for name in ("inside", "after"):
            try:
                (tmp_path / name).write_text("x")
            except OSError as error:
                errors.append(error)
            if name == "inside":
                is_inside_done.set()
                go_on.wait()

    is_inside_done = threading.Event()
    thread = threading.Thread(target=write)
    with fenced(attempts.append):
        thread.start()
        is_inside_done.wait()
    (tmp_path / "ours").write_text("x")
    go_on.set()
    thread.join()

    assert [type(error) for error in errors] == [FenceError, FenceError]
    assert [path.name for path in tmp_path.iterdir()] == ["ours"]
    assert say(attempts) == [f'writes "{tmp_path / "inside"}"']


def test_a_thread_without_end_does_not_keep_the_process() -> None:
    code = """
import threading, time
from safemigrate.source.fence import fenced
def work():
    while True:
        time.sleep(60)
with fenced(print):
    threading.Thread(target=work, daemon=False).start()
print("done")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_passwords_in_names_are_hidden() -> None:
    attempt = Attempt(AttemptKind.OPEN_DATABASE, "file:x.db?password=p4ssw0rd")
    assert "p4ssw0rd" not in str(attempt) + attempt.refusal


def test_reading_is_free(attempts: list[Attempt]) -> None:
    with fenced(attempts.append):
        assert Path(__file__).read_text(encoding="utf-8")
        assert os.listdir(Path(__file__).parent)  # noqa: PTH208 - one of the ways
        with io.open_code(__file__) as file:
            assert file.read(1)
    assert attempts == []


def test_a_project_with_an_async_env_is_recorded(folder: ProjectFolder) -> None:
    folder.write_env(ASYNC_ENV)
    folder.add("one", "op.execute('SELECT 1')")
    history = folder.record()
    (migration,) = history.migrations
    assert [statement.sql for statement in migration.upgrade] == ["SELECT 1"]
    assert (migration.unjudged, migration.assumptions) == ((), ())
    # env.py was run, and tried nothing
    assert history.notices == ()


def test_a_revision_that_swallows_the_error_is_named(
    folder: ProjectFolder, listener: socket.socket
) -> None:
    port = port_of(listener)
    migration = folder.record_one(
        f"""
        try:
            socket.create_connection(("127.0.0.1", {port}))
        except OSError:
            pass
        op.execute("SELECT 1")
        """,
        head="import socket\n\n\n",
    )
    assert [statement.sql for statement in migration.upgrade] == ["SELECT 1"]
    told = [one for one in migration.assumptions if f'"127.0.0.1:{port}"' in one.reason]
    assert [migration.text.splitlines()[one.line - 1].strip() for one in told] == [
        f'socket.create_connection(("127.0.0.1", {port}))'
    ]
    assert is_untouched(listener)


def test_a_revision_that_fails_for_it_is_unjudged(folder: ProjectFolder, tmp_path: Path) -> None:
    trace = tmp_path / "export.json"
    migration = folder.record_one(f"open({str(trace)!r}, 'w').write('x')")
    assert [one.reason for one in migration.unjudged] == [
        'writing "export.json" is refused while migrations are read'
    ]
    assert migration.assumptions == ()
    assert not trace.exists()


def test_an_attempt_that_a_library_tells_on_is_told_in_our_words_only(
    folder: ProjectFolder,
) -> None:
    migration = folder.record_one(
        "import urllib.request\nurllib.request.urlopen('http://db.invalid/')"
    )
    assert [one.reason for one in migration.unjudged] == [
        'connecting to "db.invalid:80" is refused while migrations are read'
    ]
    assert migration.assumptions == ()


def test_what_follows_an_attempt_is_assumed(folder: ProjectFolder, tmp_path: Path) -> None:
    migration = folder.record_one(
        f"""
        op.execute("SELECT 1")
        try:
            open({str(tmp_path / "export.json")!r}, "w")
        except OSError:
            op.execute("SELECT 2")
        """
    )
    assert [one.is_assumed for one in migration.upgrade] == [False, True]
    assert [one.line for one in migration.assumptions] == [15]
    assert migration.unjudged == ()


def test_byte_code_goes_where_its_prefix_leads(tmp_path: Path) -> None:
    (tmp_path / "imported.py").write_text("")
    prefix = tmp_path / "deep" / "prefix"
    code = (
        "from safemigrate.source.fence import fenced\n"
        "attempts = []\n"
        "with fenced(attempts.append):\n"
        "    import imported\n"
        "    try:\n"
        f"        open({str(prefix / 'own')!r}, 'w')\n"
        "    except PermissionError:\n"
        "        pass\n"
        "print(*attempts)\n"
    )
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(prefix)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == 'writes "deep/prefix/own"\n'
    assert [*prefix.rglob("imported.*.pyc")]


def test_a_revision_that_connects_when_it_is_loaded_is_named(
    folder: ProjectFolder, listener: socket.socket
) -> None:
    port = port_of(listener)
    folder.add(
        "one",
        "op.execute('SELECT 1')",
        head=f"""
        import socket

        try:
            socket.create_connection(("127.0.0.1", {port}))
        except OSError:
            pass


        """,
    )
    folder.add("two", "op.execute('SELECT 2')")
    history = record(open_project(folder.config, is_lenient=True))
    (one, two) = history.migrations
    assert is_untouched(listener)
    (told,) = one.assumptions
    assert told.reason == (
        f'connects to "127.0.0.1:{port}", which is refused while migrations are read'
    )
    assert "socket.create_connection" in one.text.splitlines()[told.line - 1]
    assert (two.assumptions, two.unjudged) == ((), ())


def make_connection(text: str) -> object:
    return psycopg2.extensions.connection(text)


def make_connection_below(text: str) -> object:
    return psycopg2._psycopg._connect(text)


def make_dict_connection(text: str) -> object:
    return psycopg2.extras.DictConnection(text)


def make_replication(text: str) -> object:
    return psycopg2.extras.LogicalReplicationConnection(text)


@pytest.mark.parametrize(
    "make", [make_connection, make_connection_below, make_dict_connection, make_replication]
)
def test_no_class_of_psycopg2_connects(
    make: Callable[[str], object], listener: socket.socket, attempts: list[Attempt]
) -> None:
    before = (psycopg2.extensions.connection, psycopg2._psycopg._connect)
    port = port_of(listener)
    with fenced(attempts.append), pytest.raises(FenceError):
        make(f"host=127.0.0.1 port={port} password=p4ssw0rd connect_timeout=1")
    assert say(attempts) == [f'connects to "127.0.0.1:{port}"']
    assert is_untouched(listener)
    assert before == (psycopg2._psycopg.connection, psycopg2._psycopg._connect)
    with pytest.raises(psycopg2.OperationalError):
        make("host=/nowhere")


LATE_CLASSES = """
from safemigrate.source.fence import fenced
attempts = []
with fenced(attempts.append), fenced(attempts.append):
    from psycopg2.extensions import connection
    from psycopg2.extras import DictConnection
    class Own(connection):
        pass
    for make in (connection, DictConnection, Own):
        try:
            make("host=127.0.0.1 port=5")
        except PermissionError:
            pass
print(*attempts, sep="\\n")
import psycopg2.extras
assert psycopg2.extensions.connection is psycopg2._psycopg.connection is psycopg2.extras._connection
assert connection is not psycopg2.extensions.connection
for make in (connection, DictConnection, Own):
    try:
        make("host=/nowhere")
    except psycopg2.OperationalError:
        print("as before")
"""


def test_classes_that_are_imported_inside_connect_afterwards_only() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LATE_CLASSES], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == ['connects to "127.0.0.1:5"'] * 3 + ["as before"] * 3


@pytest.mark.parametrize(
    ("name", "is_uri"),
    [
        ("file:{}/:memory:x.db", True),
        ("file:{}/mode=memory.db", True),
        ("file:{}/x.db?cache=shared#mode=memory", True),
        ("file:{}/%3Amemory%3A", True),
        ("file::memory:", False),
    ],
)
def test_a_file_that_looks_like_memory_is_not_opened(
    name: str,
    is_uri: bool,  # noqa: FBT001 - a parameter of the test
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    attempts: list[Attempt],
) -> None:
    monkeypatch.chdir(tmp_path)
    with fenced(attempts.append), pytest.raises(FenceError):
        sqlite3.connect(name.format(tmp_path), uri=is_uri)
    assert list(tmp_path.iterdir()) == []
    assert say(attempts) == [f'opens the database "{name.format(tmp_path)}"']


def test_a_name_is_a_uri_only_where_uris_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attempts: list[Attempt]
) -> None:
    monkeypatch.chdir(tmp_path)
    with fenced(attempts.append), contextlib.closing(sqlite3.connect(":memory:")) as memory:
        memory.execute("ATTACH ':memory:' AS one")
        with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
            memory.execute("ATTACH 'file::memory:' AS two")
    assert list(tmp_path.iterdir()) == []
    assert say(attempts) == ['opens the database "file::memory:"']


def test_databases_in_memory_have_many_names(attempts: list[Attempt]) -> None:
    with fenced(attempts.append):
        for name in ("", ":memory:", "file::memory:?cache=shared", "file:x?mode=memory", "file:"):
            with contextlib.closing(sqlite3.connect(name, uri=True)) as memory:
                memory.execute("CREATE TABLE t (x)")
                memory.execute("ATTACH ':memory:' AS other")
    assert attempts == []


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("ATTACH '{}' AS other", 'opens the database "{}"'),
        ("VACUUM INTO '{}'", 'opens the database "{}"'),
        ("ATTACH 'file:{}?mode=rwc' AS other", 'opens the database "file:{}?mode=rwc"'),
        ("ATTACH '{}' || '' AS other", "opens the database"),
    ],
)
def test_a_database_in_memory_makes_no_file(
    sql: str, said: str, tmp_path: Path, attempts: list[Attempt]
) -> None:
    path = tmp_path / "made.db"
    with contextlib.ExitStack() as stack:
        with fenced(attempts.append):
            memory = stack.enter_context(contextlib.closing(sqlite3.connect(":memory:", uri=True)))
            memory.execute("CREATE TABLE t (x)")
            memory.execute("VACUUM")
            with pytest.raises(sqlite3.DatabaseError, match=r"not authorized|authorization denied"):
                memory.execute(sql.format(path))
        assert list(tmp_path.iterdir()) == []
        assert say(attempts) == [said.format(path)]
        memory.execute(sql.format(path))
    assert path.exists()


@pytest.fixture
def temporary_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which a new process makes its temporary files."""
    root = tmp_path / "temporary"
    root.mkdir()
    monkeypatch.setenv("TMPDIR", str(root))
    return root


TEMPORARY = """
import sys, tempfile
from pathlib import Path
from safemigrate.source.fence import fenced
root, export = sys.argv[1:]
attempts = []
with fenced(attempts.append):
    for make in (tempfile.NamedTemporaryFile, tempfile.mkdtemp, tempfile.mkstemp):
        try:
            make(dir=export)
        except PermissionError:
            pass
    folder = tempfile.mkdtemp(dir=root)
    tempfile.mkstemp(dir=folder)
    (Path(folder) / "more").write_text("x")
    tempfile.NamedTemporaryFile(delete=False).close()
print(*(attempt.kind.name for attempt in attempts))
print(len(list(Path(root).iterdir())), len(list(Path(folder).iterdir())))
"""


def test_temporary_files_are_made_in_their_place_and_do_not_stay(
    temporary_root: Path, tmp_path: Path
) -> None:
    export = tmp_path / "export"
    export.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", TEMPORARY, str(temporary_root), str(export)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stderr, done.stdout) == ("", "WRITE MAKE_FOLDER WRITE\n2 2\n")
    assert list(export.iterdir()) == list(temporary_root.iterdir()) == []


@pytest.mark.parametrize(
    "send",
    [
        lambda: os.kill(os.getpid(), signal.SIGTERM),
        lambda: os.kill(0, signal.SIGTERM),
        lambda: os.kill(-os.getpgrp(), signal.SIGTERM),
        lambda: os.killpg(os.getpgrp(), signal.SIGTERM),
        lambda: signal.raise_signal(signal.SIGTERM),
        lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTERM),
    ],
    ids=["own", "group", "minus", "killpg", "raise", "thread"],
)
def test_the_process_sends_itself_no_signal(
    send: Callable[[], object], attempts: list[Attempt]
) -> None:
    with fenced(attempts.append), pytest.raises(FenceError):
        send()
    assert say(attempts) == ['sends itself the signal "SIGTERM"']


@pytest.mark.parametrize(
    "make",
    [lambda path: os.mkfifo(path), lambda path: os.mknod(path)],  # noqa: PLW0108 - not the ones of now
    ids=["pipe", "node"],
)
def test_no_file_is_made_without_being_opened(
    make: Callable[[Path], object], tmp_path: Path, attempts: list[Attempt]
) -> None:
    path = tmp_path / "made"
    with fenced(attempts.append):
        with pytest.raises(FenceError):
            make(path)
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder) / "made")
    assert say(attempts) == [f'makes the file "{path}"']
    assert not path.exists()


def test_no_memory_is_shared(attempts: list[Attempt]) -> None:
    name = f"fence-{os.getpid()}"
    with fenced(attempts.append), pytest.raises(FenceError):
        shared_memory.SharedMemory(name, create=True, size=8)
    assert say(attempts) == ["makes shared memory"]
    with pytest.raises(FileNotFoundError):
        shared_memory.SharedMemory(name)


def test_nobody_listens(attempts: list[Attempt]) -> None:
    with fenced(attempts.append):
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            assert server.getsockname()[1]
            with pytest.raises(FenceError):
                server.listen()
        with pytest.raises(FenceError):
            socket.create_server(("127.0.0.1", 0))
    assert say(attempts) == ['listens on "127.0.0.1"'] * 2


def test_a_thread_that_was_there_before_goes_on(tmp_path: Path) -> None:
    begun, ended = threading.Event(), threading.Event()

    def write() -> None:
        begun.wait()
        (tmp_path / "a.txt").write_text("x")
        ended.set()

    thread = threading.Thread(target=write)
    thread.start()
    attempts: list[Attempt] = []
    with fenced(attempts.append):
        begun.set()
        ended.wait()
    thread.join()

    assert (tmp_path / "a.txt").read_text() == "x"
    assert attempts == []
