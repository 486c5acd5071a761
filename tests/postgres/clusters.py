"""A server of a test's own, which may be stopped, changed and started again."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import URL

from safemigrate.model import ServerVersion
from safemigrate.server.account import Account, choose_account
from safemigrate.server.binaries import Binaries, find_binaries
from safemigrate.server.cluster import SUPERUSER

_TIMEOUT_SECONDS = 60
_SETTINGS = {
    "fsync": "off",
    "shared_buffers": "8MB",
    "timezone": "UTC",
    "unix_socket_permissions": "0700",
}


class Cluster:
    """A data folder, and the server on it while it runs; it listens on a socket and on TCP."""

    def __init__(self, folder: Path, binaries: Binaries, account: Account) -> None:
        self.data = folder / "data"
        self.port = _free_port()
        self._folder = folder
        self._binaries = binaries
        self._account = account
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres", *, is_tcp: bool = False, **query: str) -> str:
        """Return the SQLAlchemy URL of a database, over TCP or the Unix socket."""
        host = "127.0.0.1" if is_tcp else str(self._folder)
        parameters = {"host": host, "port": str(self.port), **query}
        url = URL.create(
            "postgresql+psycopg", username=SUPERUSER, database=database, query=parameters
        )
        return url.render_as_string(hide_password=False)

    def initialise(self) -> None:
        """Make the data folder."""
        options = ("--username", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--locale=C")
        made = subprocess.run(
            [self._binaries.bin / "initdb", "-D", self.data, *options, "--no-sync"],
            cwd=self._folder,
            env=self._binaries.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            user=self._account.uid if self._account.is_other else None,
            group=self._account.gid if self._account.is_other else None,
            extra_groups=[] if self._account.is_other else None,
        )
        assert made.returncode == 0, made.stderr

    def start(self, settings: Mapping[str, str] | None = None) -> None:
        """Start the server, and return when it takes connections."""
        wanted = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self._folder),
            **_SETTINGS,
            **(settings or {}),
        }
        options = [part for name, value in wanted.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._binaries.bin / "postgres", "-D", self.data, "-p", str(self.port), *options],
                cwd=self._folder,
                env=self._binaries.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._account.uid if self._account.is_other else None,
                group=self._account.gid if self._account.is_other else None,
                extra_groups=[] if self._account.is_other else None,
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop the server as pg_ctl does in its mode fast: everything is written."""
        if self._process is not None:
            # https://www.postgresql.org/docs/current/server-shutdown.html
            self._process.send_signal(2)
            self._process.wait(_TIMEOUT_SECONDS)
            self._process = None

    def touch(self, name: str) -> None:
        """Put an empty file into the data folder."""
        file = self.data / name
        file.touch()
        if self._account.is_other:
            shutil.chown(file, self._account.uid, self._account.gid)

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + _TIMEOUT_SECONDS
        pause = threading.Event()
        state = self.data / "postmaster.pid"
        while not (state.exists() and state.read_text().rstrip().endswith("ready")):
            log = (self._folder / "log").read_text(errors="replace")
            assert self._process is not None
            assert self._process.poll() is None, f"the server ended: {log}"
            assert time.monotonic() < end, f"the server does not start: {log}"
            pause.wait(0.01)


@contextmanager
def open_cluster(version: int | None = None) -> Iterator[Cluster]:
    """Yield a new cluster, not started yet; its server is stopped and its data removed."""
    account = choose_account()
    binaries = find_binaries(account, None if version is None else ServerVersion(version))
    # short enough for a socket
    folder = account.make_private_folder("/tmp")  # noqa: S108 - of random name
    cluster = Cluster(folder, binaries, account)
    try:
        cluster.initialise()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
