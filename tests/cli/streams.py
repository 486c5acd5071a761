"""Runs in a process of their own, and what they write."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import psycopg
from sqlalchemy.engine import make_url

__all__ = ["Process", "Start", "check_line", "connect", "has", "read_stream", "wait_for"]

Process = subprocess.Popen[str]
Start = Callable[..., Process]

_SCHEMA = Path(__file__).parents[2] / "docs" / "events.schema.json"


def check_line(line: str) -> dict[str, Any]:
    """Return a line of the stream of events, which is as the schema has it."""
    document: dict[str, Any] = json.loads(line)
    jsonschema.validate(document, json.loads(_SCHEMA.read_text(encoding="utf-8")))
    return document


def read_stream(text: str) -> list[dict[str, Any]]:
    """Return the lines of a whole stream."""
    lines = [check_line(line) for line in text.splitlines()]
    assert [line["event"] for line in lines if line["event"] in {"finished", "failed"}] == [
        lines[-1]["event"]
    ]
    return lines


def wait_for(process: Process, event: str) -> dict[str, Any]:
    """Return the first line of this event, having read those before it."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        document = check_line(line)
        if document["event"] == event:
            return document
        seen.append(line)
    assert process.stderr is not None
    raise AssertionError("".join([*seen, process.stderr.read()]))


def connect(url: str, *, autocommit: bool = True) -> psycopg.Connection[tuple[object, ...]]:
    """Return a session of the test's own."""
    parsed = make_url(url).set(drivername="postgresql")
    dsn = parsed.render_as_string(hide_password=False)
    return psycopg.connect(dsn, autocommit=autocommit, application_name="a test")


def has(url: str, relation: str) -> bool:
    """Return whether there is such a relation."""
    with connect(url) as session:
        (found,) = session.execute("SELECT to_regclass(%s) IS NOT NULL", [relation]).fetchall()
    return found == (True,)
