"""The ledger's history on a real server: its configuration and its stages."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg.rows import TupleRow

from safemigrate.server import Server
from safemigrate.server.connections import connect, parse_url

ROOT = Path(__file__).parents[2]

Connection = psycopg.Connection[TupleRow]


def configuration(url: str) -> Config:
    """Return what alembic.ini says, for `url`; without its logging, which is pytest's here."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.set_main_option("prepend_sys_path", str(ROOT))
    config.set_main_option("path_separator", "os")
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


class Stages:
    """Databases that stand where each revision finds and leaves them, built when first asked for.

    They are templates: a test works on a copy.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._after: dict[str, str] = {}
        self._empty = server.create_database()
        self._script = ScriptDirectory.from_config(configuration(""))

    def parents(self, revision: str) -> tuple[str, ...]:
        down = self._script.get_revision(revision).down_revision
        return (down,) if isinstance(down, str) else tuple(down or ())

    def before(self, revision: str) -> str:
        """Return a new database, in which everything but `revision` itself has been applied."""
        parents = self.parents(revision)
        name = self._server.copy_database(self._reach(parents[0]) if parents else self._empty)
        for other in parents[1:]:
            command.upgrade(configuration(self._server.url(name)), other)
        return name

    def after(self, revision: str) -> str:
        """Return a new database in which `revision` has been applied."""
        return self._server.copy_database(self._reach(revision))

    def _reach(self, revision: str) -> str:
        if revision not in self._after:
            name = self.before(revision)
            command.upgrade(configuration(self._server.url(name)), revision)
            self._after[revision] = name
        return self._after[revision]

    def drop(self) -> None:
        for name in (self._empty, *self._after.values()):
            self._server.drop_database(name)


@pytest.fixture(scope="session")
def configure() -> Callable[[str], Config]:
    """Return the function that makes a configuration for a URL."""
    return configuration


@pytest.fixture(scope="session")
def stages(embedded_server: Server) -> Iterator[Stages]:
    """The stages of the ledger's history on the embedded server."""
    built = Stages(embedded_server)
    yield built
    built.drop()


@pytest.fixture
def before(embedded_server: Server, stages: Stages) -> Iterator[Callable[[str], str]]:
    """Return the URL of a new database just before a revision."""
    made: list[str] = []

    def copy(revision: str) -> str:
        made.append(stages.before(revision))
        return embedded_server.url(made[-1])

    yield copy
    for name in made:
        embedded_server.drop_database(name)


@pytest.fixture
def ledger_url(embedded_server: Server, stages: Stages) -> Iterator[str]:
    """The URL of a new database with the whole ledger in it."""
    name = stages.after("0021")
    yield embedded_server.url(name)
    embedded_server.drop_database(name)


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Connection]:
    """A connection to a new ledger; each statement is its own transaction."""
    with connect(parse_url(ledger_url)) as connection:
        yield connection
