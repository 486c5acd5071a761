"""A server of our own, started from installed binaries on a Unix socket in a private folder."""

import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import IO

from sqlalchemy.engine import URL

from safemigrate.errors import ServerError
from safemigrate.model import ServerVersion
from safemigrate.server.account import Account, choose_account
from safemigrate.server.binaries import Binaries, find_binaries
from safemigrate.server.cluster import SUPERUSER, find_cluster
from safemigrate.server.databases import Server

__all__ = ["open_embedded"]

_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of random name and mode 0700 is made in it
_MEMORY_NEEDED_BYTES = 1 << 30
# sockaddr_un holds 108 bytes on Linux and 104 elsewhere, with the zero at the end.
_SOCKET_PATH_BYTES = 103
_PORT = 5432
_START_TIMEOUT_SECONDS = 60
_STOP_TIMEOUT_SECONDS = 20
_SHOWN_LINES = 5

# Nothing here outlives the process, so nothing is made to survive a crash (NON-DURABILITY).
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "50",
    "max_wal_size": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

# The server's parent. It ends the server and takes the folders away when a line comes in or its
# standard input ends; the kernel closes the other end when the process that asked for the server
# is gone, however it went. PR_SET_PDEATHSIG would do less: it knows only Linux, fires when the
# thread that started the server ends, and leaves the data in memory. The server holds our standard
# output, so the end of that file says that the server is gone.
_SUPERVISOR = """
run=$1 sockets=$2 cluster=$3
shift 3
umask 077
trap : HUP INT TERM
cp -R "$cluster" "$run/data" && chmod 700 "$run/data" || exit 1
"$@" </dev/null &
server=$!
exec >&-
read -r _
kill -QUIT "$server" 2>/dev/null
wait "$server" 2>/dev/null
rm -rf "$run" "$sockets"
"""


@contextmanager
def open_embedded(*, version: ServerVersion | None = None) -> Iterator[Server]:
    """Start a server for the time of the context; only we and root can connect to it.

    Its data is a copy of a cached new cluster, in memory where there is room. It ends with the
    context or with this process, whichever is first. Raises ServerError when there are no binaries
    or the server does not start.
    """
    account = choose_account()
    binaries = find_binaries(account, version)
    cluster = find_cluster(binaries, account)
    folders = _make_folders(account)
    try:
        process = _start(binaries, cluster, folders, account)
        owner = os.getpid()
        try:
            _wait_until_ready(process, folders, cluster)
            yield Server("embedded", _address(folders))
        finally:
            # A forked child that leaves the context has not started the server.
            if os.getpid() == owner:
                _stop(process)
    finally:
        folders.remove()


@dataclass(frozen=True, slots=True)
class _Folders:
    """Where one server lives: `run` holds its data and log, `sockets` its socket."""

    run: Path
    sockets: Path

    @property
    def log(self) -> Path:
        return self.run / "log"

    @property
    def state(self) -> Path:
        return self.run / "data" / "postmaster.pid"

    def remove(self) -> None:
        for folder in {self.run, self.sockets}:
            shutil.rmtree(folder, ignore_errors=True)


def _make_folders(account: Account) -> _Folders:
    """Make private folders, in memory where there is room, with a path a socket can have."""
    run = account.make_private_folder(_roomy_parent(account))
    if len(os.fsencode(run / f".s.PGSQL.{_PORT}")) <= _SOCKET_PATH_BYTES:
        return _Folders(run, run)
    return _Folders(run, account.make_private_folder("/tmp"))  # noqa: S108 - of random name


def _roomy_parent(account: Account) -> str:
    """Return /dev/shm if it has room, else the folder for temporary files.

    Containers give it 64 MB by default, which one index build would fill.
    """
    with suppress(OSError):
        free = os.statvfs(_MEMORY)
        if os.access(_MEMORY, os.W_OK) and free.f_bavail * free.f_frsize >= _MEMORY_NEEDED_BYTES:
            return str(_MEMORY)
    return account.temporary_folder()


def _start(
    binaries: Binaries, cluster: Path, folders: _Folders, account: Account
) -> subprocess.Popen[bytes]:
    """Start the supervisor, in a session of its own so that Ctrl-C reaches only us."""
    settings = _SETTINGS | {"unix_socket_directories": str(folders.sockets)}
    server = [f"{binaries.bin}/postgres", "-D", f"{folders.run}/data", "-p", str(_PORT)]
    for name, value in settings.items():
        server += ["-c", f"{name}={value}"]
    places = [str(folders.run), str(folders.sockets), str(cluster)]
    with folders.log.open("wb") as log:
        try:
            return subprocess.Popen(  # noqa: S603 - a fixed script and the programs found
                ["/bin/sh", "-c", _SUPERVISOR, "safemigrate-server", *places, *server],
                cwd=folders.run,
                env=binaries.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                user=account.uid if account.is_other else None,
                group=account.gid if account.is_other else None,
                extra_groups=[] if account.is_other else None,
            )
        except OSError as err:
            raise ServerError(f"the server's supervisor does not start: {err.strerror}") from err


def _wait_until_ready(process: subprocess.Popen[bytes], folders: _Folders, cluster: Path) -> None:
    """Return when the server takes connections; raise ServerError if it ended or takes too long."""
    deadline = time.monotonic() + _START_TIMEOUT_SECONDS
    while not _is_ready(folders.state):
        ended, _, _ = select.select([_pipe(process.stdout)], [], [], 0.005)
        if ended or time.monotonic() > deadline:
            what = "ended while it started" if ended else "did not start in time"
            raise ServerError(
                f"the embedded server {what}",
                f'{_last_lines(folders.log)}; if files are missing, remove "{cluster}"',
            )


def _is_ready(state: Path) -> bool:
    """Read postmaster.pid as pg_ctl does: the last line is the state of the server."""
    try:
        return state.read_text().splitlines()[-1].strip() == "ready"
    except (OSError, IndexError):
        return False


def _last_lines(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-_SHOWN_LINES:]
    return "its last lines: " + " | ".join(line.strip() for line in lines)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server at once, as its data is thrown away, and wait until it is gone."""
    with _pipe(process.stdin) as stdin, suppress(OSError):
        stdin.write(b"\n")
    _pipe(process.stdout).close()
    try:
        process.wait(timeout=_STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        # The supervisor leads a process group of its own, with the server in it.
        os.killpg(process.pid, SIGKILL)
        process.wait()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise AssertionError
    return stream


def _address(folders: _Folders) -> URL:
    """Return the URL of the maintenance database; the caller's PGPORT would win without a port."""
    return URL.create(
        "postgresql+psycopg",
        username=SUPERUSER,
        database="postgres",
        query={"host": str(folders.sockets), "port": str(_PORT)},
    )
