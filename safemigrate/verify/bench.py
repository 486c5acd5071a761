"""One database of a throwaway server, and migrations run on it through the project's env.py."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import Script
from psycopg import sql
from sqlalchemy.engine import Engine

from safemigrate.execute import check_context, find_visible_schema, refuse_second_run
from safemigrate.execute.failures import read_failure
from safemigrate.model import Direction, ObservedStatement
from safemigrate.server import Server
from safemigrate.source import Project, run_environment
from safemigrate.source.connecting import listening
from safemigrate.source.directory import keeping_directory
from safemigrate.source.excerpt import find_origin, show_path
from safemigrate.source.quarantine import quarantine
from safemigrate.trace import Connection, Tracer, observe_connection, open_connection
from safemigrate.verify.replaying import replaying_builds
from safemigrate.verify.snapshots import Snapshot, VersionTable, take_snapshot
from safemigrate.verify.surroundings import TimeLimitReached, keeping_time, limiting_time
from safemigrate.verify.watching import SchemaWatch

__all__ = ["Bench", "Move", "StepFault", "open_bench"]


@dataclass(frozen=True, slots=True)
class Move:
    """One revision to be run in one direction."""

    script: Script
    direction: Direction
    is_traced: bool = False


@dataclass(frozen=True, slots=True)
class StepFault:
    """Why a move was not made; `is_refusal`: the downgrade is missing or refuses on purpose.

    `error`: what the revision raised, None where it raised nothing.
    """

    move: Move
    reason: str
    is_refusal: bool = False
    error: BaseException | None = field(default=None, compare=False)


@dataclass(slots=True)
class Bench:
    """A database to run moves on.

    `connection`: a session of our own, in autocommit mode. `version_table` is known once env.py
    has run. `statements`: what the traced moves did. `durations_ms`: how long each move took;
    `sent`: the statements that each sent, as text. `watch`: what is known of the schema.
    `time_limit`: how long a move may take; None for as long as it likes. `is_replaying`: what only
    the runner takes to the server is done as the runner would; plain Alembic meets a refusal.
    """

    project: Project
    url: str
    connection: Connection
    version_table: VersionTable = field(default_factory=VersionTable)
    statements: list[ObservedStatement] = field(default_factory=list)
    durations_ms: list[float] = field(default_factory=list)
    sent: list[list[str]] = field(default_factory=list)
    watch: SchemaWatch = field(default_factory=SchemaWatch)
    time_limit: timedelta | None = None
    is_replaying: bool = True
    _stack: ExitStack = field(default_factory=ExitStack)
    _session: Connection | None = None

    @property
    def pids(self) -> list[int]:
        """The processes of the server that serve sessions of our own."""
        ours = (self.connection, self._session)
        return [one.info.backend_pid for one in ours if one is not None]

    def snapshot(self) -> Snapshot:
        """Return the schema as it is now, read as a whole."""
        return take_snapshot(self.connection, self.version_table)

    def look(self) -> Snapshot:
        """Return the schema as it is now, by what changed since the last look."""
        if self._session is None:
            self._session = self._stack.enter_context(open_connection(self.url))
        return self.watch.look(self._session, self.version_table)

    def run(
        self,
        moves: Iterable[Move],
        *,
        on_state: Callable[[Move | None], None] = lambda _: None,
    ) -> StepFault | None:
        """Make the moves in one run of env.py; return why it ended early, or None.

        `on_state` is called before the first move, with None, and after each one, committed.
        What env.py itself does wrong is raised, as `run_environment` says.
        """
        run = _Run(self, moves, on_state)
        try:
            with (
                quarantine(is_silent=True),
                replaying_builds() if self.is_replaying else nullcontext(),
                listening(Engine, "before_cursor_execute", run.note),
                keeping_time() if self.time_limit is not None else nullcontext(),
            ):
                run_environment(self.project, run.work, url=self.url, is_throwaway=True)
        except (Exception, SystemExit, TimeLimitReached) as error:
            if run.current is None:
                raise
            # what comes out at the end is that there is no session to roll back on
            return _read_fault(run.current, run.timeout or error)
        return run.fault


class _Run:
    """The work of one run of env.py; `current` is the move being made."""

    def __init__(
        self, bench: Bench, moves: Iterable[Move], on_state: Callable[[Move | None], None]
    ) -> None:
        self.current: Move | None = None
        self.fault: StepFault | None = None
        self.timeout: TimeLimitReached | None = None
        self._bench = bench
        self._moves = moves
        self._on_state = on_state
        self._has_run = False
        self._is_inside = False

    def note(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        """Take down what the revision sends."""
        if self._is_inside:
            self._bench.sent[-1].append(statement)

    def work(self, heads: tuple[str, ...], context: MigrationContext) -> Iterator[RevisionStep]:
        """Yield the steps; Alembic commits one before it asks for the next."""
        del heads
        if self._has_run:
            raise refuse_second_run()
        self._has_run = True
        connection = check_context(context)
        # our own session does not have env.py's search_path
        schema = context.version_table_schema or find_visible_schema(
            connection, context.version_table
        )
        connection.commit()
        self._bench.version_table = VersionTable(context.version_table, schema)
        self._on_state(None)
        for move in self._moves:
            if not hasattr(move.script.module, move.direction.value):
                self.fault = _missing(move)
                return
            self.current = move
            yield self._step(move, context)
            if not self._is_stamped(move):
                self.fault = StepFault(
                    move,
                    f"{show_path(move.script.path)}: the {move.direction.value} ended without an "
                    "error, and the version table does not have it",
                )
            self.current = None
            if self.fault is not None:
                return
            self._on_state(move)

    def _step(self, move: Move, context: MigrationContext) -> RevisionStep:
        """Return Alembic's step, its function timed and observed."""
        step = RevisionStep(
            self._bench.project.script.revision_map,
            move.script,
            move.direction is Direction.UPGRADE,
        )
        function = step.migration_fn

        def observed(**arguments: Any) -> None:
            # what SQLAlchemy knows to have made, such as an enum, it makes but once in a command;
            # each move is one of its own
            context.impl.memo.clear()
            self._bench.sent.append([])
            with (
                keeping_directory(),
                _timed(self._bench.durations_ms),
                _limited(self._bench),
                _traced(self._bench, move, context),
            ):
                self._is_inside = True
                try:
                    function(**arguments)
                finally:
                    self._is_inside = False

        def limited(**arguments: Any) -> None:
            try:
                observed(**arguments)
            except TimeLimitReached as error:
                # without what came before it: that a session was ended is not why it ended
                self.timeout = TimeLimitReached(*error.args).with_traceback(error.__traceback__)
                raise

        step.migration_fn = limited
        return step

    def _is_stamped(self, move: Move) -> bool:
        rows = self._bench.connection.execute(
            _find_stamp(self._bench.version_table), (move.script.revision,), prepare=True
        )
        return (rows.fetchone() is not None) is (move.direction is Direction.UPGRADE)


