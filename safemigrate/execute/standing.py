"""Where a database stands: what it has, what is pending, and what was left half done."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from safemigrate.errors import UnreachableError
from safemigrate.execute.blockers import shorten_query
from safemigrate.execute.control import ControlLostError, act_as
from safemigrate.execute.deploylock import LockHolder, find_runner
from safemigrate.execute.events import PlannedRevision
from safemigrate.execute.lease import Lease, read_newest_lease
from safemigrate.execute.settings import RunSettings
from safemigrate.execute.site import Site, explain_unreadable, open_site
from safemigrate.execute.steps import describe_step, find_steps, is_known, split_unknown
from safemigrate.journal import (
    Entry,
    PartialRun,
    Resumed,
    StatementRow,
    StatementState,
    read_entries,
    read_last_entry,
    read_partial_runs,
    read_progress,
    read_resumed,
)
from safemigrate.model import Direction
from safemigrate.source import Project

__all__ = [
    "HistoryLine",
    "InvalidIndex",
    "PartialRevision",
    "Standing",
    "UnvalidatedConstraint",
    "read_history",
    "read_standing",
]


Result = TypeVar("Result")

_LOCK_TIMEOUT = RunSettings().lock_timeout

# https://www.postgresql.org/docs/current/catalog-pg-index.html
_INVALID_INDEXES = text(
    """
    SELECT i.indexrelid::regclass::text AS index, i.indrelid::regclass::text AS table,
        EXISTS (
            SELECT FROM pg_stat_progress_create_index AS p WHERE p.index_relid = i.indexrelid
        ) AS is_being_built
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE NOT i.indisvalid AND n.nspname !~ '^pg_(toast|temp)'
    ORDER BY 2, 1
    """
)

# https://www.postgresql.org/docs/current/catalog-pg-constraint.html
# A constraint that is NOT ENFORCED, from version 18 on, is never validated, and is meant so.
_UNVALIDATED_CONSTRAINTS = text(
    """
    SELECT conname AS constraint, conrelid::regclass::text AS table
    FROM pg_constraint AS c
    WHERE NOT convalidated AND conrelid <> 0
        AND coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true)
    ORDER BY 2, 1
    """
)

_IS_HISTORY_HIDDEN = text(
    """
    SELECT EXISTS (
        SELECT FROM pg_namespace AS n WHERE n.nspname = 'safemigrate' AND (
            NOT has_schema_privilege(n.oid, 'USAGE') OR EXISTS (
                SELECT FROM pg_class AS c WHERE c.relnamespace = n.oid AND c.relkind = 'r'
                    AND c.relname IN ('history', 'layout', 'resolution', 'statement')
                    AND NOT has_table_privilege(c.oid, 'SELECT')
            )
        )
    )
    """
)


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """An entry of the history, and the message of its revision where a file here has it.

    `resumed`: what earlier runs had done of it, None where this one began it.
    """

    entry: Entry
    message: str
    resumed: Resumed | None = None


@dataclass(frozen=True, slots=True)
class InvalidIndex:
    """An index that no query uses; the names are as they are written in SQL.

    `is_being_built`: a session builds it at this moment.
    """

    index: str
    table: str
    is_being_built: bool


@dataclass(frozen=True, slots=True)
class UnvalidatedConstraint:
    """A constraint that holds for new rows alone; `table` is as it is written in SQL."""

    constraint: str
    table: str


@dataclass(frozen=True, slots=True)
class PartialRevision:
    """A revision that a run has left half done, in that direction.

    `committed`: the first lines of the statements that stay. `statements`: the same by the journal,
    in order, with the one that is in doubt; none where a version before the journal has left it.
    """

    revision: PlannedRevision
    direction: Direction
    committed: tuple[str, ...]
    statements: tuple[StatementRow, ...] = ()

    @property
    def resumes_after(self) -> int | None:
        """The statement behind which it goes on, None where it would begin anew."""
        return self.statements[-1].ordinal if self.statements else None

    @property
    def in_doubt(self) -> tuple[StatementRow, ...]:
        """The statements that were begun, and are done or not."""
        return tuple(one for one in self.statements if one.state is StatementState.BEGUN)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a database stands.

    `current`: the revisions of the version table. `heads`: those of the files. `pending`: in the
    order they will run. `unknown`: current ones that no file here has; nothing is pending then.
    `partial`: what failed runs have committed of revisions that are not where they should have
    brought them yet. `runner`: who holds the deploy lock. `last`: the newest entry of the history.
    `cut_off`: what a runner said of itself that is gone without having come to its end.
    `is_history_hidden`: the role may not read the history, so that the two say nothing.
    """

    database: str
    current: tuple[PlannedRevision, ...]
    heads: tuple[PlannedRevision, ...]
    pending: tuple[PlannedRevision, ...]
    unknown: tuple[str, ...]
    partial: tuple[PartialRevision, ...]
    runner: LockHolder | None
    last: HistoryLine | None
    invalid_indexes: tuple[InvalidIndex, ...]
    unvalidated_constraints: tuple[UnvalidatedConstraint, ...]
    is_history_hidden: bool = False
    cut_off: Lease | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """What one look at the database gave."""

    current: tuple[str, ...]
    runner: LockHolder | None
    last: Entry | None
    partial: tuple[PartialRun, ...]
    progress: tuple[tuple[StatementRow, ...], ...]
    invalid_indexes: tuple[InvalidIndex, ...]
    unvalidated_constraints: tuple[UnvalidatedConstraint, ...]
    is_history_hidden: bool
    resumed: Mapping[int, Resumed]
    lease: Lease | None


