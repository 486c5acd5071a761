"""What the server said when it refused a statement, in one line."""

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from safemigrate.source import find_sqlstate

__all__ = ["describe_fault"]


def describe_fault(error: BaseException) -> str:
    """Return what a server or its driver says, in one line.

    SQLSTATE and message where the server gave them; else the driver's class and the first line of
    its message, as for a connection that broke. Of SQLAlchemy's own errors only the class: their
    messages may hold the statement, its values and the URL.
    """
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    code = find_sqlstate(cause)
    if not code:
        return type(cause).__name__ + _find_first_line(cause)
    # psycopg and psycopg2 take the message apart, asyncpg has its own error behind SQLAlchemy's
    parts = (getattr(getattr(cause, "diag", None), "message_primary", None), cause.__cause__, cause)
    message = next(" ".join(str(part).split()) for part in parts if part is not None)
    return f"{code}: {message}"


def _find_first_line(cause: BaseException) -> str:
    lines = [] if isinstance(cause, SQLAlchemyError) else str(cause).split("\n")
    return next((f": {line.strip()}" for line in lines if line.strip()), "")