@cache
def _find_stamp(table: VersionTable) -> bytes:
    query = sql.SQL("SELECT 1 FROM {} WHERE version_num = %s").format(table.identifier())
    return query.as_bytes()


@contextmanager
def _timed(durations_ms: list[float]) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        durations_ms.append((time.perf_counter() - started) * 1000)


@contextmanager
def _limited(bench: Bench) -> Iterator[None]:
    if bench.time_limit is None:
        yield
        return
    with limiting_time(bench.url, bench.time_limit, bench.pids):
        yield


@contextmanager
def _traced(bench: Bench, move: Move, context: MigrationContext) -> Iterator[None]:
    if not move.is_traced or context.connection is None:
        yield
        return
    tracer = Tracer(bench.connection)
    tracer.begin(move.script.revision, move.direction)
    path = Path(move.script.path)
    try:
        with observe_connection(tracer, context.connection, path=path, shown=show_path(path)):
            yield
    finally:
        bench.statements.extend(tracer.end())


def _missing(move: Move) -> StepFault:
    return StepFault(
        move,
        f"{show_path(move.script.path)}: there is no function {move.direction.value}",
        is_refusal=move.direction is Direction.DOWNGRADE,
    )


def _read_fault(move: Move, error: BaseException) -> StepFault:
    if isinstance(error, TimeLimitReached):
        place = find_origin(error, move.script.path) or show_path(move.script.path)
        return StepFault(move, f"{place}: {error}", error=error)
    is_refusal = move.direction is Direction.DOWNGRADE and isinstance(error, NotImplementedError)
    return StepFault(move, str(read_failure(error, str(move.script.path))), is_refusal, error)


@contextmanager
def open_bench(
    project: Project,
    server: Server,
    database: str,
    watch: SchemaWatch | None = None,
    *,
    time_limit: timedelta | None = None,
    is_replaying: bool = True,
) -> Iterator[Bench]:
    """Yield a bench on `database`; nothing of ours is connected to it afterwards.

    `watch`: what is known of its schema already. `time_limit`, `is_replaying`: see `Bench`.
    """
    url = server.url(database)
    with ExitStack() as stack:
        connection = stack.enter_context(open_connection(url))
        yield Bench(
            project,
            url,
            connection,
            watch=watch or SchemaWatch(),
            time_limit=time_limit,
            is_replaying=is_replaying,
            _stack=stack,
        )
