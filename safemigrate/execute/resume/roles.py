"""The journal is written by the role that owns it, whichever one a revision has taken."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import Connection

from safemigrate.journal import send_unseen

__all__ = ["keep_role", "may_change_role"]

_CHANGE = re.compile(r"\b(?:role|authorization)\b", re.IGNORECASE)
_READ = "SELECT pg_catalog.current_setting('role')"
_SET = "SELECT pg_catalog.set_config('role', {}, CAST({} AS boolean))"


def may_change_role(sql: str) -> bool:
    """Return whether the session may act as another role after this text."""
    return _CHANGE.search(sql) is not None


@contextmanager
def keep_role(connection: Connection, role: str, *, may_differ: bool) -> Iterator[None]:
    """Let the session act as this role in the block, "" for the one that logged in.

    `may_differ`: False where it is known to do so already.
    """
    if not may_differ:
        yield
        return
    row = send_unseen(connection, _READ)
    before = "none" if row is None else str(row[0])
    wanted = role or "none"
    if before == wanted:
        yield
        return
    send_unseen(connection, _SET, wanted, "false")
    yield
    send_unseen(connection, _SET, before, "false")
