"""What is done already of the revisions that are about to run."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from sqlalchemy.engine import Connection

from safemigrate.execute.blockers import shorten_query
from safemigrate.execute.events import PlannedRevision, RunWarned
from safemigrate.execute.outcome import describe_leftover, describe_progress
from safemigrate.execute.surroundings import Surroundings
from safemigrate.journal import (
    Run,
    StatementRow,
    read_partial_runs,
    read_progress_of,
    read_since,
    read_unfinished,
    retire,
)
from safemigrate.model import Direction
from safemigrate.source import Project

__all__ = ["ProgressReader", "digest_file"]


class ProgressReader:
    """Reads the journal for an execution, as seldom as it may."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._plan = surroundings.plan
        self._report = surroundings.report
        self._since: Mapping[str, int] = {}
        self._rows: Mapping[str, tuple[StatementRow, ...]] = {}
        self._leftovers: dict[str, tuple[str, ...]] = {}
        self._fresh = {step.revision.revision for step in self._plan.steps}

    def look(self, connection: Connection) -> None:
        """Look at the whole plan, in a transaction of its own, and tell what is half done."""
        revisions = [step.revision.revision for step in self._plan.steps]
        with connection.begin():
            self._retire_settled(connection)
            partial_runs = read_partial_runs(connection)
            self._since = read_since(connection, revisions)
            self._rows = read_progress_of(connection, revisions, self._plan.direction)
        for run in partial_runs:
            if run.revision in revisions and run.direction is self._plan.direction:
                self._leftovers[run.revision] = run.committed
                if run.revision not in self._rows:
                    self._report(RunWarned(describe_leftover(run.revision, run.committed)))
        # the first may be on its way still, and is looked at again
        self._fresh = set(revisions[1:]) - self._rows.keys()

    def _retire_settled(self, connection: Connection) -> None:
        """Let not count what is done of revisions that somebody else has finished.

        They are where they were to be brought, by `alembic stamp` for example, and when they are
        to be run again that is from the beginning.
        """
        unfinished = read_unfinished(connection)
        if not unfinished:
            return
        applied = _list_applied(self._plan.project, self._plan.heads)
        for revision, direction in unfinished:
            if (revision in applied) is (direction is Direction.UPGRADE):
                retire(connection, revision, direction)

    def read(
        self, connection: Connection, revision: PlannedRevision, path: str
    ) -> tuple[Run, Sequence[StatementRow]]:
        """Return what is done of the revision that begins, in the transaction it begins in."""
        name, direction = revision.revision, self._plan.direction
        if name in self._fresh:
            # nobody else has come near it; what an attempt of this run commits counts from then on
            self._fresh.discard(name)
            rows: Sequence[StatementRow] = ()
        else:
            rows = read_progress_of(connection, [name], direction).get(name, ())
        if rows:
            lines = (shorten_query(row.sql.strip()) for row in rows)
            self._leftovers[name] = tuple(dict.fromkeys(lines))
            last = rows[-1]
            self._report(RunWarned(describe_progress(name, last.ordinal, last.sql)))
        run = Run(name, direction, self._since.get(name, 0), digest_file(path))
        return run, rows

    def leftover(self, revision: str) -> tuple[str, ...]:
        """Return the first lines of what earlier attempts have committed of it."""
        return self._leftovers.get(revision, ())


def digest_file(path: str) -> str:
    """Return the digest of a revision's file, "" where it cannot be read."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:32]
    except OSError:
        # a project need not have its sources
        return ""


def _list_applied(project: Project, heads: Collection[str]) -> frozenset[str]:
    """Return the heads and everything that ran before them."""
    applied = set(heads)
    for script in reversed(project.revisions()):
        if script.revision in applied:
            applied.update(script._all_down_revisions)  # noqa: SLF001 - Alembic's own union of what it follows and what it depends on, resolved
    return frozenset(applied)
