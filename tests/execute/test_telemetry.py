"""A run, its revisions and statements are spans, where OpenTelemetry is installed."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from safemigrate.errors import RevisionFailedError, SafemigrateError
from safemigrate.execute import (
    LockWait,
    LockWaited,
    PlannedRevision,
    RevisionFinished,
    RevisionRetried,
    RevisionStarted,
    RunEvent,
    StatementFinished,
    StatementStarted,
)
from safemigrate.execute.telemetry import mask_literals, name_operation, trace_run
from safemigrate.model import Direction

REVISION = PlannedRevision("1a2b", "add a column")
SECOND = timedelta(seconds=1)
NONE = timedelta()
ALTER = "ALTER TABLE t ADD COLUMN c text DEFAULT 'sesame'"


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """What is exported, of the provider that the program has set up."""
    found = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(found))
    # the API lets a program set its provider only once
    monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", provider)
    monkeypatch.delenv("TRACEPARENT", raising=False)
    yield found
    provider.shutdown()


def trace(*events: RunEvent, error: SafemigrateError | None = None) -> list[RunEvent]:
    """Tell the events to a run's spans; return what was handed on."""
    told: list[RunEvent] = []
    with trace_run(told.append, Direction.UPGRADE) as report:
        for event in events:
            report(event)
        if error is not None:
            raise error
    return told


def by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


def attributes(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


STARTED = RevisionStarted(REVISION, Direction.UPGRADE, 1, 1)
FINISHED = RevisionFinished(REVISION, Direction.UPGRADE, SECOND, 2, SECOND)
SENT = StatementStarted(REVISION, 1, ALTER, is_autocommit=False)
DONE = StatementFinished(REVISION, 1, ALTER, SECOND, 3, SECOND, timedelta(milliseconds=20))


def test_a_run_has_a_span_for_each_revision_and_statement(exporter: InMemorySpanExporter) -> None:
    events = (STARTED, SENT, DONE, FINISHED)
    assert trace(*events) == list(events)
    spans = by_name(exporter)
    assert list(spans) == ["ALTER TABLE", "upgrade revision", "safemigrate upgrade"]
    statement, revision, run = spans.values()
    assert statement.parent == revision.context
    assert revision.parent == run.context
    assert run.parent is None
    found = attributes(statement)
    assert found["db.system.name"] == "postgresql"
    assert found["db.operation.name"] == "ALTER TABLE"
    assert found["db.query.text"] == "ALTER TABLE t ADD COLUMN c text DEFAULT ?"
    assert found["safemigrate.revision"] == "1a2b"
    assert found["safemigrate.attempts"] == 3
    assert found["safemigrate.waited_ms"] == 1000
    assert found["safemigrate.stalled_ms"] == 20
    assert attributes(revision)["safemigrate.attempts"] == 2
    assert {span.status.status_code for span in spans.values()} == {StatusCode.UNSET}


def test_an_error_is_in_every_span_that_it_ends(exporter: InMemorySpanExporter) -> None:
    failed = StatementFinished(
        REVISION, 1, ALTER, SECOND, 1, NONE, NONE, (), "postgresql://a:sesame@h refuses", "42P01"
    )
    error = RevisionFailedError('revision "1a2b" failed, password=sesame')
    with pytest.raises(RevisionFailedError):
        trace(STARTED, SENT, failed, error=error)
    spans = by_name(exporter)
    assert len(spans) == 3
    assert {span.status.status_code for span in spans.values()} == {StatusCode.ERROR}
    assert attributes(spans["ALTER TABLE"])["db.response.status_code"] == "42P01"
    assert attributes(spans["safemigrate upgrade"])["error.type"] == "RevisionFailedError"
    told = str([(dict(span.attributes or {}), span.events) for span in spans.values()])
    told += str([span.status.description for span in spans.values()])
    assert "refuses" in told
    assert "sesame" not in told


def test_what_is_open_when_a_run_ends_is_ended(exporter: InMemorySpanExporter) -> None:
    with pytest.raises(RevisionFailedError):
        trace(STARTED, SENT, error=RevisionFailedError("no"))
    assert len(exporter.get_finished_spans()) == 3


def test_a_wait_and_a_retry_are_marked(exporter: InMemorySpanExporter) -> None:
    wait = LockWaited(REVISION, LockWait("t", "ACCESS EXCLUSIVE", ()))
    retry = RevisionRetried(REVISION, 1, "lock timeout", None, SECOND)
    trace(STARTED, SENT, wait, DONE, retry, FINISHED)
    spans = by_name(exporter)
    assert [event.name for event in spans["ALTER TABLE"].events] == ["lock wait"]
    assert [event.name for event in spans["upgrade revision"].events] == ["retry"]


def test_a_run_continues_the_trace_of_its_pipeline(
    exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    monkeypatch.setenv("TRACEPARENT", f"00-{trace_id}-b7ad6b7169203331-01")
    trace()
    (run,) = exporter.get_finished_spans()
    assert run.context is not None
    assert f"{run.context.trace_id:032x}" == trace_id


# A finder that knows no such module, as where the API is not installed.
_WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(name=name)

sys.meta_path.insert(0, Missing())
from safemigrate.execute.telemetry import trace_run
from safemigrate.model import Direction
tell = [].append
with trace_run(tell, Direction.UPGRADE) as report:
    assert report is tell
assert "opentelemetry" not in sys.modules
print("nothing")
"""


def test_without_the_api_nothing_is_imported_and_nothing_is_done() -> None:
    done = subprocess.run(
        (sys.executable, "-c", _WITHOUT), capture_output=True, text=True, check=False
    )
    assert done.stdout == "nothing\n", done.stderr


def test_nothing_is_imported_before_a_run() -> None:
    code = (
        "import sys, safemigrate.cli.running, safemigrate.execute.telemetry as t;"
        "print('opentelemetry' in sys.modules)"
    )
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=False)
    assert done.stdout == "False\n", done.stderr


@pytest.mark.parametrize(
    ("sql", "masked"),
    [
        ("SELECT 'it''s', 15, $1, c1", "SELECT ?, ?, $1, c1"),
        ("SELECT E'\\'x' -- 'secret'\n, $$body$$ /* 1 */", "SELECT ? , ?"),
        (
            "CREATE ROLE r PASSWORD 'sesame' VALID UNTIL \"x\"",
            'CREATE ROLE r PASSWORD ? VALID UNTIL "x"',
        ),
        ("SELECT 'cut off in the mid", "SELECT ?"),
    ],
)
def test_a_query_is_told_without_its_constants(sql: str, masked: str) -> None:
    assert mask_literals(sql) == masked


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("ALTER TABLE ONLY t ADD c int", "ALTER TABLE"),
        ("/* x */ create unique index CONCURRENTLY i ON t (c)", "CREATE INDEX"),
        ("CREATE OR REPLACE VIEW v AS SELECT 1", "CREATE VIEW"),
        ("UPDATE t SET c = 1", "UPDATE"),
        ("-- nothing", ""),
        ("DROP OWNED BY r", "DROP"),
    ],
)
def test_an_operation_is_named_in_few_words(sql: str, name: str) -> None:
    assert name_operation(sql) == name