def read_standing(project: Project, *, url: str | None = None) -> Standing:
    """Return where the database stands that env.py leads to; writes nothing to it."""
    with open_site(project, lock_timeout=_LOCK_TIMEOUT, url=url) as site:
        found = _ask(site, lambda connection: _look(connection, site))
        database = site.database
    script = project.script
    known, unknown = split_unknown(script, found.current)
    pending = () if unknown else _find_pending(project, known)
    return Standing(
        database=database,
        current=tuple(_name(project, revision) for revision in found.current),
        heads=tuple(_name(project, revision) for revision in sorted(script.get_heads())),
        pending=pending,
        unknown=unknown,
        partial=tuple(
            one
            for one in _list_partial(project, found)
            if unknown or not _is_over(project, one, pending)
        ),
        runner=found.runner,
        last=None if found.last is None else _line(project, found.last, found.resumed),
        invalid_indexes=found.invalid_indexes,
        unvalidated_constraints=found.unvalidated_constraints,
        is_history_hidden=found.is_history_hidden,
        cut_off=found.lease if found.runner is None else None,
    )


def read_history(project: Project, *, url: str | None = None) -> tuple[HistoryLine, ...]:
    """Return the history of the database that env.py leads to, newest last; writes nothing."""
    with open_site(project, lock_timeout=_LOCK_TIMEOUT, url=url) as site:
        entries, resumed = _ask(site, lambda connection: _read_entries(connection, site))
    return tuple(_line(project, entry, resumed) for entry in entries)


def _line(project: Project, entry: Entry, resumed: Mapping[int, Resumed]) -> HistoryLine:
    return HistoryLine(entry, _name(project, entry.revision).message, resumed.get(entry.number))


def _ask(site: Site, question: Callable[[Connection], Result]) -> Result:
    """Return the answer, of a session that can write nothing."""

    def ask(connection: Connection) -> Result:
        connection.execute(text("SET default_transaction_read_only = on"))
        return question(connection)

    try:
        return site.control.run(ask)
    except ControlLostError as err:
        raise UnreachableError("the connection to the database was lost", "try again") from err
    except DBAPIError as err:
        raise explain_unreadable(err) from err


def _read_entries(
    connection: Connection, site: Site
) -> tuple[tuple[Entry, ...], Mapping[int, Resumed]]:
    with act_as(connection, site.role):
        return read_entries(connection), read_resumed(connection)


def _look(connection: Connection, site: Site) -> _Found:
    with act_as(connection, site.role):
        current = site.version_table.read(connection)
        is_hidden = bool(connection.execute(_IS_HISTORY_HIDDEN).scalar_one())
        last = None if is_hidden else read_last_entry(connection)
        partial_runs = () if is_hidden else read_partial_runs(connection)
        progress = () if is_hidden else tuple(read_progress(connection).values())
        resumed = {} if is_hidden else read_resumed(connection)
        lease = None if is_hidden else read_newest_lease(connection)
    # what other sessions do is seen best by the login role
    indexes = connection.execute(_INVALID_INDEXES).mappings()
    constraints = connection.execute(_UNVALIDATED_CONSTRAINTS).mappings()
    return _Found(
        current=current,
        runner=find_runner(connection, site.role),
        last=last,
        partial=partial_runs,
        progress=progress,
        invalid_indexes=tuple(
            InvalidIndex(row["index"], row["table"], row["is_being_built"]) for row in indexes
        ),
        unvalidated_constraints=tuple(
            UnvalidatedConstraint(row["constraint"], row["table"]) for row in constraints
        ),
        is_history_hidden=is_hidden,
        resumed=resumed,
        lease=lease,
    )


def _find_pending(project: Project, current: tuple[str, ...]) -> tuple[PlannedRevision, ...]:
    steps = find_steps(project, Direction.UPGRADE, "heads", current)
    return tuple(map(describe_step, steps))


def _list_partial(project: Project, found: _Found) -> Iterator[PartialRevision]:
    """Yield what the journal says, and what only the history does."""
    known: set[tuple[str, Direction]] = set()
    for statements in found.progress:
        revision, direction = statements[0].revision, statements[0].direction
        known.add((revision, direction))
        lines = (shorten_query(one.sql.strip()) for one in statements)
        committed = tuple(dict.fromkeys(lines))
        yield PartialRevision(_name(project, revision), direction, committed, statements)
    for run in found.partial:
        if (run.revision, run.direction) not in known:
            yield PartialRevision(_name(project, run.revision), run.direction, run.committed)


def _is_over(
    project: Project, partial: PartialRevision, pending: tuple[PlannedRevision, ...]
) -> bool:
    """Return whether the version table has moved since, as it does by `alembic stamp`."""
    revision = partial.revision.revision
    if not is_known(project.script, revision):
        return False
    is_pending = any(one.revision == revision for one in pending)
    return is_pending is (partial.direction is Direction.DOWNGRADE)


def _name(project: Project, revision: str) -> PlannedRevision:
    """Return the revision with its message, "" where no file here has it."""
    if not is_known(project.script, revision):
        return PlannedRevision(revision, "")
    return PlannedRevision(revision, project.script.get_revision(revision).doc or "")
