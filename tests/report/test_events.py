"""Every event of a run is one line of JSON, and the schema in the docs is that of the lines."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import jsonschema
import pytest

from safemigrate.errors import InterruptedRunError, LockTimeoutError, SafemigrateError
from safemigrate.execute import RunEvent, RunFinished, RunReport, RunWarned
from safemigrate.model import Direction
from safemigrate.report.events import (
    encode_line,
    event_line,
    event_schema,
    failed_line,
    finished_line,
)
from tests.report.run_events import EVENTS, FINISHED

SCHEMA = Path(__file__).parents[2] / "docs" / "events.schema.json"
DOCS = SCHEMA.with_name("events.md")
NOW = datetime(2026, 5, 4, 3, 2, 1, 500_000, tzinfo=UTC)


def read(line: str) -> dict[str, object]:
    assert line.endswith("\n")
    assert "\n" not in line[:-1]
    document = json.loads(line)
    jsonschema.validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert isinstance(document, dict)
    return document


def test_the_schema_in_the_docs_is_that_of_the_lines() -> None:
    text = json.dumps(event_schema(), indent=2) + "\n"
    if os.environ.get("SAFEMIGRATE_WRITE_DOCS") == "1":
        SCHEMA.write_text(text, encoding="utf-8")
    assert SCHEMA.read_text(encoding="utf-8") == text
    jsonschema.Draft202012Validator.check_schema(event_schema())


def test_there_is_an_example_of_every_event_here() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(RunEvent))


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_is_a_line(event: RunEvent) -> None:
    line = event_line(event, NOW)
    if isinstance(event, RunFinished):
        # the last line has more to tell
        assert line is None
        return
    assert line is not None
    document = read(encode_line(line))
    assert document["version"] == 1
    assert document["at"] == "2026-05-04T03:02:01.500000Z"
    assert isinstance(document["event"], str)


def test_every_event_of_the_schema_is_told_in_the_docs() -> None:
    text = DOCS.read_text(encoding="utf-8")
    definitions = event_schema()["$defs"]
    assert isinstance(definitions, dict)
    names = [
        one["properties"]["event"]["enum"][0]
        for one in definitions.values()
        if "event" in one["properties"]
    ]
    assert "finished" in names
    assert [name for name in names if f"| `{name}` |" not in text] == []


def test_the_last_line_of_a_run_that_is_done() -> None:
    report = RunReport(Direction.UPGRADE, (FINISHED,), ("1a2b",), FINISHED.duration)
    document = read(encode_line(finished_line(report, NOW)))
    assert document["applied"] == [
        {
            "revision": "1a2b",
            "direction": "upgrade",
            "duration_ms": 12000,
            "attempts": 3,
            "waited_ms": 11000,
            "stalled_ms": 20,
        }
    ]
    assert document["current"] == ["1a2b"]
    assert document["exit_code"] == 0


@pytest.mark.parametrize("kind", [InterruptedRunError, LockTimeoutError])
def test_the_last_line_of_a_run_that_failed_says_why(kind: type[SafemigrateError]) -> None:
    error = kind("postgresql://a:sesame@host/db went away", "look at password=sesame")
    line = encode_line(failed_line(Direction.DOWNGRADE, [FINISHED], error, NOW))
    document = read(line)
    assert document["event"] == "failed"
    assert document["direction"] == "downgrade"
    assert document["current"] is None
    assert document["exit_code"] == int(kind.exit_code)
    assert document["error"] == {
        "message": "postgresql://a:***@host/db went away",
        "hint": "look at password=***",
    }


def test_a_line_has_no_password() -> None:
    line = event_line(RunWarned("postgresql://a:sesame@host/db"), NOW)
    assert line is not None
    assert "sesame" not in encode_line(line)
