"""What SQLAlchemy is told of a statement that an earlier run has done already."""

from collections.abc import Sequence
from typing import Any, NoReturn

from sqlalchemy.engine import CursorResult
from sqlalchemy.engine.cursor import ResultFetchStrategy
from sqlalchemy.engine.interfaces import ExecuteStyle

from safemigrate.execute.refusal import CannotResumeError
from safemigrate.source.statement_text import is_query

__all__ = ["pretend"]

_MESSAGE = (
    "the revision needs the rows that a statement gave which an earlier run has done, and they are "
    "not kept"
)


_HINT = (
    "let the revision ask for them again, by a SELECT after the commit; or, if what is done was "
    "undone, `safemigrate resolve REVISION --forget --reason …`"
)


def _refuse() -> CannotResumeError:
    return CannotResumeError(_MESSAGE, _HINT)


def pretend(context: Any, row_count: int) -> None:
    """Let SQLAlchemy go on as if its statement had been sent and had changed so many rows.

    `context`: its DefaultExecutionContext.
    -1 where that is not known. The rows that it would have given are not there: who reads them is
    stopped by CannotResumeError. The key of a row that was inserted may be left unread.
    """
    compiled = context.compiled
    if row_count >= 0:
        context._rowcount = row_count  # noqa: SLF001 - what SQLAlchemy takes instead of the cursor's
    if compiled is None or context.isddl or not compiled.effective_returning:
        gives_rows = is_query(str(context.statement))
        context.cursor_fetch_strategy = _NoRows(["unknown"] if gives_rows else [])
        return
    if context.execute_style is ExecuteStyle.INSERTMANYVALUES:
        raise _refuse()
    names = [str(column.keyname) for column in compiled._result_columns]  # noqa: SLF001 - they have no other name
    is_key = bool(context.isinsert and context._is_implicit_returning)  # noqa: SLF001 - the same
    context.cursor_fetch_strategy = _KeyOfRow(names) if is_key else _NoRows(names)


class _NoRows(ResultFetchStrategy):
    """Stands for the rows of a statement that was not sent."""

    def __init__(self, names: Sequence[str]) -> None:
        description = [(name, None, None, None, None, None, None) for name in names]
        # without one SQLAlchemy takes it for a statement that gives no rows
        self.alternate_cursor_description = description or None

    def soft_close(self, result: CursorResult[Any], *details: Any) -> None:
        del details
        result.cursor_strategy = self

    def hard_close(self, result: CursorResult[Any], *details: Any) -> None:
        del details
        result.cursor_strategy = self

    def fetchone(self, *details: Any) -> Any:
        del details
        raise _refuse()

    def fetchmany(self, *details: Any) -> Any:
        del details
        raise _refuse()

    def fetchall(self, *details: Any) -> Any:
        del details
        raise _refuse()


class _KeyOfRow(_NoRows):
    """Stands for the key that SQLAlchemy asks for by itself when one row is inserted."""

    def fetchall(self, *details: Any) -> Any:
        del details
        return [tuple(_Unknown() for _ in self.alternate_cursor_description or ())]


class _Unknown:
    """A value that is not there; whoever uses it is stopped."""

    def _refuse(self, *arguments: object) -> NoReturn:
        del arguments
        raise _refuse()

    __str__ = __repr__ = __int__ = __index__ = __float__ = __bool__ = _refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __hash__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __format__ = _refuse
