"""An application on a table: SELECTs and UPDATEs by key, and what each of them felt.

Requests are due at moments that are drawn before, and a latency counts from there: a request that
had to wait for a free connection, because others stood in a queue, has waited as well.
"""

import itertools
import random
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import psycopg
from sqlalchemy.engine import make_url

from docs.measured.figures import Span, Timeline

__all__ = ["Application", "Request", "connect", "draw_timeline", "find_worst"]

_RATE = 120
_CONNECTIONS = 12
_WRITES = 0.4
_SELECT = b"SELECT balance FROM accounts WHERE id = %s"
_UPDATE = b"UPDATE accounts SET balance = balance + 1 WHERE id = %s"
_SLOW_MS = 100
_BIN_SECONDS = 0.05
_WARM_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Request:
    """One request: when it was due, in seconds from the start, and its latency from then on."""

    due: float
    latency_ms: float
    is_write: bool


def connect(url: str) -> psycopg.Connection:
    """Open a connection in autocommit mode; `url` is one of SQLAlchemy's."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True, prepare_threshold=1)


class Application:
    """Serves as long as the context lasts; `now` counts seconds from its start."""

    def __init__(self, url: str, *, keys: int) -> None:
        """`keys`: rows are asked for by ids from 1 to this."""
        self._connections = [connect(url) for _ in range(_CONNECTIONS)]
        self._keys = keys
        self._draw = random.Random(20)  # noqa: S311 - traffic, not a secret
        self._turn = threading.Lock()
        self._due = 0.0
        self._end = float("inf")
        self._requests: list[Request] = []
        self._pool = ThreadPoolExecutor(_CONNECTIONS)
        self._serving: list[Future[None]] = []

    def __enter__(self) -> Self:
        """Start it, and return when it has served a while."""
        for connection, statement in itertools.product(self._connections, (_SELECT, _UPDATE)):
            connection.execute(statement, (1,))
        self._zero = time.monotonic() + _WARM_SECONDS
        self._due = -_WARM_SECONDS
        self._serving = [self._pool.submit(self._serve, one) for one in self._connections]
        time.sleep(_WARM_SECONDS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop, if that is still to be done, and close the connections."""
        self._end = min(self._end, self.now)
        self._pool.shutdown()
        for connection in self._connections:
            connection.close()

    @property
    def now(self) -> float:
        """Seconds since it began to serve."""
        return time.monotonic() - self._zero

    def stop(self) -> tuple[Request, ...]:
        """Take no more requests, wait for those that came, and return them, the earliest first.

        Raises what a request raised: the others alone would not show what was felt.
        """
        self._end = min(self._end, self.now)
        wait(self._serving)
        for one in self._serving:
            one.result()
        served = [request for request in self._requests if request.due >= 0]
        return tuple(sorted(served, key=lambda request: request.due))

    def _serve(self, connection: psycopg.Connection) -> None:
        for due, is_write, key in self._arrivals():
            time.sleep(max(0.0, due - self.now))
            connection.execute(_UPDATE if is_write else _SELECT, (key,))
            self._requests.append(Request(due, (self.now - due) * 1000, is_write))

    def _arrivals(self) -> Iterator[tuple[float, bool, int]]:
        while True:
            with self._turn:
                self._due += self._draw.expovariate(_RATE)
                due, key = self._due, self._draw.randint(1, self._keys)
                is_write = self._draw.random() < _WRITES
            if due > self._end:
                return
            yield due, is_write, key


def find_worst(requests: Iterable[Request], *, is_write: bool) -> float:
    """Return the longest latency of the reads, or of the writes, in milliseconds."""
    return max((one.latency_ms for one in requests if one.is_write is is_write), default=0.0)


def draw_timeline(title: str, requests: tuple[Request, ...], spans: Iterable[Span]) -> Timeline:
    """Return what was felt, a number for each kind of request in each piece of time."""
    last = max((one.due for one in requests), default=0.0)
    worst: dict[bool, list[float | None]] = {
        is_write: [None] * (int(last / _BIN_SECONDS) + 1) for is_write in (False, True)
    }
    for one in requests:
        place, column = int(one.due / _BIN_SECONDS), worst[one.is_write]
        column[place] = round(max(column[place] or 0.0, one.latency_ms), 2)
    return Timeline(
        title=title,
        bin_s=_BIN_SECONDS,
        reads_ms=tuple(worst[False]),
        writes_ms=tuple(worst[True]),
        spans=tuple(spans),
        requests=len(requests),
        slow=sum(one.latency_ms > _SLOW_MS for one in requests),
        worst_ms=round(max((one.latency_ms for one in requests), default=0.0), 1),
    )
