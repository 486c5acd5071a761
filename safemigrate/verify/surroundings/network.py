"""The network, refused to revisions while they are proved, but for what is allowed by name.

A revision that asks a service is proved against whatever that says today, and may change something
there. Python's own sockets are heard of by the interpreter's audit events, drivers in C by the
functions through which they connect; what another library in C does by itself is not seen.
"""

import contextlib
import errno
import socket
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

from sqlalchemy.engine import make_url

from safemigrate.cache.audit import listening
from safemigrate.source.fence_attempts import describe_address

__all__ = ["NetworkRefusedError", "refusing_network"]

_LOOK_UPS = frozenset(
    {
        "socket.getaddrinfo",
        "socket.gethostbyaddr",
        "socket.gethostbyname",
    }
)
_SENDINGS = frozenset({"socket.connect", "socket.sendmsg", "socket.sendto"})
# Where libpq is asked to connect; the others use sockets of Python.
_DRIVERS = (("psycopg", "connect"), ("psycopg2", "connect"))


class NetworkRefusedError(PermissionError):
    """What a revision gets that goes to the network; it may handle it as a network that is down.

    Not one of our own errors, for it is not raised for the user but for the revision's code.
    """

    def __init__(self, place: str) -> None:
        super().__init__(errno.EACCES, f'connecting to "{place}" is refused while it is proved')
        self.place = place

    def __str__(self) -> str:
        host = self.place.rpartition(":")[0] or self.place
        return f'connecting to "{self.place}" is refused while it is proved; --allow-host {host}'


@contextlib.contextmanager
def refusing_network(url: str, allowed: Iterable[str] = ()) -> Iterator[None]:
    """Refuse every address but that of the database at `url` and the hosts `allowed`.

    Sockets of the machine itself, which have a path for an address, are not the network.
    """
    guard = _Guard({*allowed, *_hosts_of(url)})
    with contextlib.ExitStack() as stack:
        stack.enter_context(listening(guard.hear, _LOOK_UPS | _SENDINGS))
        for module_name, name in _DRIVERS:
            with contextlib.suppress(ImportError):
                module = import_module(module_name)
                stack.enter_context(guard.watching(module, name))
        yield


def _hosts_of(url: str) -> Iterator[str]:
    target = make_url(url)
    for value in (target.host, target.query.get("host")):
        yield from [value] if isinstance(value, str) else value or ()


class _Guard:
    """`addresses`: those that the names which are allowed stand for, once they were looked up."""

    def __init__(self, names: set[str]) -> None:
        self._names = names
        self._addresses: set[str] = set()
        self._is_asking = False

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Refuse what the event is about, unless it is allowed."""
        if self._is_asking:
            return
        if event in _LOOK_UPS:
            self._judge_name(*arguments[:2])
        elif isinstance(arguments[1], tuple):
            self._judge(str(arguments[1][0]), describe_address(arguments[1]))

    @contextlib.contextmanager
    def watching(self, module: Any, name: str) -> Iterator[None]:
        """Watch a driver's function to connect for as long as the block runs."""
        real = getattr(module, name)

        def connect(*arguments: Any, **options: Any) -> Any:
            for host in _find_hosts(arguments, options):
                self._judge(host, host)
            return real(*arguments, **options)

        setattr(module, name, connect)
        try:
            yield
        finally:
            setattr(module, name, real)

    def _judge_name(self, host: object, port: object = None) -> None:
        text = host.decode(errors="replace") if isinstance(host, bytes) else str(host or "")
        if not text:
            return
        self._judge(text, f"{text}:{port}" if port else text)
        self._is_asking = True
        try:
            found = socket.getaddrinfo(text, None)
        except OSError:
            # whoever asked gets the same answer, and handles it
            return
        finally:
            self._is_asking = False
        self._addresses.update(str(address[0]) for *_, address in found)

    def _judge(self, host: str, place: str) -> None:
        if host and not host.startswith(("/", "@")) and host not in self._names | self._addresses:
            raise NetworkRefusedError(place)


def _find_hosts(arguments: tuple[Any, ...], options: dict[str, Any]) -> Iterator[str]:
    """Yield the hosts that a driver was given, in words or in a connection string of libpq."""
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 - only where somebody connects

    said = (
        str(arguments[0]) if arguments else str(options.get("conninfo") or options.get("dsn") or "")
    )
    known: dict[str, Any] = {}
    with contextlib.suppress(Exception):
        # what libpq cannot read it will refuse itself
        known = dict(conninfo_to_dict(said))
    for key in ("host", "hostaddr"):
        value = options.get(key) or known.get(key)
        yield from str(value).split(",") if value else ()
