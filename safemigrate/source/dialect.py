"""SQLAlchemy's PostgreSQL dialect over the recording driver."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.engine import URL, Connection, Dialect
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.pool import NullPool, Pool

from safemigrate.source.dbapi import Connection as DBAPIConnection
from safemigrate.source.dbapi import Cursor, RecordingDBAPI
from safemigrate.source.tape import Tape

__all__ = ["DBAPI", "AsyncRecordingDialect", "RecordingDialect", "driver_of"]

DBAPI = RecordingDBAPI()

_LEVELS = ("AUTOCOMMIT", "READ COMMITTED", "READ UNCOMMITTED", "REPEATABLE READ", "SERIALIZABLE")


def driver_of(url: URL) -> str:
    """Return the driver that the URL names, or that SQLAlchemy takes when it names none."""
    name = url.drivername.partition("+")[2] or str(postgresql.dialect.driver)
    return "psycopg" if name == "psycopg_async" else name


class RecordingDialect(PGDialect):
    """PostgreSQL as SQLAlchemy knows it, with `$1` for bound values, over the recording driver.

    It accepts what the dialects of the known drivers accept, and asks nothing on connecting.
    `supports_sane_rowcount` is off because the number of rows changed is made up.
    `stands_for`: the real dialect of the engine that has this one for a while; listeners that
    SQLAlchemy registers meanwhile, for isolation levels, serve the engine's real connections too.
    """

    stands_for: Dialect | None = None
    driver = "recording"
    is_recording = True
    supports_statement_cache = True
    supports_server_side_cursors = True
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
        """Return a pool that works for synchronous and asynchronous engines."""
        del url
        return NullPool

    @property
    def _has_events(self) -> bool:
        """Say that nobody listens: listeners to `do_connect` would talk to real services."""
        return False

    @_has_events.setter
    def _has_events(self, value: bool) -> None: ...

    def initialize(self, connection: Connection) -> None:
        """Do nothing: what the server would be asked is known from the start."""

    def create_connect_args(self, url: URL) -> tuple[list[Any], dict[str, Any]]:
        """Return the driver's name; there is nothing to connect to."""
        return [], {"driver": driver_of(url)}

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
        if context.isinsert and getattr(context.compiled, "implicit_returning", False):
            cursor.prepared_rows = [tuple(self._make_up(column.type) for column in columns)]

    def _make_up(self, type_: Any) -> object:
        """Return a value for a generated column: a key when it can be one, else NULL."""
        self._made_up += 1
        try:
            kind = type_.python_type
        except NotImplementedError:
            return None
        if kind is int:
            return self._made_up
        if kind is str:
            return str(self._made_up)
        return uuid.UUID(int=self._made_up) if kind is uuid.UUID else None


class AsyncRecordingDialect(RecordingDialect):
    """The same for asynchronous engines: nothing it does has to be waited for."""

    is_async = True
    supports_statement_cache = True
