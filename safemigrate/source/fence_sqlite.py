"""SQLite: databases in memory can be used, those in files not."""

import contextlib
import functools
import os
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

from safemigrate.source.fence_attempts import Attempt, AttemptKind
from safemigrate.source.fence_drivers import replaced

__all__ = ["is_in_memory", "refusing_files"]

# Among the arguments of `sqlite3.connect`.
_POSITION_OF_URI = 7


def is_in_memory(name: str) -> bool:
    """Return whether the name of a database stands for no file that stays.

    The empty one is a temporary database. Of a URI it is the path and the parameters `mode` and
    `vfs` that tell: https://www.sqlite.org/uri.html
    """
    if not name.startswith("file:"):
        return name in ("", ":memory:")
    path, _, query = name.removeprefix("file:").partition("#")[0].partition("?")
    options = dict(urllib.parse.parse_qsl(query))
    return (
        urllib.parse.unquote(path) in ("", ":memory:")
        or options.get("mode") == "memory"
        or options.get("vfs") == "memdb"
    )


def _is_harmless(name: str, *, is_uri: bool) -> bool:
    # where no URIs are read, it is the name of a file
    return is_in_memory(name) and (is_uri or not name.startswith("file:"))


@contextlib.contextmanager
def refusing_files(refuse: Callable[[Attempt], None]) -> Iterator[None]:
    """Let connections attach no file, which is what VACUUM INTO does as well.

    SQLite says "not authorized" in the place of what `refuse` raises. Afterwards a connection
    that is still there may do everything.
    """
    try:
        import sqlite3  # noqa: PLC0415 - not every Python has it
        import sqlite3.dbapi2  # noqa: PLC0415 - as above
    except ImportError:
        yield
        return
    is_over = False

    def authorize(is_uri: bool, action: int, name: str | None, *_: str | None) -> int:  # noqa: FBT001 - bound below
        if is_over or action != sqlite3.SQLITE_ATTACH:
            return sqlite3.SQLITE_OK
        # without a name it is an expression, such as a parameter
        if name is not None and _is_harmless(name, is_uri=is_uri):
            return sqlite3.SQLITE_OK
        # SQLite lets nothing through that is raised here
        with contextlib.suppress(BaseException):
            refuse(Attempt(AttemptKind.OPEN_DATABASE, name or ""))
        return sqlite3.SQLITE_DENY

    def connect(
        real: Callable[..., sqlite3.Connection], *arguments: Any, **options: Any
    ) -> sqlite3.Connection:
        name = os.fsdecode(arguments[0] if arguments else options.get("database", ""))
        is_uri = bool(options.get("uri")) or any(arguments[_POSITION_OF_URI:])
        if not _is_harmless(name, is_uri=is_uri):
            refuse(Attempt(AttemptKind.OPEN_DATABASE, name))
        connection = real(*arguments, **options)
        connection.set_authorizer(functools.partial(authorize, is_uri))
        return connection

    with (
        replaced(sqlite3, "connect", connect),
        replaced(sqlite3.dbapi2, "connect", connect),
    ):
        try:
            yield
        finally:
            is_over = True
