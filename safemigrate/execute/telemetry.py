"""Spans of OpenTelemetry for a run, its revisions and their statements.

Only where the API is installed, which is no dependency; without it nothing is imported and nothing
is done. Who exports the spans, and where to, is the business of the SDK, as set up by
`opentelemetry-instrument` or by the program that runs the migrations.
Names: https://opentelemetry.io/docs/specs/semconv/database/database-spans/
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

from safemigrate.errors import SafemigrateError
from safemigrate.execute.blockers import LockWait
from safemigrate.execute.events import (
    LockWaited,
    Progress,
    RevisionFinished,
    RevisionRetried,
    RevisionStarted,
    RunConfigured,
    RunEvent,
    RunFinished,
    StatementFinished,
    StatementStarted,
)
from safemigrate.journal import count_milliseconds
from safemigrate.model import Direction
from safemigrate.model.secrets import hide_passwords
from safemigrate.sql.lexing import lex

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer
    from opentelemetry.util.types import AttributeValue

__all__ = ["mask_literals", "name_operation", "trace_run"]

_LONGEST_QUERY = 2000
# The kinds of object that tell one operation from another, behind CREATE, ALTER, DROP and the like.
_OBJECTS = frozenset(
    {"COLLATION", "DATABASE", "DOMAIN", "EXTENSION", "FUNCTION", "INDEX", "POLICY", "PROCEDURE"}
    | {"PUBLICATION", "ROLE", "RULE", "SCHEMA", "SEQUENCE", "STATISTICS", "SUBSCRIPTION", "TABLE"}
    | {"TRIGGER", "TYPE", "USER", "VIEW"}
)
_WITH_OBJECT = frozenset({"ALTER", "COMMENT", "CREATE", "DROP", "LOCK", "REFRESH", "REINDEX"})


@contextlib.contextmanager
def trace_run(progress: Progress, direction: Direction) -> Iterator[Progress]:
    """Yield what a run may report to: `progress`, and the spans made of the same events.

    A span for the run ends with the block. It continues the trace that the variable `TRACEPARENT`
    names, or else the current one.
    """
    if not _has_api():
        yield progress
        return
    from opentelemetry import trace  # noqa: PLC0415 - only where it is installed

    tracer = trace.get_tracer("safemigrate")
    spans = _Spans(tracer, direction)

    def report(event: RunEvent) -> None:
        spans.tell(event)
        progress(event)

    try:
        yield report
    except BaseException as error:
        spans.fail(error)
        raise
    finally:
        spans.end()


def mask_literals(sql: str) -> str:
    """Return the statement with `?` for every string and number, and without comments."""
    parts: list[str] = []
    position = 0
    string_end = -1
    for kind, start, end in lex(sql):
        text = sql[start:end]
        parts.append(sql[position:start])
        position = end
        if kind == "string":
            # a doubled quote is told as two strings
            parts.append("" if start == string_end else "?")
            string_end = end
        elif kind == "number" and not text.startswith("$"):
            parts.append("?")
        elif kind not in {"comment", "block"}:
            parts.append(text)
    return " ".join("".join([*parts, sql[position:]]).split())


def name_operation(sql: str) -> str:
    """Return `ALTER TABLE`, `CREATE INDEX`, `UPDATE`: what the statement does, in few words."""
    verb = ""
    for kind, start, end in lex(sql):
        if kind in {"comment", "block"}:
            continue
        if kind != "word":
            return verb
        word = sql[start:end].upper()
        if not verb:
            verb = word
            if verb not in _WITH_OBJECT:
                return verb
        elif word in _OBJECTS:
            return f"{verb} {word}"
    return verb


def _has_api() -> bool:
    try:
        return find_spec("opentelemetry.trace") is not None
    except (ModuleNotFoundError, ValueError):
        return False


def _outer_context() -> "Context | None":
    """Return the context of the trace that the environment names, None for the current one."""
    parent = os.environ.get("TRACEPARENT")
    if not parent:
        return None
    from opentelemetry.propagate import extract  # noqa: PLC0415 - only where it is installed

    carrier = {"traceparent": parent, "tracestate": os.environ.get("TRACESTATE", "")}
    return extract(carrier)


class _Spans:
    """The spans of one run, opened and ended by its events."""

    def __init__(self, tracer: "Tracer", direction: Direction) -> None:
        self._tracer = tracer
        self._direction = direction
        self._database = ""
        self._run = tracer.start_span(
            f"safemigrate {direction.value}",
            context=_outer_context(),
            attributes={
                "db.system.name": "postgresql",
                "safemigrate.direction": direction.value,
            },
        )
        self._revision: Span | None = None
        self._statement: Span | None = None

    def tell(self, event: RunEvent) -> None:
        """Open, end or mark the span that the event is about."""
        if isinstance(event, RunConfigured):
            self._database = event.database
            self._run.set_attribute("db.namespace", event.database)
        elif isinstance(event, RevisionStarted):
            self._begin_revision(event)
        elif isinstance(event, StatementStarted):
            self._begin_statement(event)
        elif isinstance(event, StatementFinished):
            self._end_statement(event)
        elif isinstance(event, LockWaited):
            self._mark_wait(event.wait)
        elif isinstance(event, RevisionRetried):
            self._mark_retry(event)
        elif isinstance(event, RevisionFinished):
            self._end_revision(event)
        elif isinstance(event, RunFinished):
            self._run.set_attribute("safemigrate.revisions", len(event.applied))

    def fail(self, error: BaseException) -> None:
        """Mark what is open as ended by an error; no traceback, which could hold a password."""
        message = error.message if isinstance(error, SafemigrateError) else str(error)
        for span in (self._statement, self._revision, self._run):
            if span is not None:
                _mark_error(span, type(error).__name__, message)

    def end(self) -> None:
        """End what is open."""
        for span in (self._statement, self._revision, self._run):
            if span is not None:
                span.end()
        self._statement = self._revision = None

    def _begin_revision(self, event: RevisionStarted) -> None:
        self._revision = self._tracer.start_span(
            f"{event.direction.value} revision",
            context=_inside(self._run),
            attributes={
                "db.system.name": "postgresql",
                "db.namespace": self._database,
                "safemigrate.revision": event.revision.revision,
                "safemigrate.direction": event.direction.value,
                "safemigrate.position": event.position,
                "safemigrate.count": event.count,
            },
        )

    def _end_revision(self, event: RevisionFinished) -> None:
        if self._revision is not None:
            self._revision.set_attribute("safemigrate.attempts", event.attempts)
            self._revision.set_attribute("safemigrate.waited_ms", count_milliseconds(event.waited))
            self._revision.end()
            self._revision = None

    def _begin_statement(self, event: StatementStarted) -> None:
        from opentelemetry.trace import SpanKind  # noqa: PLC0415 - only where it is installed

        operation = name_operation(event.sql)
        self._statement = self._tracer.start_span(
            operation or "statement",
            context=_inside(self._revision or self._run),
            kind=SpanKind.CLIENT,
            attributes={
                "db.system.name": "postgresql",
                "db.namespace": self._database,
                "db.operation.name": operation,
                "db.query.text": mask_literals(event.sql[:_LONGEST_QUERY]),
                "safemigrate.revision": event.revision.revision,
                "safemigrate.ordinal": event.ordinal,
            },
        )

    def _end_statement(self, event: StatementFinished) -> None:
        span = self._statement
        if span is None:
            return
        span.set_attribute("safemigrate.attempts", event.attempts)
        span.set_attribute("safemigrate.waited_ms", count_milliseconds(event.waited))
        span.set_attribute("safemigrate.stalled_ms", count_milliseconds(event.stalled))
        if event.error:
            if event.sqlstate:
                span.set_attribute("db.response.status_code", event.sqlstate)
            _mark_error(span, event.sqlstate or "error", event.error)
        span.end()
        self._statement = None

    def _mark_wait(self, wait: LockWait) -> None:
        span = self._statement or self._revision
        if span is not None:
            attributes: Mapping[str, AttributeValue] = {
                "safemigrate.relation": wait.relation or "",
                "safemigrate.lock_mode": wait.mode or "",
                "safemigrate.blocker_pids": tuple(one.pid for one in wait.blockers),
            }
            span.add_event("lock wait", attributes)

    def _mark_retry(self, event: RevisionRetried) -> None:
        if self._revision is not None:
            attributes: Mapping[str, AttributeValue] = {
                "safemigrate.reason": event.reason,
                "safemigrate.attempt": event.attempt,
                "safemigrate.pause_ms": count_milliseconds(event.pause),
            }
            self._revision.add_event("retry", attributes)


def _inside(span: "Span") -> "Context":
    from opentelemetry.trace import set_span_in_context  # noqa: PLC0415 - only where it is installed

    return set_span_in_context(span)


def _mark_error(span: "Span", kind: str, message: str) -> None:
    from opentelemetry.trace import StatusCode  # noqa: PLC0415 - only where it is installed

    text = hide_passwords(message)
    span.set_attribute("error.type", kind)
    span.add_event("exception", {"exception.type": kind, "exception.message": text})
    span.set_status(StatusCode.ERROR, text)
