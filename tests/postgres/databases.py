"""New, empty databases without waiting for them: the next is made while one is in use."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from safemigrate.server import Server


class Databases:
    """Empty databases on servers by major; those given back are dropped in the background."""

    def __init__(self, servers: Mapping[int, Server]) -> None:
        self._servers = servers
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._next: dict[int, Future[str]] = {}
        self._dropped: list[Future[None]] = []

    @contextmanager
    def one(self, major: int) -> Iterator[str]:
        """Yield the URL of a database that nobody has used."""
        server = self._servers[major]
        prepared = self._next.pop(major, None) or self._worker.submit(server.create_database)
        self._next[major] = self._worker.submit(server.create_database)
        name = prepared.result()
        try:
            yield server.url(name)
        finally:
            self._dropped.append(self._worker.submit(server.drop_database, name))

    def close(self) -> None:
        """Drop what is left; raises what the background was refused."""
        for major, prepared in self._next.items():
            self._servers[major].drop_database(prepared.result())
        self._worker.shutdown()
        for dropped in self._dropped:
            dropped.result()
