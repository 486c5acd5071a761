"""An application on a table: 300 requests a second, four SELECTs by key to one UPDATE by key.

Requests arrive at moments that are drawn before the start, and their latencies count from there:
one that had to wait for a free connection because others stood in a queue has waited as well.
So nothing that the application felt is left out. It runs in a process of its own, with sixteen
connections.

Alone it shows what the application feels when nothing else goes on, which is what a machine can
measure at all:

    .venv/bin/python benchmarks/traffic.py [--seconds 10]
"""

import argparse
import itertools
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Self

import psycopg
from sqlalchemy.engine import make_url

from safemigrate.server import Server, open_server

__all__ = ["CONNECTIONS", "Application", "Felt", "libpq_url", "prepare_database"]

RATE = 300
CONNECTIONS = 16
ROWS = 50_000
_SELECT = "SELECT balance FROM accounts WHERE id = %s"
_UPDATE = "UPDATE accounts SET balance = balance + 1 WHERE id = %s"
_UPDATES = 0.2
_SLOW_MS = 100
_VERY_SLOW_MS = 1000
# Long enough for whatever stands in the queue at the end.
_DRAIN_SECONDS = 60

_TABLE = """
CREATE TABLE accounts (
    id bigint PRIMARY KEY,
    balance bigint NOT NULL DEFAULT 0,
    holder text NOT NULL
) WITH (fillfactor = 80, autovacuum_enabled = off);
CREATE TABLE audits (id bigint PRIMARY KEY);
"""
_FILL = """
INSERT INTO accounts (id, holder)
SELECT id, repeat(md5(id::text), 4) FROM generate_series(1, %s) AS id
"""


def libpq_url(url: str) -> str:
    """Return a URL of SQLAlchemy as libpq reads it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def prepare_database(server: Server) -> str:
    """Return the name of a new database with the application's table in it, to be copied."""
    name = server.create_database()
    with psycopg.connect(libpq_url(server.url(name)), autocommit=True) as connection:
        connection.execute(_TABLE)
        connection.execute(_FILL, (ROWS,))
        connection.execute("VACUUM (ANALYZE, FREEZE) accounts")
    return name


@dataclass(frozen=True, slots=True)
class Felt:
    """What the application felt: latencies in milliseconds, and errors by SQLSTATE."""

    latencies_ms: tuple[float, ...]
    errors: tuple[str, ...]

    @property
    def worst_ms(self) -> float:
        """The longest latency."""
        return max(self.latencies_ms, default=0.0)

    @property
    def p99_ms(self) -> float:
        """The latency that one request in a hundred exceeds."""
        ordered = sorted(self.latencies_ms)
        return ordered[int(len(ordered) * 0.99)] if ordered else 0.0

    @property
    def slow(self) -> int:
        """How many requests took over 100 ms."""
        return sum(1 for latency in self.latencies_ms if latency > _SLOW_MS)

    @property
    def very_slow(self) -> int:
        """How many requests took over a second."""
        return sum(1 for latency in self.latencies_ms if latency > _VERY_SLOW_MS)


class Application:
    """The process of the application, as long as the context lasts."""

    def __init__(self, url: str) -> None:
        self._url = libpq_url(url)
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Start it, and return when it has served a while."""
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TRAFFIC_URL": self._url},
        )
        if not _pipe(self._process.stdout).readline():
            self._process.wait()
            sys.exit("the application did not start")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it, if `stop` has not."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def stop(self) -> Felt:
        """Take no more requests, wait for those that came, and return what was felt."""
        if self._process is None:
            raise AssertionError
        out, _ = self._process.communicate("stop\n", timeout=_DRAIN_SECONDS)
        self._process = None
        read = json.loads(out)
        return Felt(tuple(read["latencies_ms"]), tuple(read["errors"]))


def _pipe(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise AssertionError
    return stream


class _Service:
    """The connections, each a thread that takes the next request when it is due."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._draw = random.Random(20)  # noqa: S311 - traffic, not a secret
        self._numbers = itertools.count()
        self._due = 0.0
        self._next = threading.Lock()
        self._end = float("inf")
        self.latencies_ms: list[float] = []
        self.errors: list[str] = []

    def serve(self, ready: threading.Barrier) -> None:
        """Serve until told to stop; connect again after an error."""
        connection = psycopg.connect(self._url, autocommit=True, prepare_threshold=1)
        ready.wait()
        for due, statement, key in self._requests():
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                connection.execute(statement, (key,))
            except psycopg.Error as err:
                self.errors.append(err.sqlstate or "lost")
                if connection.closed:
                    connection = psycopg.connect(self._url, autocommit=True, prepare_threshold=1)
            self.latencies_ms.append((time.monotonic() - due) * 1000)
        connection.close()

    def stop(self) -> None:
        """Take no request that is not due yet."""
        self._end = time.monotonic()

    def begin(self) -> None:
        """Let the first request be due now."""
        self._due = time.monotonic()

    def _requests(self) -> Iterator[tuple[float, str, int]]:
        while True:
            with self._next:
                self._due += self._draw.expovariate(RATE)
                due = self._due
                is_update = self._draw.random() < _UPDATES
                key = self._draw.randint(1, ROWS)
            if due > self._end:
                return
            yield due, _UPDATE if is_update else _SELECT, key


def serve(url: str) -> None:
    """Be the application: say when it runs, go on until a line comes in, tell what was felt."""
    # a thread whose answer is there goes on at once
    sys.setswitchinterval(0.0005)
    service = _Service(url)
    ready = threading.Barrier(CONNECTIONS + 1, action=service.begin)
    threads = [
        threading.Thread(target=service.serve, args=(ready,), daemon=True)
        for _ in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    ready.wait()
    # what it takes to warm up is nobody's doing
    time.sleep(0.5)
    warm = len(service.latencies_ms)
    print("serving", flush=True)
    sys.stdin.readline()
    service.stop()
    for thread in threads:
        thread.join()
    felt = {"latencies_ms": service.latencies_ms[warm:], "errors": service.errors}
    print(json.dumps(felt))


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve for a while on a new server, and print what was felt."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve:
        serve(os.environ["TRAFFIC_URL"])
        return
    with open_server("embedded") as server:
        url = server.url(prepare_database(server))
        with Application(url) as application:
            time.sleep(options.seconds)
            felt = application.stop()
    print(f"{len(felt.latencies_ms)} requests in {options.seconds:.0f} s, nothing else going on")
    print(f"worst {felt.worst_ms:.1f} ms, p99 {felt.p99_ms:.1f} ms, over 100 ms: {felt.slow}")
    print(f"errors: {dict(Counter(felt.errors)) or 'none'}")


if __name__ == "__main__":
    main()
