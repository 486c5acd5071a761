"""The SQLSTATE of an error, whichever driver raised it."""

from sqlalchemy.exc import DBAPIError

__all__ = [
    "DEADLOCK_DETECTED",
    "INSUFFICIENT_PRIVILEGE",
    "LOCK_NOT_AVAILABLE",
    "READ_ONLY_TRANSACTION",
    "find_sqlstate",
]

# Those that several parts ask for.
# https://www.postgresql.org/docs/current/errcodes-appendix.html
DEADLOCK_DETECTED = "40P01"
INSUFFICIENT_PRIVILEGE = "42501"
LOCK_NOT_AVAILABLE = "55P03"
READ_ONLY_TRANSACTION = "25006"


def find_sqlstate(error: BaseException) -> str:
    """Return the five characters of the SQLSTATE, or "" where the server gave none.

    https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    # psycopg and asyncpg say sqlstate, psycopg2 pgcode
    for name in ("sqlstate", "pgcode"):
        value = getattr(cause, name, None)
        if isinstance(value, str):
            return value
    # pg8000 has a dictionary of the protocol's fields
    fields = cause.args[0] if cause.args else None
    code = fields.get("C") if isinstance(fields, dict) else None
    return code if isinstance(code, str) else ""
