"""Runs that are cut off at every point; also the program that such runs are children of.

As a program it takes the path of an alembic.ini and URLs, and reads orders as JSON from standard
input, one a line. For each it forks a child that runs the upgrade, and tells what became of it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from safemigrate.catalog import read_server
from safemigrate.errors import SafemigrateError
from safemigrate.execute import Clearance, Inquiry, RunSettings, StatementStarted, run_upgrade
from safemigrate.plan import walk_pending
from safemigrate.source import open_project, record

if TYPE_CHECKING:
    from safemigrate.execute import RunEvent
    from tests.execute.crashable import CrashableServer


@dataclass(frozen=True)
class Order:
    """How a run is to be cut off.

    `fault`: `kill`, `terminate`, `stop`, `cut` or `lose`, which lets the answer get lost; "" for
    none. `passed`: the points at which earlier runs were cut off, and which are passed now.
    """

    fault: str = ""
    passed: tuple[str, ...] = ()


@dataclass(frozen=True)
class End:
    """What became of a run: where it was cut off, "" for nowhere, and how it ended."""

    point: str
    status: int
    told: str


def tell(line: str) -> None:
    """Write a line to standard output, which is standard error while env.py runs."""
    os.write(_OUTPUT, f"{line}\n".encode())


_OUTPUT = os.dup(1) if __name__ == "__main__" else 1


# What a revision and the journal send; not what is asked before locks are taken.
_SENT = ("ALTER", "BEGIN", "COMMIT", "CREATE", "DROP", "INSERT", "UPDATE", "WITH")


@dataclass
class Faults:
    """Counts what the migrations' session sends, and breaks something at the first new point."""

    order: Order
    url: str
    stop_command: tuple[str, ...]
    proxy_port: int
    is_armed: bool = False
    point: str = ""
    _before: str = ""

    def __call__(self, event: RunEvent) -> None:
        """Begin with the first statement of the revision."""
        self.is_armed = self.is_armed or isinstance(event, StatementStarted)

    def install(self) -> None:
        """Look at all that psycopg sends."""
        execute, commit = psycopg.Cursor.execute, psycopg.Connection.commit

        def watched_execute(cursor: Any, query: Any, *rest: Any, **named: Any) -> Any:
            text = " ".join(query.split()) if isinstance(query, str) else ""
            if text.startswith(_SENT):
                self.pass_point(text, cursor.connection)
            return execute(cursor, query, *rest, **named)

        def watched_commit(connection: Any) -> None:
            self.pass_point("commit()", connection)
            commit(connection)

        # in a process of its own, where nobody else sees it
        setattr(psycopg.Cursor, "execute", watched_execute)  # noqa: B010 - a method cannot be assigned
        setattr(psycopg.Connection, "commit", watched_commit)  # noqa: B010 - the same

    def pass_point(self, text: str, connection: psycopg.Connection[Any]) -> None:
        is_migrating = threading.current_thread() is threading.main_thread()
        if not self.is_armed or self.point or not is_migrating or not self.order.fault:
            return
        point = f"{self._before[:60]} | {text[:60]}"
        if "safemigrate." not in text and text not in {"BEGIN", "COMMIT", "commit()"}:
            self._before = text
        if point in self.order.passed or self.order.passed == ("*",):
            return
        self.point = point
        tell(f"point {point}")
        self._break(connection)

    def _break(self, connection: psycopg.Connection[Any]) -> None:
        match self.order.fault:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "terminate":
                with psycopg.connect(self.url, autocommit=True) as session:
                    pid = connection.info.backend_pid
                    session.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))
            case "stop":
                owner = Path(self.stop_command[3]).stat().st_uid
                user = owner if owner != os.geteuid() else None
                subprocess.run(self.stop_command, check=True, stdout=subprocess.DEVNULL, user=user)
            case "cut" | "lose":
                own = socket.socket(fileno=os.dup(connection.fileno()))
                with own, socket.create_connection(("127.0.0.1", self.proxy_port)) as control:
                    control.sendall(f"{self.order.fault} {own.getsockname()[1]}\n".encode())
                    control.recv(1)


def run(config: str, url: str, faults: Faults) -> int:
    """Run the upgrade as the command does, and return its exit code."""
    project = open_project(Path(config), url=url)

    def clear(inquiry: Inquiry) -> Clearance:
        history = record(project, version=inquiry.server_version)
        catalog = inquiry.reading(read_server).catalog("the database")
        passages = walk_pending(
            history,
            inquiry.pending,
            inquiry.direction,
            before=catalog,
            version=inquiry.server_version,
        )
        return Clearance(passages=passages)

    settings = RunSettings(lock_timeout=timedelta(seconds=1), deadline=timedelta(seconds=60))
    faults.install()
    try:
        run_upgrade(project, "heads", settings, progress=faults, check=clear)
    except SafemigrateError as error:
        told = f"{type(error).__name__}: {error.message} | {error.hint}"
        tell(f"told {' '.join(told.split())}")
        return int(error.exit_code)
    return 0


def serve() -> None:
    config, url, admin_url, proxy_url, proxy_port, *stop_command = sys.argv[1:]
    for line in sys.stdin:
        given = json.loads(line)
        order = Order(given["fault"], tuple(given["passed"]))
        faults = Faults(order, admin_url, tuple(stop_command), int(proxy_port))
        pid = os.fork()
        if pid == 0:
            status = 70
            try:
                status = run(config, proxy_url if order.fault in {"cut", "lose"} else url, faults)
            finally:
                os._exit(status)
        tell(f"pid {pid}")
        _, status = os.waitpid(pid, 0)
        tell(f"end {os.waitstatus_to_exitcode(status)}")


class Children:
    """The program above, and the runs that it forks."""

    def __init__(self, config: Path, crashable: CrashableServer, database: str) -> None:
        self._crashable = crashable
        proxy = crashable.proxy
        url = crashable.url(database)
        self._program = subprocess.Popen(
            (
                sys.executable,
                __file__,
                str(config),
                url,
                crashable.plain_url(database),
                proxy.url(database),
                str(proxy.control_port),
                *crashable.stop_command,
            ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start(self, order: Order) -> int:
        """Start a run, and return its process."""
        assert self._program.stdin is not None
        self._program.stdin.write(json.dumps(asdict(order)) + "\n")
        self._program.stdin.flush()
        return int(self._read("pid "))

    def wait(self) -> End:
        """Return what became of the run."""
        point, told = "", ""
        while True:
            line = self._read("")
            kind, _, rest = line.partition(" ")
            match kind:
                case "point":
                    point = rest
                case "told":
                    told = rest
                case "end":
                    return End(point, int(rest), told)

    def run(self, order: Order) -> End:
        self.start(order)
        return self.wait()

    def close(self) -> None:
        # it ends with its input
        with self._program as program:
            program.communicate(timeout=60)

    def _read(self, beginning: str) -> str:
        assert self._program.stdout is not None
        while line := self._program.stdout.readline():
            if line.startswith(beginning) and line.split(" ", 1)[0] in {
                "pid",
                "point",
                "told",
                "end",
            }:
                return line.removeprefix(beginning).rstrip("\n")
        assert self._program.stderr is not None
        raise AssertionError(self._program.stderr.read())


if __name__ == "__main__":
    serve()
