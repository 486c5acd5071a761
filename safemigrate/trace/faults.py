"""What the server said when it refused a statement, in one line."""

from sqlalchemy.exc import DBAPIError

from safemigrate.source import find_sqlstate

__all__ = ["describe_fault"]


def describe_fault(error: BaseException) -> str:
    """Return SQLSTATE and message of a server's error, the class's name of any other."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    code = find_sqlstate(cause)
    # psycopg and psycopg2 take the message apart, asyncpg has its own error behind SQLAlchemy's
    parts = (getattr(getattr(cause, "diag", None), "message_primary", None), cause.__cause__, cause)
    message = next(" ".join(str(part).split()) for part in parts if part is not None)
    return f"{code}: {message}" if code else type(cause).__name__
