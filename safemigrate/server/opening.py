"""Which kind of server a word names."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from types import TracebackType

from safemigrate.cache import unheard
from safemigrate.errors import ServerError, UsageError
from safemigrate.model import ServerVersion
from safemigrate.server.account import choose_account
from safemigrate.server.binaries import find_binaries
from safemigrate.server.databases import Server
from safemigrate.server.embedded import open_embedded
from safemigrate.server.remote import open_remote
from safemigrate.server.shelf import Keeping

__all__ = ["open_server", "require_versions"]


def open_server(
    kind: str, *, version: ServerVersion | None = None, keeping: Keeping | None = None
) -> AbstractContextManager[Server]:
    """Return a context manager that starts a throwaway server, or connects to one.

    `kind` is `embedded`, `container`, `container:IMAGE` or a postgresql:// URL whose role may
    create databases; it is what `--server` takes. `version` asks for a major version. The server
    and its databases, or on a URL the databases made through it, are gone when the context ends.
    `keeping`: what an embedded server may begin with and leave for a later run; on the other kinds
    nothing can be kept.

    Raises UsageError for another kind at once; on entry ServerError when no such server can be
    started, UnreachableError and NotPostgresError for a URL that cannot be used.
    """
    if "://" in kind:
        return _Unheard(open_remote(kind, version=version))
    name, _, image = kind.partition(":")
    if kind == "embedded":
        return _Unheard(open_embedded(version=version, keeping=keeping))
    if name == "container" and (image or kind == "container"):
        return _Unheard(_open_container(image or None, version=version))
    raise UsageError(
        f'"{kind}" is not a kind of server',
        "use embedded, container, container:IMAGE, or a postgresql:// URL",
    )


def require_versions(kind: str, versions: Iterable[ServerVersion]) -> None:
    """Raise ServerError for a version of which no embedded server can be started here."""
    if kind == "embedded":
        account = choose_account()
        for version in versions:
            find_binaries(account, version)


class _Unheard(AbstractContextManager[Server]):
    """A context in whose beginning and end nothing of the project is read."""

    def __init__(self, opening: AbstractContextManager[Server]) -> None:
        self._opening = opening

    def __enter__(self) -> Server:
        with unheard():
            return self._opening.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        with unheard():
            return self._opening.__exit__(kind, error, trace)


@contextmanager
def _open_container(image: str | None, *, version: ServerVersion | None) -> Iterator[Server]:
    if find_spec("testcontainers") is None:
        raise ServerError(
            "testcontainers is not installed", "run: pip install 'safemigrate[container]'"
        )
    from safemigrate.server.container import open_container  # noqa: PLC0415 - an extra, and slow

    with open_container(image, version=version) as server:
        yield server
