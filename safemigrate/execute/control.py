"""The control connection: a second session beside the one that migrates."""

import asyncio
import os
import select
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from safemigrate.errors import UnreachableError
from safemigrate.execute.endurance import settle_session
from safemigrate.execute.failures import is_disconnect, server_message
from safemigrate.execute.stopping import StopRunError

__all__ = [
    "CONTROL_OPTION",
    "LOST",
    "ControlConnection",
    "ControlLostError",
    "act_as",
    "translating_loss",
]

Result = TypeVar("Result")

# The execution option by which listeners tell this connection from those of the migrations.
CONTROL_OPTION = "safemigrate_control"

LOST = "the control connection was lost, and the deploy lock with it"

# What is asked here is asked beside the migrations, and may take its time; but it waits for nobody.
_SETTINGS = {"lock_timeout": "500ms", "statement_timeout": "0"}


class ControlLostError(Exception):
    """The control connection is gone, and with it the deploy lock; never leaves the package."""


@contextmanager
def translating_loss() -> Iterator[None]:
    """Raise StopRunError when the control connection is gone in the block."""
    try:
        yield
    except ControlLostError as err:
        raise StopRunError(LOST) from err


class ControlConnection:
    """An autocommit session to the database that an engine leads to.

    It is made by the engine's own pool class and creator, so with the project's own driver and
    credentials, and lives in a thread of its own, which also serialises its use: it may be used
    from any thread, even inside the event loop that the project's env.py runs. It is not opened
    anew by itself: what depends on the session, the deploy lock, would be lost without a word.
    `pid`: of the server's process. `opened`: how often it was opened.
    """

    def __init__(self, engine: Engine) -> None:
        """Connect. Raises UnreachableError when the server has no room for a second session."""
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="safemigrate-control")
        self._is_lost = False
        self._trusted_until = 0.0
        self._engine = engine
        self._session: _Session = self._make_session()
        self.pid = 0
        self.opened = 0
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _make_session(self) -> "_Session":
        engine = self._engine
        # Pool.recreate: the same arguments, but none of the connections
        sibling = Engine(
            engine.pool.recreate(),
            engine.dialect,
            engine.url,
            execution_options={CONTROL_OPTION: True},
        )
        return _AsyncSession(sibling) if engine.dialect.is_async else _SyncSession(sibling)

    def _open(self) -> None:
        try:
            self._executor.submit(self._session.open).result()
            self._is_lost = False
            self.pid = self.run(_introduce)
        except (DBAPIError, OSError, ControlLostError) as err:
            raise UnreachableError(
                f"a second connection to the database was refused: {server_message(err)}",
                "the runner needs two: one to migrate, one for the deploy lock",
            ) from err
        self.opened += 1

    def reopen(self) -> None:
        """Connect anew after the session is gone; the deploy lock is to be taken anew as well.

        Raises UnreachableError when the server refuses, and ControlLostError when it was closed.
        """
        self._is_lost, self._trusted_until = True, 0.0
        try:
            self._executor.submit(self._session.close).result()
        except RuntimeError as err:
            raise ControlLostError from err
        self._session = self._make_session()
        try:
            self._open()
        except BaseException:
            self._is_lost = True
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def run(self, operation: Callable[[Connection], Result]) -> Result:
        """Return what `operation` returns, called with the connection in its thread.

        Each statement is committed at once. Raises ControlLostError when the session is gone.
        """
        if self._is_lost:
            raise ControlLostError
        try:
            asked = self._executor.submit(self._session.run, operation)
        except RuntimeError as err:
            # another thread has closed it meanwhile
            raise ControlLostError from err
        try:
            return asked.result()
        except SQLAlchemyError as err:
            if is_disconnect(err):
                self._is_lost = True
                raise ControlLostError from err
            raise

    def trust(self, seconds: float) -> None:
        """Take what was just seen of the session to last that long."""
        self._trusted_until = time.monotonic() + seconds

    @property
    def is_trusted(self) -> bool:
        """Whether it is, and the server has not said a word since, as it does when it ends one."""
        if self._is_lost or time.monotonic() > self._trusted_until:
            return False
        return self._session.is_silent()

    @property
    def is_lost(self) -> bool:
        """Whether the session was found gone."""
        return self._is_lost

    @property
    def may_be_lost(self) -> bool:
        """Whether it is, or the server has said a word that nobody asked for."""
        return self._is_lost or self._session.has_news()

    def close(self) -> None:
        """End the session, and so give back the deploy lock."""
        self._is_lost = True
        self._executor.submit(self._session.close).result()
        self._executor.shutdown()


