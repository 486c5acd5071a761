"""What goes wrong with the throwaway server itself, and is no revision's fault."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from safemigrate.errors import SafemigrateError, ServerError
from safemigrate.execute.failures import is_disconnect
from safemigrate.model import HistoryProof, Outcome, Standing
from safemigrate.server import Server
from safemigrate.source import find_sqlstate

__all__ = ["blame_server", "blaming_server", "require_server"]

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_DISK_FULL = "53100"
_OUT_OF_MEMORY = "53200"


@contextmanager
def blaming_server(server: Server) -> Iterator[None]:
    """Say of what goes wrong inside the block that it is the server, where it is.

    Raises ServerError where that is gone, or has lost a process, else what comes out of the block.
    """
    try:
        yield
    except (SafemigrateError, SQLAlchemyError, psycopg.Error, OSError):
        server.require_alive()
        server.require_whole()
        raise


def blame_server(server: Server, error: BaseException | None) -> None:
    """Raise ServerError where it is for want of room that a revision raised the error."""
    if error is None:
        return
    sqlstate = find_sqlstate(error)
    if sqlstate == _DISK_FULL or is_disconnect(error):
        server.require_room()
    if sqlstate == _OUT_OF_MEMORY:
        raise ServerError(
            f"the throwaway server has no memory left (SQLSTATE {sqlstate})",
            "make room on this machine, or use another server",
        ) from error


def require_server(server: Server, proof: HistoryProof) -> None:
    """Raise ServerError where something is open or failed because the server has gone away."""
    checks = [*proof.checks, *(check for one in proof.revisions for check in one.checks)]
    is_open = any(check.standing in {Standing.BROKEN, Standing.UNKNOWN} for check in checks)
    if is_open or any(one.upgrade is not Outcome.OK for one in proof.revisions):
        server.require_alive()
