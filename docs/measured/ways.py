"""Statements tried beside the application, one after the other, and undone."""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import psycopg

from docs.measured.application import Application, Request, connect
from docs.measured.figures import Span
from docs.measured.ground import Ground

__all__ = ["Trial", "Way", "try_way"]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to do something: its statements, each by itself, and what undoes them."""

    group: str
    title: str
    statements: tuple[str, ...]
    undo: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """What was felt while the statements ran, and when each of them did."""

    requests: tuple[Request, ...]
    spans: tuple[Span, ...]

    @property
    def took_ms(self) -> float:
        """How long the statements took together."""
        return sum(span.to_s - span.from_s for span in self.spans) * 1000

    @property
    def worst_ms(self) -> float:
        """The longest latency of the requests that were due while they ran, or just before."""
        return max((one.latency_ms for one in self.requests), default=0.0)


def try_way(ground: Ground, url: str, way: Way) -> Trial:
    """Send the statements while the application is served, then undo what they did."""
    with Application(url, keys=ground.rows) as application, closing(connect(url)) as connection:
        time.sleep(ground.calm_seconds)
        spans = tuple(_send(application, connection, way.statements))
        time.sleep(ground.calm_seconds)
        requests = application.stop()
        for statement in way.undo:
            connection.execute(statement.encode())
    return Trial(requests, spans)


def _send(
    application: Application, connection: psycopg.Connection, statements: Sequence[str]
) -> list[Span]:
    spans = []
    for statement in statements:
        began = application.now
        connection.execute(statement.encode())
        spans.append(Span(what=statement, from_s=round(began, 4), to_s=round(application.now, 4)))
    return spans
