"""A server that can be stopped in the middle of everything, and a proxy that cuts connections."""

from __future__ import annotations

import contextlib
import selectors
import shutil
import socket
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psycopg

from safemigrate.server.account import choose_account
from safemigrate.server.binaries import find_binaries
from safemigrate.server.cluster import SUPERUSER, find_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["CrashableServer", "Proxy", "open_crashable"]


class Proxy:
    """Passes connections on to a server's Unix socket, until it is told to cut one."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._control = socket.create_server(("127.0.0.1", 0))
        self._pairs: dict[int, tuple[socket.socket, socket.socket]] = {}
        self._losing: set[int] = set()
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._orders: list[Callable[[], None]] = []

    @property
    def control_port(self) -> int:
        return int(self._control.getsockname()[1])

    def url(self, database: str) -> str:
        port = self._listener.getsockname()[1]
        return f"postgresql+psycopg://{SUPERUSER}@127.0.0.1:{port}/{database}?sslmode=disable"

    def __enter__(self) -> Self:
        for source, act in (
            (self._listener, self._accept),
            (self._control, self._obey),
            (self._woken, self._heed),
        ):
            self._selector.register(source, selectors.EVENT_READ, act)
        self._thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._orders.append(self._end)
        self._wake.send(b".")
        self._thread.join()

    def cut_all(self) -> None:
        """Cut all connections, and return when they are."""
        done = threading.Event()

        def cut() -> None:
            for port in tuple(self._pairs):
                self._cut(port)
            done.set()

        self._orders.append(cut)
        self._wake.send(b".")
        assert done.wait(10)

    def _work(self) -> None:
        while self._selector.get_map():
            for key, _ in self._selector.select():
                # an earlier one of these may have closed it
                if any(key is one for one in tuple(self._selector.get_map().values())):
                    key.data()

    def _heed(self) -> None:
        self._woken.recv(1)
        self._orders.pop(0)()

    def _end(self) -> None:
        for port in tuple(self._pairs):
            self._cut(port)
        for source in (self._listener, self._control, self._woken):
            self._selector.unregister(source)
            source.close()
        self._wake.close()

    def _accept(self) -> None:
        client, (_, port) = self._listener.accept()
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self._target)
        except OSError:
            client.close()
            server.close()
            return
        self._pairs[port] = client, server
        self._selector.register(client, selectors.EVENT_READ, lambda: self._pass(port, client))
        self._selector.register(server, selectors.EVENT_READ, lambda: self._pass(port, server))

    def _pass(self, port: int, source: socket.socket) -> None:
        if port not in self._pairs:
            return
        client, server = self._pairs[port]
        try:
            data = source.recv(1 << 16)
            if not data or (source is server and port in self._losing):
                self._cut(port)
                return
            (server if source is client else client).sendall(data)
        except OSError:
            self._cut(port)

    def _cut(self, port: int) -> None:
        self._losing.discard(port)
        for one in self._pairs.pop(port):
            self._selector.unregister(one)
            one.close()

    def _obey(self) -> None:
        asker, _ = self._control.accept()
        with asker:
            word, port = asker.recv(100).decode().split()
            if word == "cut":
                for known in tuple(self._pairs):
                    self._cut(known)
            else:
                self._losing.add(int(port))
            asker.sendall(b".")


@dataclass
class CrashableServer:
    """A server of the tests' own that can be stopped in the middle of everything."""

    folder: Path
    bin: Path
    options: dict[str, Any] = field(repr=False)
    proxy: Proxy = field(init=False)

    @property
    def stop_command(self) -> tuple[str, ...]:
        data = str(self.folder / "data")
        return (str(self.bin / "pg_ctl"), "stop", "-D", data, "-m", "immediate")

    def start(self) -> None:
        settings = (
            f"-c listen_addresses= -c unix_socket_directories={self.folder} -c fsync=off "
            "-c full_page_writes=off -c max_connections=50 -c shared_buffers=32MB"
        )
        command = (str(self.bin / "pg_ctl"), "start", "-w", "-D", str(self.folder / "data"))
        log = ("-l", str(self.folder / "log"), "-o", settings)
        subprocess.run((*command, *log), check=True, stdout=subprocess.DEVNULL, **self.options)

    def stop(self) -> None:
        subprocess.run(self.stop_command, check=True, stdout=subprocess.DEVNULL, **self.options)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{SUPERUSER}@/{database}?host={self.folder}"

    def plain_url(self, database: str) -> str:
        return f"postgresql://{SUPERUSER}@/{database}?host={self.folder}"

    def connect(self, database: str) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.plain_url(database), autocommit=True)


@contextlib.contextmanager
def open_crashable() -> Iterator[CrashableServer]:
    """Yield a running server, with a proxy before it."""
    account = choose_account()
    binaries = find_binaries(account)
    cluster = find_cluster(binaries, account)
    memory = "/dev/shm"  # noqa: S108 - a private folder is made in it
    parent = memory if Path(memory).is_dir() else account.temporary_folder()
    folder = account.make_private_folder(parent)
    options: dict[str, Any] = {"env": binaries.environment, "cwd": folder}
    if account.is_other:
        options |= {"user": account.uid, "group": account.gid, "extra_groups": []}
    server = CrashableServer(folder, binaries.bin, options)
    try:
        subprocess.run(("cp", "-R", str(cluster), str(folder / "data")), check=True, **options)
        subprocess.run(("chmod", "700", str(folder / "data")), check=True, **options)
        server.start()
        try:
            with Proxy(f"{folder}/.s.PGSQL.5432") as server.proxy:
                yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
