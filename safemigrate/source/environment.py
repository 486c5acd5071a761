"""The user's env.py, run as it is, under our own environment context."""

import contextlib
import inspect
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.util.langhelpers import ModuleClsProxy
from sqlalchemy import create_engine
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from safemigrate.errors import DatabaseError, EnvironmentSetupError, SafemigrateError
from safemigrate.source.connecting import ConnectionWatch, translate_connection_error
from safemigrate.source.directory import at_start, find_start, keeping_directory
from safemigrate.source.excerpt import describe, find_origin, show_path
from safemigrate.source.leaving import raising_exit
from safemigrate.source.project import Project
from safemigrate.source.quarantine import quarantine
from safemigrate.source.run_folders import list_relative_paths
from safemigrate.source.sqlstates import INSUFFICIENT_PRIVILEGE, find_sqlstate
from safemigrate.source.standins import is_stand_in
from safemigrate.source.standins_settings import standing_for_attributes
from safemigrate.source.url import (
    DUMMY_URL,
    asked_backend,
    check_main_url,
    configured_backend,
    has_placeholder,
    main_url,
    parse_url,
    refuse_backend,
)

__all__ = [
    "ProjectEnvironment",
    "Work",
    "run_environment",
    "settle",
]

# What Alembic calls `fn`: given the heads found in the database and the context that env.py
# configured, it gives the revisions to run, one after the other.
Work = Callable[[tuple[str, ...], MigrationContext], Iterable[RevisionStep]]


def run_environment(
    project: Project,
    work: Work,
    *,
    url: str | None = None,
    destination: str = "heads",
    dont_mutate: bool = False,
    longest_connect: float | None = None,
    is_throwaway: bool = False,
) -> None:
    """Run env.py on the real database, with `work` in the place of an Alembic command.

    When env.py calls `context.run_migrations()`, Alembic calls `work(heads, context)`, runs each
    revision it yields in a transaction of its own, whatever env.py asks for, and updates the
    version table in the same transaction. `work` may also do everything itself and yield nothing.
    It is called once for every time env.py runs the migrations. Standard output is standard
    error meanwhile; a `work` that reports does so there, or afterwards.

    `url`: the database to use, default the project's; it wins over whatever env.py connects to,
    be it by `sqlalchemy.url` or in its own way, through the driver that env.py chose.
    `destination`: what `context.get_revision_argument()` tells env.py.
    `dont_mutate`: the version table is not made when it is missing.
    `longest_connect`: seconds that a server has to answer, if less than it has anyway.
    `is_throwaway`: `url` is of a server of our own, so that the project's URL is not used.

    What `work` or a revision raises comes out unchanged, even when env.py swallows it.
    Raises EnvironmentSetupError when env.py raises, connects in a way `url` cannot reach, never
    runs the migrations, or hands over a connection that is already in a transaction;
    UnreachableError and NotPostgresError when it is the database.
    """
    chosen = url if url is not None else project.url
    target = None if chosen is None else parse_url(chosen)
    if target is None:
        check_main_url(project.config)
    watch = ConnectionWatch(target, longest=longest_connect)
    with quarantine(), raising_exit(), main_url(project.config, target), watch:
        environment = ProjectEnvironment(
            project,
            work,
            watch,
            destination=destination,
            dont_mutate=dont_mutate,
            is_throwaway=is_throwaway,
        )
        environment.run()


