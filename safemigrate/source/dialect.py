"""SQLAlchemy's PostgreSQL dialect over the recording driver."""

import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import URL, Connection, Dialect
from sqlalchemy.engine import base as engine_base
from sqlalchemy.engine import default as engine_default
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.pool import AsyncAdaptedQueuePool, Pool, QueuePool
from sqlalchemy.util import await_only

from safemigrate.source.cursor import Cursor
from safemigrate.source.dbapi import Connection as DBAPIConnection
from safemigrate.source.dbapi import RecordingDBAPI
from safemigrate.source.inspection_dialect import InspectionDialect
from safemigrate.source.rows import make_key
from safemigrate.source.tape import Tape

__all__ = ["DBAPI", "AsyncRecordingDialect", "RecordingDialect", "driver_of"]

DBAPI = RecordingDBAPI()

_LEVELS = ("AUTOCOMMIT", "READ COMMITTED", "READ UNCOMMITTED", "REPEATABLE READ", "SERIALIZABLE")


def driver_of(url: URL) -> str:
    """Return the driver that the URL names, or that SQLAlchemy takes when it names none."""
    name = url.drivername.partition("+")[2] or str(postgresql.dialect.driver)
    return "psycopg" if name == "psycopg_async" else name


class _Name:
    """The name of the dialect, which notes that code of the project has read it."""

    def __get__(self, dialect: object, owner: type) -> str:
        if dialect is not None:
            _note_reading(sys._getframe(1))  # noqa: SLF001 - the public ways build the whole stack
        return "postgresql"


# Engine.name and Dialect.dialect_description
_THROUGH = frozenset({engine_base.__file__, engine_default.__file__})


def _note_reading(frame: FrameType) -> bool:
    """Note that the frame asks which dialect this is; return whether it is the project's own."""
    tape = DBAPI.tape
    if tape is None or tape.passage is None:
        return False
    while frame.f_code.co_filename in _THROUGH and frame.f_back is not None:
        frame = frame.f_back
    return tape.read_dialect(frame.f_code.co_filename)


