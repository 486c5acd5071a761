"""The servers that tests share: one of each kind a session, a database a test."""

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from importlib.util import find_spec

import pytest

from safemigrate.errors import SafemigrateError
from safemigrate.server import Server, open_server
from safemigrate.server.account import choose_account
from safemigrate.server.binaries import find_binaries
from tests.postgres.versions import ProofServers, table_of_counts

pytest_plugins = ["pytester"]

IMAGE = os.environ.get("SAFEMIGRATE_TEST_IMAGE", "safemigrate-postgres:17")
SERVER_IS_REQUIRED = os.environ.get("SAFEMIGRATE_REQUIRE_SERVER") == "1"
CONTAINER_IS_REQUIRED = os.environ.get("SAFEMIGRATE_REQUIRE_CONTAINER") == "1"
SKIPS_ARE_FAILURES = SERVER_IS_REQUIRED and CONTAINER_IS_REQUIRED


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let nothing be remembered from before the session, or after it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAFEMIGRATE_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def no_bytecode() -> Iterator[None]:
    """Let a revision that is written anew within a second not be taken for the one before.

    Python knows what it has compiled by the time, in seconds, and the size of the source.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)
        yield


@pytest.fixture(scope="session")
def embedded_server() -> Iterator[Server]:
    """One embedded server for the whole session; skips the test where there is none."""
    yield from _shared(open_server("embedded"), is_required=SERVER_IS_REQUIRED)


@pytest.fixture(scope="session")
def container_server() -> Iterator[Server]:
    """One server in a container for the whole session; skips the test where there is no Docker."""
    yield from _shared(open_server(f"container:{IMAGE}"), is_required=CONTAINER_IS_REQUIRED)


@pytest.fixture(scope="session")
def proof_servers(embedded_server: Server) -> Iterator[ProofServers]:
    """The servers that facts are proved on, by major; the shared one for its own."""
    servers = ProofServers(embedded_server)
    yield servers
    servers.close()


@pytest.fixture
def database(embedded_server: Server) -> Iterator[str]:
    """The URL of a new, empty database on the embedded server; dropped after the test."""
    name = embedded_server.create_database()
    yield embedded_server.url(name)
    embedded_server.drop_database(name)


def _shared(server: AbstractContextManager[Server], *, is_required: bool) -> Iterator[Server]:
    """Enter `server`; where it cannot be had, fail if it is required, else skip and say why."""
    reason = ""
    with ExitStack() as stack:
        try:
            entered = stack.enter_context(server)
        except SafemigrateError as error:
            reason = f"{error.message}; {error.hint}"
        else:
            yield entered
    if reason and is_required:
        pytest.fail(reason, pytrace=False)
    if reason:
        pytest.skip(reason)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "docker: needs a Docker engine")


def pytest_report_header() -> str:
    """Name the servers that tests can have here."""
    return f"servers: {_embedded_state()}; {_container_state()}"


def _embedded_state() -> str:
    try:
        return f"embedded PostgreSQL {find_binaries(choose_account()).version}"
    except SafemigrateError as error:
        return f"no embedded ({error.message})"


def _container_state() -> str:
    if find_spec("testcontainers") is None:
        return "no container (testcontainers is not installed)"
    from safemigrate.server.container import require_image  # noqa: PLC0415 - an extra

    try:
        require_image(IMAGE)
    except SafemigrateError as error:
        return f"no container ({error.message})"
    return f"container {IMAGE}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let no test be skipped where every server is required."""
    if _skipped(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for line in table_of_counts():
        terminalreporter.write_line(line)
    if count := _skipped(config):
        terminalreporter.write_line(
            f"{count} skipped, and every server is required: this is a failure", red=True
        )


def _skipped(config: pytest.Config) -> int:
    """Return how many tests were skipped that may not be, 0 where skipping is allowed."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if not SKIPS_ARE_FAILURES or not isinstance(reporter, pytest.TerminalReporter):
        return 0
    return len(reporter.stats.get("skipped", []))
