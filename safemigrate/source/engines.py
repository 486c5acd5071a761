"""Every engine of the project, recorded for a while, and as it was afterwards."""

import contextlib
import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from sqlalchemy import event
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.engine import URL, Dialect, Engine, create
from sqlalchemy.exc import NoSuchModuleError
from sqlalchemy.pool import NullPool, Pool
from sqlalchemy.sql.base import DialectKWArgs

from safemigrate.errors import EnvironmentSetupError, NotPostgresError
from safemigrate.source.connecting import listening
from safemigrate.source.dbapi import Connection as RecordingConnection
from safemigrate.source.dialect import DBAPI, AsyncRecordingDialect, RecordingDialect, driver_of
from safemigrate.source.tape import Tape

__all__ = ["noticing_engines", "recording_engines"]

# What is recorded as PostgreSQL: also what projects have as a stand-in for it on a developer's
# machine, because a URL that only production knows is not needed to judge.
_BACKENDS = frozenset({"postgresql", "sqlite"})

# Engines that modules of the project made while they were imported; they outlive a recording.
_lasting: "weakref.WeakSet[Engine]" = weakref.WeakSet()


@contextlib.contextmanager
def noticing_engines(*, is_lenient: bool = False) -> Iterator[None]:
    """Keep in mind the engines made inside, so that a later recording can have them.

    `is_lenient`: one whose driver is not installed is made all the same, to be recorded only.
    """

    class NoticingEntry(_Entry):
        """Makes engines as they would be made, and keeps them in mind."""

        supports_statement_cache = True

        @classmethod
        def get_dialect_cls(cls, url: URL) -> type[Dialect]:
            real = _real_dialect(url, is_async=False) if is_lenient else None
            return real or (RecordingDialect if is_lenient else super().get_dialect_cls(url))

        @classmethod
        def get_async_dialect_cls(cls, url: URL) -> type[Dialect]:
            real = _real_dialect(url, is_async=True) if is_lenient else None
            return real or (
                AsyncRecordingDialect if is_lenient else super().get_async_dialect_cls(url)
            )

        @classmethod
        def engine_created(cls, engine: Engine) -> None:
            if isinstance(engine.dialect, RecordingDialect):
                engine.pool = _recording_pool(engine, engine.dialect)
            else:
                _lasting.add(engine)

    with _entry_for_all(NoticingEntry), _noticing_options():
        yield


@contextlib.contextmanager
def _noticing_options() -> Iterator[None]:
    """Keep in mind what Engine.execution_options() gives, which has a dialect of its own.

    One that was made from a recorded engine gets the real dialect afterwards.
    """
    made: list[Engine] = []

    def notice(engine: Engine, options: object) -> None:
        del options
        _lasting.add(engine)
        made.append(engine)

    try:
        with listening(Engine, "set_engine_execution_options", notice):
            yield
    finally:
        for engine in made:
            if isinstance(engine.dialect, RecordingDialect) and engine.dialect.stands_for:
                engine.dialect = engine.dialect.stands_for


@contextlib.contextmanager
def recording_engines(tape: Tape, directory: Path) -> Iterator[set[str]]:
    """Let every engine note on the tape, those made inside and those kept in mind.

    Yields the set of the kinds of database they are for, which grows; those for SQLite are
    recorded as if they were for PostgreSQL. No connection to a database is made: one that is
    neither, or whose engine was made out of our sight, raises. Afterwards the engines, and
    SQLAlchemy's registry of dialects, are as they would be without the recording.
    `directory`: the script location; engines made there by env.py and the revisions end with the
    recording, and so do not need their real driver, which may not be installed.
    """
    backends: set[str] = set()
    with contextlib.ExitStack() as stack:

        class RecordingEntry(_Entry):
            """Makes engines that are recorded."""

            supports_statement_cache = True

            @classmethod
            def get_dialect_cls(cls, url: URL) -> type[Dialect]:
                _refuse_another(url, tape, directory)
                if _is_called_from(directory):
                    return RecordingDialect
                return _real_dialect(url, is_async=False) or RecordingDialect

            @classmethod
            def get_async_dialect_cls(cls, url: URL) -> type[Dialect]:
                _refuse_another(url, tape, directory)
                if _is_called_from(directory):
                    return AsyncRecordingDialect
                return _real_dialect(url, is_async=True) or AsyncRecordingDialect

            @classmethod
            def engine_created(cls, engine: Engine) -> None:
                backends.add(engine.url.get_backend_name())
                if isinstance(engine.dialect, RecordingDialect):
                    # also in the place of a `creator` that would connect
                    engine.pool = _recording_pool(engine, engine.dialect)
                else:
                    _lasting.add(engine)
                    stack.enter_context(_recorded(engine))

        previous_tape, DBAPI.tape = DBAPI.tape, tape
        stack.callback(setattr, DBAPI, "tape", previous_tape)
        stack.enter_context(_entry_for_all(RecordingEntry))
        stack.enter_context(_noticing_options())
        stack.enter_context(listening(Engine, "do_connect", _refuse_to_connect))
        stack.enter_context(listening(Pool, "checkout", _refuse_connection))
        for engine in list(_lasting):
            stack.enter_context(_recorded(engine))
        yield backends


