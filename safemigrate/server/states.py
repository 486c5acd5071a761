"""Databases of an embedded server that were made by an earlier run, or that the next may use."""

from collections.abc import Mapping, Sequence

from psycopg import sql

from safemigrate.server.connections import Connection
from safemigrate.server.databases import Server
from safemigrate.server.roles import has_tablespaces, read_roles, restore_roles
from safemigrate.server.shelf import State

__all__ = ["States"]

_OTHERS = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"


class States:
    """The states of one server, by label: those it began with, and those that were added.

    A database that is a state is copied, and neither changed nor dropped.
    """

    def __init__(self, server: Server, found: Mapping[str, State], wanted: Sequence[str]) -> None:
        """`found`: what the cluster was kept with; `wanted`: each label better than those before.

        The cluster gets the roles that it had when the best of the states was made; states with
        other roles are dropped. Where they are not to be had, all are, and it is as a new cluster.
        """
        self._server = server
        self._found: dict[str, State] = {}
        self._added: dict[str, State] = {}
        best = next((found[label] for label in reversed(wanted) if label in found), None)
        if best is None:
            return
        with server.session() as connection:
            if restore_roles(connection, best.roles):
                self._found = {k: one for k, one in found.items() if one.roles == best.roles}
            for label in found.keys() - self._found.keys():
                _drop(connection, found[label].database)
            if not self._found:
                restore_roles(connection, {})

    @property
    def is_new(self) -> bool:
        """Whether the server began with none, and so without what an earlier run left."""
        return not self._found

    def find(self, labels: Sequence[str]) -> tuple[int, str] | None:
        """Return the position and the database of the last of the labels that there is one for."""
        for position in reversed(range(len(labels))):
            state = self._added.get(labels[position]) or self._found.get(labels[position])
            if state is not None:
                return position, state.database
        return None

    def keep(self, label: str, database: str) -> bool:
        """Keep the database, which is then no more the caller's; False where it cannot be."""
        with self._server.session() as connection:
            if has_tablespaces(connection):
                return False
            self._added[label] = State(database, read_roles(connection))
        return True

    def prepare(self, most: int) -> Mapping[str, State]:
        """Drop every database that is not to be kept; return what is, nothing where none is new.

        `most`: how many states are; the newest, and of the old ones the last that were asked for.
        """
        if not self._added:
            return {}
        kept = dict([*self._found.items(), *self._added.items()][-most:])
        names = {state.database for state in kept.values()}
        with self._server.session() as connection:
            for (name,) in connection.execute(_OTHERS).fetchall():
                if name not in names:
                    _drop(connection, str(name))
        return kept


def _drop(connection: Connection, database: str) -> None:
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    connection.execute(statement.format(sql.Identifier(database)))
