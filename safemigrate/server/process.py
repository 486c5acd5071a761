"""The process of an embedded server, started and ended through a parent that outlives us."""

import os
import select
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import IO

from safemigrate.errors import ServerError
from safemigrate.server.account import Account
from safemigrate.server.binaries import Binaries
from safemigrate.server.folders import PORT, Folders, make_folders

__all__ = ["Process", "start_process"]

_START_TIMEOUT_SECONDS = 60
_STOP_TIMEOUT_SECONDS = 20
_SHOWN_LINES = 5
_LOG_BYTES = 1 << 16

# Nothing here outlives the process, so nothing is made to survive a crash (NON-DURABILITY). What is
# kept is copied when the server has stopped: without old segments of its log.
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "50",
    "max_wal_size": "256MB",
    "wal_recycle": "off",
    "wal_init_zero": "off",
    # in its folder, and so gone with it
    "dynamic_shared_memory_type": "mmap",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

# The server's parent. It ends the server and takes the folders away when a line comes in or its
# standard input ends; the kernel closes the other end when the process that asked for the server
# is gone, however it went. PR_SET_PDEATHSIG would do less: it knows only Linux, fires when the
# thread that started the server ends, and leaves the data in memory. The server holds our standard
# output, so the end of that file says that the server is gone. After the line "keep" the data is
# in good order and stays, until the next line.
_SUPERVISOR = """
run=$1 sockets=$2 cluster=$3
shift 3
umask 077
trap : HUP INT TERM
cp -R "$cluster" "$run/data" && chmod 700 "$run/data" || exit 1
"$@" </dev/null &
server=$!
exec >&-
read -r line
if [ "$line" = keep ]; then
    kill -INT "$server" 2>/dev/null
    wait "$server" 2>/dev/null
    read -r _
else
    kill -QUIT "$server" 2>/dev/null
    wait "$server" 2>/dev/null
fi
rm -rf "$run" "$sockets"
"""


@dataclass(slots=True)
class Process:
    """A server that runs in its folders; `owner`: the process that started it."""

    supervisor: subprocess.Popen[bytes]
    folders: Folders
    owner: int

    @property
    def is_mine(self) -> bool:
        """Whether this process has started it, and not one that this is forked from."""
        return os.getpid() == self.owner

    def read_log(self) -> str:
        """Return the end of the server's log, empty where that is gone."""
        try:
            with self.folders.log.open("rb") as log:
                log.seek(0, os.SEEK_END)
                start = max(0, log.tell() - _LOG_BYTES)
                log.seek(start)
                if start:
                    # the rest of a line cannot be told from one that the server begins
                    log.readline()
                return log.read().decode(errors="replace")
        except OSError:
            return ""

    def rest(self) -> bool:
        """Stop the server in good order, and leave its data; return whether that came about."""
        with suppress(OSError):
            _pipe(self.supervisor.stdin).write(b"keep\n")
            _pipe(self.supervisor.stdin).flush()
        return self._is_over(_STOP_TIMEOUT_SECONDS) and not self.folders.state.exists()

    def end(self) -> None:
        """End the server at once, as its data is thrown away, and wait until all is gone."""
        if not self.is_mine:
            return
        with _pipe(self.supervisor.stdin) as stdin, suppress(OSError):
            stdin.write(b"\n")
        with suppress(subprocess.TimeoutExpired):
            self.supervisor.wait(timeout=_STOP_TIMEOUT_SECONDS)
        if not self._is_over(0):
            # the supervisor led a process group of its own, and the server is still in it
            with suppress(ProcessLookupError):
                os.killpg(self.supervisor.pid, SIGKILL)
            self._is_over(_STOP_TIMEOUT_SECONDS)
        self.supervisor.wait()
        _pipe(self.supervisor.stdout).close()
        self.folders.remove()

    def wait_until_ready(self) -> None:
        """Return when the server takes connections; raise ServerError if it does not come to it."""
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while not self._is_ready():
            is_over = self._is_over(0.005)
            if is_over or time.monotonic() > deadline:
                what = "ended while it started" if is_over else "did not start in time"
                lines = self.read_log().splitlines()[-_SHOWN_LINES:]
                words = " | ".join(line.strip() for line in lines)
                raise ServerError(f"the embedded server {what}", f"its last lines: {words}")

    def _is_ready(self) -> bool:
        """Read postmaster.pid as pg_ctl does: the last line is the state of the server."""
        try:
            return self.folders.state.read_text().splitlines()[-1].strip() == "ready"
        except (OSError, IndexError):
            return False

    def _is_over(self, longest: float) -> bool:
        """Return whether the server and all its processes are gone, within so many seconds."""
        return bool(select.select([_pipe(self.supervisor.stdout)], [], [], longest)[0])


def start_process(binaries: Binaries, cluster: Path, account: Account) -> Process:
    """Start a server on a copy of the cluster, and return when it takes connections.

    Raises ServerError with the last lines of its log when it does not.
    """
    folders = make_folders(account)
    try:
        process = Process(_spawn(binaries, cluster, folders, account), folders, os.getpid())
    except BaseException:
        folders.remove()
        raise
    try:
        process.wait_until_ready()
    except BaseException:
        process.end()
        raise
    return process


def _spawn(
    binaries: Binaries, cluster: Path, folders: Folders, account: Account
) -> subprocess.Popen[bytes]:
    """Start the supervisor, in a session of its own so that Ctrl-C reaches only us."""
    settings = _SETTINGS | {"unix_socket_directories": str(folders.sockets)}
    server = [f"{binaries.bin}/postgres", "-D", str(folders.data), "-p", str(PORT)]
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


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise AssertionError
    return stream