class ProjectEnvironment(EnvironmentContext):
    """Alembic's environment context, with one transaction per revision and our checks.

    Where the project has stand-ins, it makes do with what env.py has of them: a connection that is
    one is a recorded one of ours, and options that are one are not given.
    `watch` is None while recording: there is no database whose state could be wrong.
    `run_arguments`: what env.py gave to `run_migrations`, to be handed to upgrade().
    `before_run`: called when env.py has set up everything and is about to run the migrations.
    `is_throwaway`: as for `run_environment`.
    """

    def __init__(
        self,
        project: Project,
        work: Work,
        watch: ConnectionWatch | None,
        *,
        destination: str = "heads",
        dont_mutate: bool = False,
        before_run: Callable[[], None] = lambda: None,
        is_throwaway: bool = False,
    ) -> None:
        super().__init__(
            project.config,
            project.script,
            fn=self._work,
            as_sql=False,
            starting_rev=None,
            destination_rev=destination,
            tag=None,
            dont_mutate=dont_mutate,
        )
        self.run_arguments: dict[str, Any] = {}
        self._stand_ins = project.stand_ins
        self._connection: Connection | None = None
        self._configured: dict[str, Any] | None = None
        self._user_work = work
        self._watch = watch
        self._before_run = before_run
        self._is_throwaway = is_throwaway
        self._is_working = False
        self._has_worked = False
        self._failure: BaseException | None = None

    def run(self) -> None:
        """Run env.py; see `run_environment` for what is raised."""
        env_path = Path(self.script.env_py_location)
        try:
            with keeping_directory(), self, self._standing_in():
                self.script.run_env()
                if not self._has_worked:
                    self._make_up_for_it()
        except BaseException as error:
            if self._failure is not None and error is not self._failure:
                raise self._failure from None
            if self._failure is not None or isinstance(
                error, (KeyboardInterrupt, SafemigrateError)
            ):
                raise
            raise self._translate(error, env_path) from error
        if self._failure is not None:
            # env.py caught it; a run that reports success now would be a lie
            raise self._failure
        if not self._has_worked:
            raise EnvironmentSetupError(
                f'"{show_path(env_path)}" never ran the migrations',
                "in online mode it must call context.configure(connection=…) and then "
                "context.run_migrations()",
            )

    @contextlib.contextmanager
    def _standing_in(self) -> Iterator[None]:
        """Let env.py have what it does not find here."""
        if self._stand_ins is None:
            yield
            return
        uses = self._stand_ins.uses
        with standing_for_attributes(self.config, self._stand_ins.absent):
            uses.connect = self._connect
            try:
                yield
            finally:
                uses.connect = None
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None

    def _connect(self) -> Connection:
        """Return the connection that stands for what env.py has not got."""
        if self._connection is None or self._connection.closed:
            self._connection = create_engine("postgresql://").connect()
        return self._connection

    def _make_up_for_it(self) -> None:
        """Run the migrations with what env.py had configured, if what is missing kept it."""
        if self._stand_ins is None or self._configured is None or not self._stand_ins.lack:
            return
        self._stand_ins.remarks[_MADE_UP] = None
        self.configure(**{**self._configured, "connection": self._connect()})
        self.run_migrations()

    def configure(self, *args: Any, **kwargs: Any) -> None:
        """Configure as env.py asks, but for one transaction per revision."""
        bound = _CONFIGURE.bind(self, *args, **kwargs)
        if self._stand_ins is not None:
            self._drop_stand_ins(bound.arguments)
        bound.arguments["transaction_per_migration"] = True
        connection = bound.arguments.get("connection")
        self._check(connection)
        super().configure(*bound.args[1:], **bound.kwargs)
        if connection is None:
            name = self.get_context().dialect.name
            raise refuse_backend(name) if name != "postgresql" else _no_connection()

    def _drop_stand_ins(self, arguments: dict[str, Any]) -> None:
        if is_stand_in(arguments.get("connection")):
            arguments["connection"] = self._connect()
        for given in (arguments, arguments.get("kw", {})):
            for name in [name for name, value in given.items() if is_stand_in(value)]:
                del given[name]
        further = {name: one for name, one in arguments.items() if name not in {"self", "kw"}}
        self._configured = {**further, **arguments.get("kw", {})}

    def run_migrations(self, **kw: Any) -> None:
        """Run the migrations, remembering what came out of the work itself."""
        self.run_arguments = kw
        self._before_run()
        if self._stand_ins is not None:
            # what a revision sends over a connection of the application may go anywhere
            self._stand_ins.uses.connect = None
        try:
            super().run_migrations(**kw)
        except BaseException as error:
            if self._is_working:
                self._failure = error
            raise
        finally:
            self._is_working = False

    def _work(self, heads: tuple[str, ...], context: MigrationContext) -> Iterator[RevisionStep]:
        self._is_working = self._has_worked = True
        # what a recording does is to run the revisions, which begin where env.py has gone
        apart = at_start if self._watch is not None else contextlib.nullcontext
        with apart():
            steps = iter(self._user_work(heads, context))
            step = next(steps, None)
        while step is not None:
            yield step
            with apart():
                # Alembic has closed the revision's transaction by now
                settle(context)
                step = next(steps, None)

    def _check(self, connection: object) -> None:
        if not isinstance(connection, Connection):
            return
        if connection.dialect.name != "postgresql":
            raise refuse_backend(connection.dialect.name)
        if self._watch is None:
            return
        if getattr(connection.dialect, "is_recording", False):
            raise EnvironmentSetupError(
                "env.py uses an engine that was made while the migrations were being read",
                "make the engine in env.py, not when a module is imported",
            )
        if connection.in_transaction():
            raise EnvironmentSetupError(
                "env.py hands over a connection that is already in a transaction, so revisions "
                "cannot be committed one by one; Alembic itself would roll everything back at the "
                "end and exit 0, unless env.py commits",
                "use engine.connect(), not engine.begin(), and call connection.commit() after "
                "the last statement before context.configure()",
            )

    def _translate(self, error: BaseException, env_path: Path) -> SafemigrateError:
        if self._watch is not None:
            found = translate_connection_error(error, self._watch)
            if found is not None:
                return found
        if self._migration_context is None and isinstance(error, ImportError | ArgumentError):
            # a driver of another kind of database that is not installed
            backend = configured_backend(self.config) or asked_backend(error)
            if backend is not None:
                return refuse_backend(backend)
            if isinstance(error, NoSuchModuleError) and has_placeholder(self.config):
                return _no_url(self.config)
        origin = find_origin(error, env_path)
        place = show_path(env_path) if origin is None else str(origin)
        if find_sqlstate(error) == INSUFFICIENT_PRIVILEGE:
            return _no_right(error, place)
        message = f'"{place}" raised {describe(error)}'
        if isinstance(error, ImportError):
            return EnvironmentSetupError(message, _import_hint(self.config))
        return EnvironmentSetupError(message, f"{_HINT}{_ANY_URL if self._is_throwaway else ''}")


