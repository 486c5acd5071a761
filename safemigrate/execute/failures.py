"""What an error of a revision means: told apart by SQLSTATE, never by the text."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from safemigrate.execute.blockers import shorten_query
from safemigrate.model.secrets import hide_passwords
from safemigrate.source import find_sqlstate
from safemigrate.source.excerpt import describe, find_origin, show_path
from safemigrate.source.sqlstates import DEADLOCK_DETECTED, LOCK_NOT_AVAILABLE

__all__ = [
    "Cause",
    "Failure",
    "describe_remains",
    "is_disconnect",
    "is_refused",
    "mark_cleared_up",
    "mark_left",
    "read_failure",
    "server_message",
]

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_QUERY_CANCELED = "57014"
_IN_FAILED_TRANSACTION = "25P02"
# admin_shutdown, crash_shutdown, cannot_connect_now, database_dropped, idle_session_timeout
_ENDED_BY_SERVER = frozenset({"57P01", "57P02", "57P03", "57P04", "57P05"})
# idle_in_transaction_session_timeout, transaction_timeout
_ENDED_BY_TIMEOUT = frozenset({"25P03", "25P04"})
_CONNECTION_EXCEPTION = "08"
_SYNTAX_OR_ACCESS = "42"
# The attribute of an exception whose statement has left nothing behind.
_CLEARED_UP = "safemigrate_cleared_up"
# That of one whose statement has left INVALID indexes, which it names.
_LEFT = "safemigrate_left"
# What comparing values can raise too: no comparison function, no collation.
_RAISED_BY_VALUES = frozenset({"42883", "42P22"})


class Cause(Enum):
    """Why a revision failed, as far as it matters for what happens next."""

    LOCK_TIMEOUT = "lock timeout"
    DEADLOCK = "deadlock"
    DISCONNECT = "connection lost"
    CANCEL = "statement cancelled"
    STATEMENT = "statement failed"
    CODE = "code failed"


@dataclass(frozen=True, slots=True)
class Failure:
    """An error that came out of a revision.

    `place`: `path:line` in the revision's file, or the path alone. `statement`: the first line
    of what was sent, or "". `message`: the server's, or the exception's.
    """

    cause: Cause
    sqlstate: str
    message: str
    statement: str
    place: str

    @property
    def may_pass(self) -> bool:
        """Whether the same revision may well succeed when it is tried again."""
        return self.cause in {Cause.LOCK_TIMEOUT, Cause.DEADLOCK}

    def __str__(self) -> str:
        text = f"{self.place}: {self.message}"
        if self.sqlstate:
            text += f" (SQLSTATE {self.sqlstate})"
        return f"{text}, in: {self.statement}" if self.statement else text


def read_failure(error: BaseException, path: str) -> Failure:
    """Return what happened in the revision whose file is `path`."""
    origin = find_origin(error, path)
    place = show_path(Path(path)) if origin is None else str(origin)
    found = _database_error(error)
    if found is None:
        return Failure(Cause.CODE, "", describe(error), "", place)
    return Failure(
        cause=_cause(found),
        sqlstate=find_sqlstate(found),
        message=server_message(found),
        statement=_first_line(found.statement),
        place=place,
    )


def is_disconnect(error: BaseException) -> bool:
    """Return whether the session with the server is over."""
    if not isinstance(error, DBAPIError):
        return False
    sqlstate = find_sqlstate(error)
    return (
        error.connection_invalidated
        or sqlstate in _ENDED_BY_SERVER
        or sqlstate in _ENDED_BY_TIMEOUT
        or sqlstate.startswith(_CONNECTION_EXCEPTION)
    )


def mark_cleared_up(error: BaseException, *, is_cleared_up: bool = True) -> None:
    """Note whether all that the statement did before it failed is undone."""
    setattr(error, _CLEARED_UP, is_cleared_up)


def mark_left(error: BaseException, indexes: Iterable[str]) -> None:
    """Note which INVALID indexes the statement has left behind."""
    setattr(error, _LEFT, tuple(indexes))


def describe_remains(error: BaseException, statement: str) -> str:
    """Return what stays of a statement that failed: the indexes by name, where they are known."""
    left: tuple[str, ...] = getattr(error, _LEFT, ())
    if not left:
        return statement
    names = ", ".join(f'"{one}"' for one in left)
    return f"INVALID index {names} of {statement}"


def is_refused(error: BaseException) -> bool:
    """Return whether nothing of the statement stays: the server refused it, or it was cleared up.

    Class 42, syntax or access: a name that is not there or there already, or a missing right.
    With a context it comes out of a function instead, as that of an index on an expression, and
    so from the middle of the work.
    """
    if getattr(error, _CLEARED_UP, False):
        return True
    sqlstate = find_sqlstate(error)
    if not sqlstate.startswith(_SYNTAX_OR_ACCESS) or sqlstate in _RAISED_BY_VALUES:
        return False
    return not any(_has_context(one) for one in chain(error))


def _has_context(error: BaseException) -> bool:
    # psycopg and psycopg2 have it in the diagnosis, asyncpg in the error
    told = getattr(getattr(error, "diag", None), "context", None), getattr(error, "context", None)
    return any(isinstance(one, str) and one for one in told)


def server_message(error: BaseException) -> str:
    """Return what the server said in one line, with the detail where there is one."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    # psycopg and psycopg2 take the message apart
    diagnosis = getattr(cause, "diag", None)
    primary = getattr(diagnosis, "message_primary", None)
    detail = getattr(diagnosis, "message_detail", None)
    if isinstance(primary, str):
        text = f"{primary}: {detail}" if isinstance(detail, str) else primary
    else:
        text = str(cause)
    return hide_passwords(" ".join(text.split())).rstrip(".") or type(cause).__name__


def _database_error(error: BaseException) -> DBAPIError | None:
    """Return the driver's error behind this one, the one that says most."""
    found = [one for one in chain(error) if isinstance(one, DBAPIError)]
    # What Alembic does to leave an autocommit block fails too when the connection is gone, and
    # what is sent after an error fails because of it; both stand in front of the cause.
    lost = [one for one in found if is_disconnect(one)]
    told = [one for one in found if find_sqlstate(one) != _IN_FAILED_TRANSACTION]
    return next(iter(lost[-1:] or told or found), None)


def chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__


def _cause(error: DBAPIError) -> Cause:
    if is_disconnect(error):
        return Cause.DISCONNECT
    return {
        LOCK_NOT_AVAILABLE: Cause.LOCK_TIMEOUT,
        DEADLOCK_DETECTED: Cause.DEADLOCK,
        _QUERY_CANCELED: Cause.CANCEL,
    }.get(find_sqlstate(error), Cause.STATEMENT)


def _first_line(statement: str | None) -> str:
    lines = [line for line in (statement or "").splitlines() if line.strip()]
    return shorten_query(lines[0]) if lines else ""
