"""What an experiment is given: a revision, and databases at the state before it and after it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto

from alembic.script import Script

from safemigrate.config import Deployer, VerifyChoices
from safemigrate.model import (
    Check,
    Direction,
    ObservedStatement,
    Passage,
    Property,
    QualifiedName,
    Standing,
)
from safemigrate.server import Server
from safemigrate.source import Project
from safemigrate.source.excerpt import show_path
from safemigrate.verify.bench import Bench, open_bench
from safemigrate.verify.foreknowledge import Foreknowledge
from safemigrate.verify.snapshots import Snapshot
from safemigrate.verify.witness import Witness

__all__ = ["Experiment", "HistoryExperiment", "Stage", "State", "Whole"]


class State(Enum):
    """Where a database stands when an experiment gets it."""

    BEFORE = auto()
    AFTER = auto()


def _open_bench(
    project: Project, server: Server, choices: VerifyChoices, name: str
) -> AbstractContextManager[Bench]:
    """Return a bench on a database, where a revision runs as it does in production."""
    return open_bench(
        project,
        server,
        name,
        time_limit=choices.time_limit,
        is_replaying=choices.deployed_by is Deployer.SAFEMIGRATE,
    )


@dataclass(frozen=True, slots=True)
class Stage:
    """One revision whose upgrade has been seen to apply on an empty database.

    `templates`: a database at each state, with no session on it, to be copied and never used.
    `before`, `after`: their schemas. `statements`: what the server was seen to do, in the upgrade
    and then in the downgrade; empty where nobody asked. `foreknowledge`: what `explain` says.
    `witness`: a second process to run the upgrade in, under what surrounds it in this one.
    `has_downgrade`: the downgrade ran, and led back.
    """

    project: Project
    server: Server
    choices: VerifyChoices
    script: Script
    templates: Mapping[State, str]
    before: Snapshot
    after: Snapshot
    foreknowledge: Foreknowledge
    witness: Witness
    statements: tuple[ObservedStatement, ...] = ()
    has_downgrade: bool = True

    @property
    def revision(self) -> str:
        """The revision's id."""
        return self.script.revision

    @property
    def path(self) -> str:
        """The revision's file, as the user knows it."""
        return show_path(self.script.path)

    @contextmanager
    def database(self, state: State) -> Iterator[Bench]:
        """Yield a bench on a fresh database at that state, which is dropped afterwards."""
        name = self.server.copy_database(self.templates[state])
        try:
            with _open_bench(self.project, self.server, self.choices, name) as bench:
                yield bench
        finally:
            self.server.drop_database(name)

    def foreseen(self, direction: Direction) -> Passage | None:
        """Return what `explain` says of the revision, None where it cannot be recorded."""
        return self.foreknowledge.passage(self.revision, direction)

    @property
    def touched(self) -> frozenset[QualifiedName]:
        """The tables, there before the revision, that it was seen or is foreseen to lock."""
        names = {lock.relation for one in self.statements for lock in one.locks}
        for direction in Direction:
            passage = self.foreseen(direction)
            if passage is not None:
                names.update(passage_relations(passage))
        return frozenset(name for name in names if self.before.has_table(name))

    def holds(self, proved: Property, reason: str = "", details: Iterable[str] = ()) -> Check:
        """Return the check of a property that holds."""
        return Check(proved, Standing.HOLDS, reason, tuple(details))

    def broken(
        self,
        proved: Property,
        reason: str,
        details: Iterable[str] = (),
        *,
        advice: str = "",
        line: int = 1,
    ) -> Check:
        """Return the check of a property that the revision breaks; `line`: of its file."""
        return Check(
            proved, Standing.BROKEN, reason, tuple(details), advice, path=self.path, line=line
        )

    def unknown(self, proved: Property, reason: str, *, advice: str = "") -> Check:
        """Return the check of a property that could not be proved, and should have been."""
        return Check(proved, Standing.UNKNOWN, reason, help=advice, path=self.path)

    def unasked(self, proved: Property, reason: str, *, advice: str = "") -> Check:
        """Return the check of a property that needs what the project did not give."""
        return Check(proved, Standing.UNASKED, reason, help=advice)


def passage_relations(passage: Passage) -> Iterator[QualifiedName]:
    """Yield the relations that the statements of a passage lock."""
    for judged in passage.statements:
        for lock in judged.facts.locks:
            yield lock.relation


@dataclass(frozen=True, slots=True)
class Whole:
    """The history as a whole, for what is a property of all of it.

    `head`: a database with every revision applied, to be copied and never used; None where not all
    could be. `base`, `schema`: the schemas before the first and after the last revision.
    """

    project: Project
    server: Server
    choices: VerifyChoices
    foreknowledge: Foreknowledge
    head: str | None = None
    base: Snapshot | None = None
    schema: Snapshot | None = None

    @contextmanager
    def database(self) -> Iterator[Bench]:
        """Yield a bench on a fresh database at head, which is dropped afterwards."""
        name = self.server.copy_database(self.head or "")
        try:
            with _open_bench(self.project, self.server, self.choices, name) as bench:
                yield bench
        finally:
            self.server.drop_database(name)


@dataclass(frozen=True, slots=True)
class Experiment:
    """Something tried with a revision on databases of its own, that proves properties of it.

    `prove` yields one check for each of `proves`, in any order. What it raises of our own errors,
    and of the driver's, leaves the rest of them unknown.
    """

    proves: tuple[Property, ...]
    prove: Callable[[Stage], Iterable[Check]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class HistoryExperiment:
    """Something tried with the whole history; see `Experiment`."""

    proves: tuple[Property, ...]
    prove: Callable[[Whole], Iterable[Check]] = field(repr=False)
