"""Extensions that a throwaway server does not have."""

import re
from collections.abc import Iterable

from safemigrate.server import Server
from safemigrate.trace import open_connection

__all__ = ["find_missing_extensions"]

_CREATE = re.compile(
    r"\bCREATE\s+EXTENSION\s+(?:IF\s+NOT\s+EXISTS\s+)?(?:\"([^\"]+)\"|([\w-]+))", re.IGNORECASE
)


def find_missing_extensions(server: Server, statements: Iterable[str]) -> tuple[str, ...]:
    """Return the extensions that statements create and the server has no files of, sorted."""
    wanted = {
        quoted or plain.lower() for text in statements for quoted, plain in _CREATE.findall(text)
    }
    if not wanted:
        return ()
    with open_connection(server.url("postgres")) as connection:
        rows = connection.execute("SELECT name::text FROM pg_available_extensions").fetchall()
    return tuple(sorted(wanted - {str(name) for (name,) in rows}))