class RecordingDialect(InspectionDialect):
    """PostgreSQL as SQLAlchemy knows it, with `$1` for bound values, over the recording driver.

    It accepts what the dialects of the known drivers accept, and asks nothing on connecting.
    `supports_sane_rowcount` is off because the number of rows changed is made up.
    `stands_for`: the real dialect of the engine that has this one for a while; listeners that
    SQLAlchemy registers meanwhile, for isolation levels, serve the engine's real connections too.
    """

    name = _Name()

    @property  # type: ignore[misc]  # nobody sets it
    def __class__(self) -> type:
        """The class as the project sees it: that of the dialect it would have.

        This is how `isinstance` asks what is not of a class by its type.
        """
        is_asked = _note_reading(sys._getframe(1))  # noqa: SLF001 - as above
        return postgresql.dialect if is_asked else type(self)

    stands_for: Dialect | None = None
    driver = "recording"
    is_recording = True
    supports_statement_cache = True
    # whoever wants such a cursor gets a usual one
    supports_server_side_cursors = False
    supports_native_decimal = True
    supports_sane_rowcount = False
    supports_sane_multi_rowcount = False
    # one INSERT a row, each with a key that we can make up
    use_insertmanyvalues = False
    default_paramstyle = "numeric_dollar"

    def __init__(  # noqa: PLR0917 - create_engine looks for them among the positional arguments
        self,
        client_encoding: str | None = None,
        use_native_hstore: bool = True,  # noqa: FBT001, FBT002 - as above
        executemany_mode: object = None,
        executemany_batch_page_size: object = None,
        executemany_values_page_size: object = None,
        use_insertmanyvalues: object = None,
        insertmanyvalues_page_size: object = None,
        **kwargs: Any,
    ) -> None:
        del client_encoding, use_native_hstore, executemany_mode, executemany_batch_page_size
        del executemany_values_page_size, use_insertmanyvalues, insertmanyvalues_page_size
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]  # SQLAlchemy has no annotations here
        self.default_schema_name = "public"
        self.default_isolation_level = "READ COMMITTED"
        self.server_version_info = ((DBAPI.tape or Tape()).version.major, 0)
        self._made_up = 0

    @classmethod
    def import_dbapi(cls) -> Any:
        """Return the recording driver."""
        return DBAPI

    @classmethod
    def get_pool_class(cls, url: URL) -> type[Pool]:
        """Return the usual pool, which takes the usual options; it is replaced by another."""
        del url
        return QueuePool

    @property
    def _tape(self) -> Tape:
        return DBAPI.running_tape()

    @property
    def _has_events(self) -> bool:
        """Say that nobody listens: listeners to `do_connect` would talk to real services."""
        return False

    @_has_events.setter
    def _has_events(self, value: bool) -> None: ...

    def initialize(self, connection: Connection) -> None:
        """Do nothing: what the server would be asked is known from the start."""

    def create_connect_args(self, url: URL) -> tuple[list[Any], dict[str, Any]]:
        """Return the driver's name, and the URL's own parameters; nothing is connected to."""
        return [], {**url.query, "driver": driver_of(url)}

    def get_isolation_level_values(self, dbapi_conn: Any) -> Sequence[Any]:
        """Return the levels that PostgreSQL's drivers offer."""
        del dbapi_conn
        return _LEVELS

    def set_isolation_level(self, dbapi_connection: Any, level: Any) -> None:
        """Set the level, or autocommit."""
        if self.stands_for is not None and not isinstance(dbapi_connection, DBAPIConnection):
            self.stands_for.set_isolation_level(dbapi_connection, level)
            return
        dbapi_connection.autocommit = level == "AUTOCOMMIT"
        if level != "AUTOCOMMIT":
            dbapi_connection.isolation_level = level

    def get_isolation_level(self, dbapi_connection: Any) -> Any:
        """Return the level, as the server says it also under autocommit."""
        level = dbapi_connection.isolation_level
        return level if level in _LEVELS else "READ COMMITTED"

    def detect_autocommit_setting(self, dbapi_conn: Any) -> bool:
        """Return whether the connection is in autocommit."""
        return bool(dbapi_conn.autocommit)

    def set_readonly(self, connection: Any, value: Any) -> None:
        """Keep the setting."""
        connection.read_only = value

    def get_readonly(self, connection: Any) -> Any:
        """Return the setting."""
        return connection.read_only

    def set_deferrable(self, connection: Any, value: Any) -> None:
        """Keep the setting."""
        connection.deferrable = value

    def get_deferrable(self, connection: Any) -> Any:
        """Return the setting."""
        return connection.deferrable

    def do_ping(self, dbapi_connection: Any) -> bool:
        """Find every connection alive."""
        del dbapi_connection
        return True

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        """Execute, telling the cursor which columns and keys its caller will look for."""
        if isinstance(cursor, Cursor) and isinstance(context, DefaultExecutionContext):
            self._prepare(cursor, context)
            if context.compiled is None and "%%" in statement and not parameters:
                # exec_driver_sql: the drivers of this kind see a doubled percent sign as one
                connection = cursor.connection
                if connection.doubles_percent_signs:
                    statement = statement.replace("%%", "%")
        cursor.execute(statement, parameters)

    def _prepare(self, cursor: Cursor, context: DefaultExecutionContext) -> None:
        columns = getattr(context.compiled, "_result_columns", None)
        if not columns:
            return
        cursor.columns = [str(column.keyname) for column in columns]
        cursor.types = [column.type for column in columns]
        if context.isinsert and getattr(context.compiled, "implicit_returning", False):
            self._made_up += len(columns)
            first = self._made_up - len(columns) + 1
            cursor.prepared_rows = [
                tuple(make_key(number, column.type) for number, column in enumerate(columns, first))
            ]


class AsyncRecordingDialect(RecordingDialect):
    """The same for asynchronous engines: nothing it does has to be waited for.

    SQLAlchemy makes sure that something is waited for whenever a statement is awaited.
    """

    is_async = True
    supports_statement_cache = True

    @classmethod
    def get_pool_class(cls, url: URL) -> type[Pool]:
        """Return the usual pool of asynchronous engines, likewise."""
        del url
        return AsyncAdaptedQueuePool

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        """Execute, and wait for nothing."""
        super().do_execute(cursor, statement, parameters, context)
        _wait()

    def do_executemany(
        self, cursor: Any, statement: str, parameters: Any, context: Any = None
    ) -> None:
        """Execute, and wait for nothing."""
        del context
        cursor.executemany(statement, parameters)
        _wait()


def _wait() -> None:
    nothing = _nothing()
    try:
        await_only(nothing)
    except MissingGreenlet:
        # a synchronous use of the engine
        nothing.close()


async def _nothing() -> None: ...