@contextmanager
def act_as(connection: Connection, role: str) -> Iterator[None]:
    """Let the control connection act as this role in the block, "" for the one it has.

    Not for longer: a role that is taken by SET ROLE may neither cancel the statements of the
    login role's other sessions nor see what they do.
    https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL
    """
    if not role:
        yield
        return
    before = str(connection.execute(text("SELECT current_setting('role')")).scalar_one())
    _set_role(connection, role)
    try:
        yield
    finally:
        if not connection.invalidated:
            _set_role(connection, before)


class _Session(Protocol):
    def open(self) -> None: ...
    def run(self, operation: Callable[[Connection], Result]) -> Result: ...
    def is_silent(self) -> bool: ...
    def has_news(self) -> bool: ...
    def close(self) -> None: ...


class _SyncSession:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._driven: Any = None

    def open(self) -> None:
        self._connection = _configure(self._engine.connect())
        # SQLAlchemy, asked for it later, would connect again where the session is gone
        self._driven = self._connection.connection.driver_connection

    def run(self, operation: Callable[[Connection], Result]) -> Result:
        return _run_and_end(_opened(self._connection), operation)

    def is_silent(self) -> bool:
        try:
            readable, _, _ = select.select([self._driven], [], [], 0)
        except Exception:  # noqa: BLE001 - whatever the driver's error, the server itself is asked
            return False
        return not readable

    def has_news(self) -> bool:
        return not self.is_silent()

    def close(self) -> None:
        if self._connection is not None:
            _close(self._connection)
        self._engine.dispose()


class _AsyncSession:
    """The same over an asynchronous driver, in an event loop of the thread's own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._runner: asyncio.Runner | None = None

    def open(self) -> None:
        self._runner = asyncio.Runner()
        self._connection = self._await(lambda: _configure(self._engine.connect()))

    def run(self, operation: Callable[[Connection], Result]) -> Result:
        connection = _opened(self._connection)
        return self._await(lambda: _run_and_end(connection, operation))

    def is_silent(self) -> bool:
        # its event loop reads what comes, and tells nobody
        return False

    def has_news(self) -> bool:
        return False

    def close(self) -> None:
        if self._runner is None:
            return
        if (connection := self._connection) is not None:
            self._await(lambda: _close(connection))
        self._await(self._engine.dispose)
        self._runner.close()

    def _await(self, function: Callable[[], Result]) -> Result:
        # SQLAlchemy without its asyncio extra has no such function
        from sqlalchemy.util import greenlet_spawn  # noqa: PLC0415

        async def call() -> Result:
            spawned: Awaitable[Result] = greenlet_spawn(function)
            return await spawned

        if self._runner is None:
            raise ControlLostError
        return self._runner.run(call())


def _opened(connection: Connection | None) -> Connection:
    if connection is None:
        raise ControlLostError
    return connection


def _configure(connection: Connection) -> Connection:
    return connection.execution_options(isolation_level="AUTOCOMMIT")


def _introduce(connection: Connection) -> int:
    """Tell whoever looks at pg_stat_activity what this session is, let it last; return its pid."""
    settle_session(connection)
    name = f"safemigrate {socket.gethostname()} {os.getpid()}"
    # the server cuts a longer name off, and says so in its log
    settings = {"application_name": name[:63], **_SETTINGS}
    statement = text("SELECT set_config(:name, :value, false)")
    for setting, value in settings.items():
        connection.execute(statement, {"name": setting, "value": value})
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def _set_role(connection: Connection, role: str) -> None:
    """Say SET ROLE, with the name as a parameter; the name "none" gives the login role back."""
    # https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SET
    connection.execute(text("SELECT set_config('role', :role, false)"), {"role": role})


def _run_and_end(connection: Connection, operation: Callable[[Connection], Result]) -> Result:
    try:
        return operation(connection)
    finally:
        # SQLAlchemy counts a transaction even where the server has none
        connection.rollback()


def _close(connection: Connection) -> None:
    try:
        connection.invalidate() if connection.closed else connection.close()
    except SQLAlchemyError:
        # it is gone already, which is all that was wanted
        connection.invalidate()
