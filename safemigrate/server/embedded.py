"""A server of our own, started from installed binaries on a Unix socket in a private folder."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy.engine import URL

from safemigrate.errors import SafemigrateError, ServerError
from safemigrate.model import ServerVersion
from safemigrate.server.account import Account, choose_account
from safemigrate.server.binaries import Binaries, find_binaries
from safemigrate.server.cluster import SUPERUSER, find_cluster
from safemigrate.server.databases import Server
from safemigrate.server.folders import PORT, Folders, remove_stale
from safemigrate.server.process import Process, start_process
from safemigrate.server.shelf import Keeping, KeptCluster, Shelf, open_shelf
from safemigrate.server.states import States

__all__ = ["open_embedded"]

# Each is some megabytes to copy at every start.
_MOST_STATES = 4


@contextmanager
def open_embedded(
    *, version: ServerVersion | None = None, keeping: Keeping | None = None
) -> Iterator[Server]:
    """Start a server for the time of the context; only we and root can connect to it.

    Its data is a copy of a cached cluster, in memory where there is room: of the one that was kept
    for `keeping`, or else of a new one. The databases that are added to its `states` are kept when
    the context ends without an error. It ends with the context or with this process, whichever is
    first. Raises ServerError when there are no binaries or the server does not start.
    """
    account = choose_account()
    remove_stale(account)
    binaries = find_binaries(account, version)
    shelf = None
    if keeping is not None:
        shelf = open_shelf(account, find_cluster(binaries, account).name, keeping.key)
    if keeping is None or shelf is None:
        process, kept = _start_new(binaries, account), None
    else:
        process, kept = _start_best(binaries, account, shelf, keeping)
    try:
        server = Server("embedded", _address(process.folders), read_log=process.read_log)
        if shelf is not None and keeping is not None:
            found = {} if kept is None else kept.states
            server.states = States(server, found, keeping.wanted)
        yield server
        # A forked child that leaves the context has not started the server.
        if shelf is not None and server.states is not None and process.is_mine:
            _keep(process, shelf, server.states)
    finally:
        process.end()


def _start_best(
    binaries: Binaries, account: Account, shelf: Shelf, keeping: Keeping
) -> tuple[Process, KeptCluster | None]:
    """Start a server on the best of what is kept, or on a new cluster where that is no good."""
    with shelf.take(keeping.wanted) as kept:
        if kept is not None:
            try:
                return start_process(binaries, kept.data, account), kept
            except ServerError:
                kept.discard()
    return _start_new(binaries, account), None


def _start_new(binaries: Binaries, account: Account) -> Process:
    cluster = find_cluster(binaries, account)
    try:
        return start_process(binaries, cluster, account)
    except ServerError as err:
        hint = f'{err.hint}; if files are missing, remove "{cluster}"'
        raise ServerError(err.message, hint) from err


def _keep(process: Process, shelf: Shelf, states: States) -> None:
    """Keep the cluster with its states, where there are new ones; it can be made again."""
    with suppress(SafemigrateError):
        kept = states.prepare(_MOST_STATES)
        if kept and process.rest():
            shelf.put(process.folders.data, kept)


def _address(folders: Folders) -> URL:
    """Return the URL of the maintenance database; the caller's PGPORT would win without a port."""
    return URL.create(
        "postgresql+psycopg",
        username=SUPERUSER,
        database="postgres",
        query={"host": str(folders.sockets), "port": str(PORT)},
    )
