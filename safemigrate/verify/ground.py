"""The database that a walk goes through a history in, and the way back to a state it was in."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from alembic.script import Script

from safemigrate.model import Direction
from safemigrate.server import Server
from safemigrate.source import Project
from safemigrate.verify.bench import Bench, Move, StepFault, open_bench
from safemigrate.verify.selection import list_parents
from safemigrate.verify.snapshots import Snapshot, VersionTable
from safemigrate.verify.watching import SchemaWatch

__all__ = ["Ground"]

# To replay so many revisions takes as long as to copy a database.
_LONG_WAY = 16


@dataclass(slots=True)
class Ground:
    """A database, what is applied in it, and what cannot be.

    `applied`: the revisions, in order. `failed`: revision → why it is not applied, for those that
    were tried, or follow one that was. `checkpoint`: a database at the state after the first
    `kept` of them, to be copied and never used; None for an empty one. `given`: how many of them
    were there from the start, so that there is no way back behind them.
    `is_incremental`: whether looks at the schema read only what changed. `time_limit`: how long a
    revision may run in one direction. `is_replaying`: see `Bench`.
    """

    project: Project
    server: Server
    is_incremental: bool = True
    time_limit: timedelta | None = None
    is_replaying: bool = True
    database: str | None = None
    checkpoint: str | None = None
    applied: list[Script] = field(default_factory=list)
    kept: int = 0
    given: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    _watch: SchemaWatch | None = None
    _version_table: VersionTable = field(default_factory=VersionTable)
    _lent: frozenset[str] = frozenset()

    def begin_at(self, template: str, applied: Sequence[Script]) -> None:
        """Begin at the state of somebody else's database, which is copied."""
        self.checkpoint, self._lent = template, frozenset({template})
        self.applied, self.kept = list(applied), len(applied)

    @contextmanager
    def open(self) -> Iterator[Bench]:
        """Yield a bench on the database, which is made where there is none."""
        if self.database is None:
            with _undisturbed():
                self.database = self.server.create_database(self.checkpoint)
        if self._watch is None:
            self._watch = SchemaWatch(self.is_incremental)
        with open_bench(
            self.project,
            self.server,
            self.database,
            self._watch,
            time_limit=self.time_limit,
            is_replaying=self.is_replaying,
        ) as bench:
            bench.version_table = self._version_table
            yield bench
            self._version_table = bench.version_table

    def look(self) -> Snapshot:
        """Return the schema as it is, read as a whole."""
        with self.open() as bench:
            # env.py says where the version table is
            bench.run(())
            return bench.snapshot()

    def settle(self) -> str:
        """Return the name of the database, which is made where there is none; no session is on it.

        It is to be copied and never used.
        """
        with self.open():
            # where there was no database yet
            pass
        if self.database is None:
            raise AssertionError
        return self.database

    def keep(self) -> str:
        """Make the checkpoint a copy of the database as it is, and return its name."""
        database = self.settle()
        with _undisturbed():
            old, self.checkpoint = self.checkpoint, self.server.create_database(database)
        self.kept = len(self.applied)
        self._drop(old)
        return self.checkpoint

    def renew(self) -> StepFault | None:
        """Go back to the checkpoint, and apply again what is applied; a fault is of the first try.

        A revision that cannot be applied a second time is not applied then, nor what follows it.
        """
        first: StepFault | None = None
        while True:
            self._drop_database()
            again = self.applied[self.kept :]
            if not again:
                return first
            with self.open() as bench:
                fault = bench.run(Move(script, Direction.UPGRADE) for script in again)
            if fault is None:
                if len(again) >= _LONG_WAY:
                    self.keep()
                return first
            first = first or fault
            script = fault.move.script
            self.fail(script, f"{script.revision} cannot be applied a second time: {fault.reason}")

    def fail(self, script: Script, reason: str) -> None:
        """Take down why a revision is not applied, nor what follows it."""
        self.failed[script.revision] = reason
        for one in list(self.applied):
            blocker = self.find_blocker(one)
            if one is script or blocker is not None:
                self.applied.remove(one)
                self.failed.setdefault(one.revision, blocker or "")

    def find_blocker(self, script: Script) -> str | None:
        """Return why the revision cannot be applied, None when it can."""
        return next(
            (self.failed[parent] for parent in list_parents(script) if parent in self.failed), None
        )

    def drop(self) -> None:
        """Drop what there is."""
        with _undisturbed():
            self._drop_database()
            checkpoint, self.checkpoint = self.checkpoint, None
            self._drop(checkpoint)

    def _drop_database(self) -> None:
        database, self.database = self.database, None
        self._watch = None
        self._drop(database)

    def _drop(self, database: str | None) -> None:
        if database is not None and database not in self._lent:
            self.server.drop_database(database)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let an interrupt wait: a database that nobody knows of yet, or any more, would stay."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
