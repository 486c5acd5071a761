"""What only a runner takes to the server, replayed in the server's own way."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy.engine import Engine

from safemigrate.source import find_sqlstate
from safemigrate.source.connecting import listening

__all__ = ["is_build", "replaying_builds"]

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_FEATURE_NOT_SUPPORTED = "0A000"
_BUILD = re.compile(
    r"(?P<start>(?:\s|--[^\n]*\n|/\*.*?\*/)*CREATE\s+(?:UNIQUE\s+)?INDEX\s+)CONCURRENTLY\b",
    re.DOTALL | re.IGNORECASE,
)


def is_build(statement: str) -> bool:
    """Return whether it makes an index concurrently, which a partitioned table refuses."""
    return _BUILD.match(statement) is not None


@contextmanager
def replaying_builds() -> Iterator[None]:
    """Make an index of a partitioned table at once where the server refuses CONCURRENTLY.

    The runner makes it partition by partition; here nobody is in the way. The index is the same.
    https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
    """
    with (
        listening(Engine, "do_execute", _execute),
        listening(Engine, "do_execute_no_params", _execute_no_params),
    ):
        yield


def _execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    del context
    return _carry(statement, lambda text: partial(cursor.execute, text, parameters))


def _execute_no_params(cursor: Any, statement: str, context: Any) -> bool:
    del context
    return _carry(statement, lambda text: partial(cursor.execute, text))


def _carry(statement: str, prepare: Callable[[str], Callable[[], object]]) -> bool:
    """Return whether the statement was taken to the server, so that the dialect need not."""
    plain = _BUILD.sub(r"\g<start>", statement, count=1) if is_build(statement) else statement
    if plain == statement:
        return False
    try:
        prepare(statement)()
    except Exception as err:
        if find_sqlstate(err) != _FEATURE_NOT_SUPPORTED:
            raise
        prepare(plain)()
    return True
