"""Which kind of server a word names."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec

from safemigrate.errors import ServerError, UsageError
from safemigrate.model import ServerVersion
from safemigrate.server.databases import Server
from safemigrate.server.embedded import open_embedded
from safemigrate.server.remote import open_remote

__all__ = ["open_server"]


def open_server(
    kind: str, *, version: ServerVersion | None = None
) -> AbstractContextManager[Server]:
    """Return a context manager that starts a throwaway server, or connects to one.

    `kind` is `embedded`, `container`, `container:IMAGE` or a postgresql:// URL whose role may
    create databases; it is what `--server` takes. `version` asks for a major version. The server
    and its databases, or on a URL the databases made through it, are gone when the context ends.

    Raises UsageError for another kind at once; on entry ServerError when no such server can be
    started, UnreachableError and NotPostgresError for a URL that cannot be used.
    """
    if "://" in kind:
        return open_remote(kind, version=version)
    name, _, image = kind.partition(":")
    if kind == "embedded":
        return open_embedded(version=version)
    if name == "container" and (image or kind == "container"):
        return _open_container(image or None, version=version)
    raise UsageError(
        f'"{kind}" is not a kind of server',
        "use embedded, container, container:IMAGE, or a postgresql:// URL",
    )


@contextmanager
def _open_container(image: str | None, *, version: ServerVersion | None) -> Iterator[Server]:
    if find_spec("testcontainers") is None:
        raise ServerError(
            "testcontainers is not installed", "run: pip install 'safemigrate[container]'"
        )
    from safemigrate.server.container import open_container  # noqa: PLC0415 - an extra, and slow

    with open_container(image, version=version) as server:
        yield server