def _refuse_another(url: URL, tape: Tape, directory: Path) -> None:
    """Raise for a second database that a revision opens by itself and that is not PostgreSQL."""
    passage, backend = tape.passage, url.get_backend_name()
    is_revision = passage is not None and Path(passage.filename) != directory / "env.py"
    if is_revision and backend != "postgresql":
        raise _refusal(backend)


class _Entry(PGDialect):
    """What the registry gives for any URL that is recorded.

    It chooses the dialect, and sees the engine. SQLAlchemy's protocol for this is in
    Dialect.get_dialect_cls and Dialect.engine_created.
    """

    supports_statement_cache = True

    @classmethod
    def get_dialect_cls(cls, url: URL) -> type[Dialect]:
        return _load(url).get_dialect_cls(url)

    @classmethod
    def get_async_dialect_cls(cls, url: URL) -> type[Dialect]:
        return _load(url).get_async_dialect_cls(url)


# The registry's own way to find a dialect by name; not to be found while ours is in its place.
_load_builtin = registry.auto_fn


@contextlib.contextmanager
def _entry_for_all(entry: type[_Entry]) -> Iterator[None]:
    """Put `entry` behind every name of a dialect that is recorded, with or without a driver."""
    for backend in _BACKENDS:
        # what options a table may have for it; to be filled by the real dialect
        _ = DialectKWArgs._kw_registry[backend]  # noqa: SLF001 - filled on first use, by a registry
    impls, load_builtin = registry.impls, registry.auto_fn

    def load(name: str) -> Callable[[], Any] | None:
        if name.partition(".")[0] in _BACKENDS:
            return lambda: entry
        known = impls.get(name)
        return known or (None if load_builtin is None else load_builtin(name))

    registry.impls, registry.auto_fn = {}, load
    try:
        yield
    finally:
        registry.impls, registry.auto_fn = impls, load_builtin


def _load(url: URL) -> type[Dialect]:
    """Return the real dialect of the URL, as the registry would."""
    name = url.drivername.replace("+", ".")
    load = None if _load_builtin is None else _load_builtin(name)
    if load is None:
        raise NoSuchModuleError(f"Can't load plugin: sqlalchemy.dialects:{name}")
    dialect: type[Dialect] = load()
    return dialect


def _real_dialect(url: URL, *, is_async: bool) -> type[Dialect] | None:
    """Return the real dialect, or None when its driver cannot be had here."""
    try:
        entry = _load(url)
        dialect = entry.get_async_dialect_cls(url) if is_async else entry.get_dialect_cls(url)
        dialect.import_dbapi()
    except (ImportError, NoSuchModuleError, NotImplementedError):
        return None
    return dialect


def _is_called_from(directory: Path) -> bool:
    """Return whether the code that makes the engine is a file below the directory."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - the public ways build the whole stack
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if not str(name).startswith("sqlalchemy"):
            return Path(frame.f_code.co_filename).is_relative_to(directory)
        frame = frame.f_back
    return False


@contextlib.contextmanager
def _recorded(engine: Engine) -> Iterator[None]:
    """Give the engine the recording dialect and a pool of its own for as long as the block runs."""
    dialect, pool = engine.dialect, engine.pool
    if isinstance(dialect, RecordingDialect) or dialect.name not in _BACKENDS:
        yield
        return
    kind = AsyncRecordingDialect if dialect.is_async else RecordingDialect
    level = getattr(dialect, "_on_connect_isolation_level", None)
    recording = kind(dbapi=DBAPI, isolation_level=level)
    recording.stands_for = dialect
    if getattr(dialect, "default_isolation_level", None) is None:
        # what it would learn on connecting, for options that were set on it before
        dialect.default_isolation_level = recording.default_isolation_level
    engine.dialect, engine.pool = recording, _recording_pool(engine, recording)
    try:
        yield
    finally:
        engine.dialect, engine.pool = dialect, pool


def _recording_pool(engine: Engine, dialect: RecordingDialect) -> Pool:
    driver = driver_of(engine.url)
    creator: Any = lambda: DBAPI.connect(driver=driver)  # noqa: E731 - its type is SQLAlchemy's own
    made = getattr(engine.pool, "_creator", None)
    code = getattr(made, "__code__", None)
    if engine.dialect is dialect and code is not None and code.co_filename == create.__file__:
        # SQLAlchemy's own, and not one of the project: it hands on `connect_args`
        creator = made
    pool = NullPool(creator, dialect=dialect)
    set_level = dialect._builtin_onconnect()  # noqa: SLF001 - as create_engine does
    if set_level is not None:
        event.listen(pool, "connect", set_level)
    return pool


def _refuse_to_connect(
    dialect: Dialect, record: object, cargs: list[Any], cparams: dict[str, Any]
) -> None:
    del record, cargs, cparams
    raise _refusal(dialect.name)


def _refuse_connection(connection: Any, record: Any, proxy: Any) -> None:
    del record
    if not isinstance(connection, RecordingConnection):
        raise _refusal(proxy.dialect.name)


def _refusal(backend: str) -> EnvironmentSetupError | NotPostgresError:
    if backend != "postgresql":
        return NotPostgresError(
            f'the migrations connect to "{backend}", not to PostgreSQL',
            "set what env.py takes its URL from to a PostgreSQL URL; nothing is connected to "
            "while migrations are read",
        )
    return EnvironmentSetupError(
        "the migrations use an engine that was made before they were read",
        "make the engine in env.py",
    )
