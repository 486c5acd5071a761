"""What the tests send, written into a file that `verify` takes for a release's statements."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest
from psycopg import abc, adapt, postgres

from safemigrate.sql.lexing import lex
from safemigrate.testing.recorder import Parameters, Queries, Query, recording
from safemigrate.verify.compatibility import (
    Capture,
    CapturedStatement,
    CapturedValue,
    Style,
    decode_capture,
    encode_capture,
    merge_captures,
)

__all__ = ["CapturePlugin"]

_OUTPUT = "safemigrate_capture"
# What can be prepared; a release does not send the rest while it is deployed.
_QUERIES = frozenset({"DELETE", "INSERT", "MERGE", "SELECT", "TABLE", "UPDATE", "VALUES", "WITH"})


class _Worker(Protocol):
    """What xdist calls a node: a worker, seen from the process that started it."""

    workeroutput: Mapping[str, Any]


class CapturePlugin:
    """Records every test, and writes the file when the last one is done.

    Under xdist each worker sends what it recorded to the process that started it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._captures: list[Capture] = []
        self._written = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        """Record a test with its fixtures."""
        with recording() as queries:
            result = yield
        self._captures = [merge_captures([*self._captures, _convert(queries)])]
        return result

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: _Worker) -> None:
        """Take what a worker recorded; one that crashed sends nothing."""
        content = getattr(node, "workeroutput", {}).get(_OUTPUT)
        if content is not None:
            self._captures.append(decode_capture(json.loads(content), self._path))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the file, or send what it would have."""
        capture = merge_captures(self._captures)
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = encode_capture(capture)
            return
        number = len(capture.statements)
        calls = sum(one.calls for one in capture.statements)
        if not number:
            self._written = f"no statement was captured, and {self._path} is not written"
            return
        try:
            self._path.write_bytes(encode_capture(capture))
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            self._written = f"{self._path} cannot be written: {reason}"
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
            return
        self._written = f"{number} statements of {calls} calls are in {self._path}"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what became of it."""
        terminalreporter.write_line(f"safemigrate: {self._written}")


def _convert(queries: Queries) -> Capture:
    return Capture(1, tuple(_convert_query(one) for one in queries if _is_query(one)))


def _is_query(query: Query) -> bool:
    for kind, start, end in lex(query.sql):
        if kind not in {"block", "comment", "open"}:
            return query.sql[start:end].upper() in _QUERIES
    return False


def _convert_query(query: Query) -> CapturedStatement:
    examples = []
    for parameters in query.parameters:
        # a value that nobody here can write leaves the statement without that example
        with suppress(psycopg.Error):
            examples.append(_convert_parameters(parameters))
    calls = max(len(query.parameters), 1)
    return merge_captures(
        [Capture(1, (CapturedStatement(query.sql, Style(query.style), calls, tuple(examples)),))]
    ).statements[0]


def _convert_parameters(parameters: Parameters) -> dict[str, CapturedValue]:
    pairs = (
        parameters.items()
        if isinstance(parameters, Mapping)
        else ((str(number), value) for number, value in enumerate(parameters, 1))
    )
    transformer: abc.Transformer = adapt.Transformer()
    return {name: _convert_value(transformer, value) for name, value in pairs}


def _convert_value(transformer: abc.Transformer, value: object) -> CapturedValue:
    """Return a value as psycopg would send it; raises what psycopg does for one it cannot."""
    if value is None:
        return CapturedValue(None)
    if isinstance(value, bytes | bytearray | memoryview):
        # without a connection psycopg cannot know which of the two ways the server reads
        return CapturedValue(f"\\x{bytes(value).hex()}", "bytea")
    dumper = transformer.get_dumper(value, adapt.PyFormat.TEXT)
    dumped = dumper.dump(value)
    type_ = postgres.types.get(dumper.oid)
    return CapturedValue(
        None if dumped is None else bytes(dumped).decode(), "" if type_ is None else type_.name
    )