def settle(context: MigrationContext) -> None:
    """Commit what a revision has left open.

    After a `commit()` of its own, what it sends further, and its row in the version table, is in
    a transaction that Alembic knows nothing of: it would become part of the next revision's, and
    be rolled back after the last.
    """
    connection = context.connection
    if connection is None or connection.closed or context._in_external_transaction:  # noqa: SLF001 - Alembic's own test has no public name
        return
    if connection.in_transaction():
        connection.commit()


_MADE_UP = (
    "env.py does not come to the migrations, for what it asks first is not here; they were run "
    "with what it had configured"
)

_CONFIGURE = inspect.signature(EnvironmentContext.configure)

# `from alembic import context` is made of functions that Alembic keeps by class.
ModuleClsProxy._setups[ProjectEnvironment] = ModuleClsProxy._setups[EnvironmentContext]  # noqa: SLF001 - a subclass has no other way to stand behind alembic.context


_HINT = (
    "env.py must run here as it does under `alembic upgrade`; "
    "set what it takes from its surroundings"
)
_ANY_URL = (
    ": where that is the URL of a database, any of PostgreSQL will do here, such as "
    f"{DUMMY_URL}, for a throwaway server takes its place"
)


def _path_of(config: Config) -> Path:
    return Path(config.config_file_name or config.toml_file_name or "alembic.ini")


def _import_hint(config: Config) -> str:
    """Return what to do where env.py does not find a module."""
    path = _path_of(config).absolute()
    if list_relative_paths(config).roots and str(path.parent.resolve()) != find_start():
        return (
            "prepend_sys_path counts from where the command runs: begin it with %(here)s in "
            f'"{show_path(path)}", or run in that folder; what else env.py imports is to be '
            "installed where safemigrate runs"
        )
    return (
        "install what env.py imports where safemigrate runs, or add its folder to "
        "prepend_sys_path in the Alembic configuration"
    )


def _no_url(config: Config) -> EnvironmentSetupError:
    return EnvironmentSetupError(
        f'sqlalchemy.url in "{show_path(_path_of(config))}" is still the example that '
        "`alembic init` wrote",
        "set it to a URL such as postgresql://user@host:5432/database, or give one by --url or the "
        "variable SAFEMIGRATE_URL",
    )


def _no_right(error: BaseException, place: str) -> DatabaseError:
    cause = getattr(error, "orig", None) or error
    said = next(iter(str(cause).splitlines()), "").rpartition("> ")[2] or type(cause).__name__
    return DatabaseError(
        f'the role lacks a right that "{place}" needs: {said} (SQLSTATE 42501)',
        "Alembic makes its version table in the first schema of the search_path, or in "
        "version_table_schema: let that schema's owner say GRANT USAGE, CREATE ON SCHEMA … TO the "
        "role, or let env.py take a role that has these rights, by SET ROLE",
    )


def _no_connection() -> EnvironmentSetupError:
    return EnvironmentSetupError(
        "env.py configures the migrations without a connection",
        "in online mode call context.configure(connection=…)",
    )
