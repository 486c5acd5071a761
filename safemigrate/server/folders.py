"""The private folders an embedded server lives in, and those that a killed run has left."""

import fcntl
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGQUIT

from safemigrate.server.account import Account

__all__ = ["PORT", "Folders", "make_folders", "remove_stale"]

PORT = 5432

_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of random name and mode 0700 is made in it
_MEMORY_NEEDED_BYTES = 1 << 30
# sockaddr_un holds 108 bytes on Linux and 104 elsewhere, with the zero at the end.
_SOCKET_PATH_BYTES = 103
_SHORT = "/tmp"  # noqa: S108 - folders of random name are made in it
_PREFIX = "safemigrate-"
_LOCK = "owner"
_QUIT_TIMEOUT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Folders:
    """Where one server lives: `run` holds its data and log, `sockets` its socket.

    `lock`: a file in `run` that is locked for as long as this process, or one forked from it, runs:
    so the next run knows whether anybody still needs the folders.
    """

    run: Path
    sockets: Path
    lock: int

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.run / "log"

    @property
    def data(self) -> Path:
        """The server's data."""
        return self.run / "data"

    @property
    def state(self) -> Path:
        """The file in which the server says how it stands."""
        return self.data / "postmaster.pid"

    def remove(self) -> None:
        """Remove the folders, and let the lock go."""
        for folder in {self.run, self.sockets}:
            shutil.rmtree(folder, ignore_errors=True)
        os.close(self.lock)


def make_folders(account: Account) -> Folders:
    """Make private folders, in memory where there is room, with a path a socket can have."""
    run = account.make_private_folder(_roomy_parent(account))
    sockets = run
    if len(os.fsencode(run / f".s.PGSQL.{PORT}")) > _SOCKET_PATH_BYTES:
        sockets = account.make_private_folder(_SHORT)
    return Folders(run, sockets, _lock(run, sockets))


def _roomy_parent(account: Account) -> str:
    """Return /dev/shm if it has room, else the folder for temporary files.

    Containers give it 64 MB by default, which one index build would fill.
    """
    with suppress(OSError):
        free = os.statvfs(_MEMORY)
        if os.access(_MEMORY, os.W_OK) and free.f_bavail * free.f_frsize >= _MEMORY_NEEDED_BYTES:
            return str(_MEMORY)
    return account.temporary_folder()


def _lock(run: Path, sockets: Path) -> int:
    """Return a locked file in `run` that names `sockets`; it gets its name when it is locked."""
    new = run / f".{_LOCK}"
    lock = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.write(lock, os.fsencode(sockets))
    new.rename(run / _LOCK)
    return lock


def remove_stale(account: Account) -> None:
    """End the servers and remove the folders of runs that were killed with all they had started.

    Only of ours, and only where the lock says that nobody uses them: what a process leaves that is
    killed alone, the server's own parent removes.
    """
    for folder in _list_ours(account):
        _remove_unused(folder, account)


def _list_ours(account: Account) -> Iterator[Path]:
    """Yield the folders where servers may be that run under the account."""
    for parent in dict.fromkeys((str(_MEMORY), account.temporary_folder(), _SHORT)):
        with suppress(OSError), os.scandir(parent) as entries:
            for entry in entries:
                if entry.name.startswith(_PREFIX) and _is_private(Path(entry.path), account.uid):
                    yield Path(entry.path)


def _is_private(folder: Path, uid: int) -> bool:
    try:
        state = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(state.st_mode) and state.st_uid == uid and not state.st_mode & 0o077


def _remove_unused(folder: Path, account: Account) -> None:
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        if os.fstat(lock).st_uid != os.geteuid():
            return
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        sockets = Path(os.fsdecode(os.read(lock, 4096)))
        _end_server(folder / "data")
        if sockets.name.startswith(_PREFIX) and _is_private(sockets, account.uid):
            shutil.rmtree(sockets, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        # somebody uses it
        return
    finally:
        os.close(lock)


def _end_server(data: Path) -> None:
    """End the server that still runs on the data, and wait until it is gone."""
    try:
        pid = int((data / "postmaster.pid").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return
    deadline = time.monotonic() + _QUIT_TIMEOUT_SECONDS
    signal = SIGQUIT
    while _works_in(pid, data):
        with suppress(ProcessLookupError):
            os.kill(pid, signal)
        if time.monotonic() > deadline:
            signal = SIGKILL
        time.sleep(0.01)


def _works_in(pid: int, data: Path) -> bool:
    """Say whether the process is the server: one has its data for its directory."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == data
    except OSError:
        return False
