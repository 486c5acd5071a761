"""One database of a throwaway server, and migrations run on it through the project's env.py."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import Script
from psycopg import sql

from safemigrate.execute import check_context, find_visible_schema, refuse_second_run
from safemigrate.execute.failures import read_failure
from safemigrate.model import Direction, ObservedStatement
from safemigrate.server import Server
from safemigrate.source import Project, run_environment
from safemigrate.source.excerpt import show_path
from safemigrate.source.quarantine import quarantine
from safemigrate.trace import Connection, Tracer, observe_connection, open_connection
from safemigrate.verify.replaying import replaying_builds
from safemigrate.verify.snapshots import Snapshot, VersionTable, take_snapshot

__all__ = ["Bench", "Move", "StepFault", "open_bench"]


@dataclass(frozen=True, slots=True)
class Move:
    """One revision to be run in one direction."""

    script: Script
    direction: Direction
    is_traced: bool = False


@dataclass(frozen=True, slots=True)
class StepFault:
    """Why a move was not made; `is_refusal`: the downgrade is missing or refuses on purpose."""

    move: Move
    reason: str
    is_refusal: bool = False


@dataclass(slots=True)
class Bench:
    """A database to run moves on.

    `connection`: a session of our own, in autocommit mode. `version_table` is known once env.py
    has run. `statements`: what the traced moves did. `durations_ms`: how long each move took.
    """

    project: Project
    url: str
    connection: Connection
    version_table: VersionTable = field(default_factory=VersionTable)
    statements: list[ObservedStatement] = field(default_factory=list)
    durations_ms: list[float] = field(default_factory=list)

    def snapshot(self) -> Snapshot:
        """Return the schema as it is now."""
        return take_snapshot(self.connection, self.version_table)

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
            with quarantine(is_silent=True), replaying_builds():
                run_environment(self.project, run.work, url=self.url)
        except (Exception, SystemExit) as error:
            if run.current is None:
                raise
            return _read_fault(run.current, error)
        return run.fault


class _Run:
    """The work of one run of env.py; `current` is the move being made."""

    def __init__(
        self, bench: Bench, moves: Iterable[Move], on_state: Callable[[Move | None], None]
    ) -> None:
        self.current: Move | None = None
        self.fault: StepFault | None = None
        self._bench = bench
        self._moves = moves
        self._on_state = on_state
        self._has_run = False

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
            with _timed(self._bench.durations_ms), _traced(self._bench, move, context):
                function(**arguments)

        step.migration_fn = observed
        return step

    def _is_stamped(self, move: Move) -> bool:
        query = sql.SQL("SELECT 1 FROM {} WHERE version_num = %s")
        table = self._bench.version_table.identifier()
        rows = self._bench.connection.execute(query.format(table), (move.script.revision,))
        return (rows.fetchone() is not None) is (move.direction is Direction.UPGRADE)


@contextmanager
def _timed(durations_ms: list[float]) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        durations_ms.append((time.perf_counter() - started) * 1000)


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
    is_refusal = move.direction is Direction.DOWNGRADE and isinstance(error, NotImplementedError)
    return StepFault(move, str(read_failure(error, str(move.script.path))), is_refusal)


@contextmanager
def open_bench(project: Project, server: Server, database: str) -> Iterator[Bench]:
    """Yield a bench on `database`; nothing of ours is connected to it afterwards."""
    url = server.url(database)
    with open_connection(url) as connection:
        yield Bench(project, url, connection)
