"""The pytest plugin: options and fixtures; what they do is imported when they are used."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from safemigrate.testing.recorder import Queries

__all__ = [
    "capture_queries",
    "migrated_database",
    "pytest_addoption",
    "pytest_configure",
    "revision_database",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, and the settings that stand for them in the configuration of pytest."""
    group = parser.getgroup("safemigrate", "proofs of database migrations")
    group.addoption(
        "--safemigrate",
        action="store_true",
        help="Prove the revisions of the Alembic project, each property of each as a test.",
    )
    group.addoption(
        "--safemigrate-config",
        metavar="FILE",
        help="The configuration of Alembic; default: alembic.ini beside that of pytest.",
    )
    group.addoption(
        "--safemigrate-server",
        metavar="embedded|container[:IMAGE]|URL",
        help="The throwaway server; default: embedded.",
    )
    group.addoption(
        "--safemigrate-select",
        action="append",
        metavar="PROPERTY",
        help="Prove this property, or family of them, and no other; may be given several times.",
    )
    group.addoption(
        "--safemigrate-capture",
        metavar="FILE",
        help="Write what the tests send to PostgreSQL through SQLAlchemy into this file.",
    )
    parser.addini("safemigrate_config", "The configuration of Alembic.", default="alembic.ini")
    parser.addini("safemigrate_server", "The throwaway server.", default="embedded")
    parser.addini("safemigrate_select", "Properties, or families of them, to be proved.", "args")


def pytest_configure(config: pytest.Config) -> None:
    """Register what was asked for; without an option nothing is imported."""
    config.addinivalue_line("markers", "safemigrate: a proof of a migration (with --safemigrate)")
    if config.getoption("safemigrate"):
        from safemigrate.testing.proofs import ProofPlugin  # noqa: PLC0415 - heavy

        config.pluginmanager.register(ProofPlugin(config), "safemigrate-proofs")
    capture = config.getoption("safemigrate_capture")
    if capture:
        from safemigrate.testing.capturing import CapturePlugin  # noqa: PLC0415 - heavy

        path = config.invocation_params.dir / Path(capture)
        config.pluginmanager.register(CapturePlugin(path), "safemigrate-capture")


@pytest.fixture
def migrated_database(revision_database: Callable[[str], str]) -> str:
    """The URL of a new database with all migrations applied, which the test has for itself."""
    return revision_database("heads")


@pytest.fixture
def revision_database(request: pytest.FixtureRequest) -> Iterator[Callable[[str], str]]:
    """Makes databases at a revision: an id or the beginning of one, a label, heads, or base.

    Each call returns the URL of a new one; they are dropped after the test.
    """
    from safemigrate.testing.databases import making_databases  # noqa: PLC0415 - heavy

    with making_databases(request.config) as make:
        yield make


@pytest.fixture
def capture_queries() -> Iterator["Queries"]:
    """What SQLAlchemy's engines send to PostgreSQL in the test, in order."""
    from safemigrate.testing.recorder import recording  # noqa: PLC0415 - heavy

    with recording() as queries:
        yield queries
