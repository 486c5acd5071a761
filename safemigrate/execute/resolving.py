"""What somebody decides about a revision that is half done, written into its database."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from safemigrate.errors import DatabaseError, LockTimeoutError, UnreachableError, UsageError
from safemigrate.execute.control import ControlLostError
from safemigrate.execute.deploylock import try_deploy_lock
from safemigrate.execute.failures import server_message
from safemigrate.execute.settings import RunSettings
from safemigrate.execute.site import open_site
from safemigrate.execute.steps import is_known
from safemigrate.journal import (
    Decision,
    Resolution,
    StatementRow,
    StatementState,
    prepare_journal,
    read_partial_runs,
    read_progress,
    resolve,
)
from safemigrate.source import Project

__all__ = ["Verdict", "resolve_revision"]

_LOCK_TIMEOUT = RunSettings().lock_timeout


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided, and why; `ordinal` is None for the whole revision, which is forgotten."""

    revision: str
    ordinal: int | None
    decision: Decision
    reason: str


def resolve_revision(project: Project, verdict: Verdict, *, url: str | None = None) -> Resolution:
    """Write the verdict into the database that env.py leads to, and return what was written.

    Nobody may be migrating it meanwhile: LockTimeoutError. UsageError when nothing of the revision
    is half done, or the statement is not in doubt.
    """
    with open_site(project, lock_timeout=_LOCK_TIMEOUT, url=url) as site:
        try:
            if not site.control.run(lambda one: try_deploy_lock(one, site.role)):
                raise LockTimeoutError(
                    "a run is at work on this database",
                    "wait for its end; `safemigrate status` says whose it is",
                )
            is_known_here = is_known(project.script, verdict.revision)
            return site.act(
                lambda connection: _resolve(connection, verdict, is_known=is_known_here)
            )
        except ControlLostError as err:
            raise UnreachableError("the connection to the database was lost", "try again") from err
        except DBAPIError as err:
            raise DatabaseError(
                f"the decision cannot be written: {server_message(err)}",
                "it takes the role that the migrations run as",
            ) from err


def _resolve(connection: Connection, verdict: Verdict, *, is_known: bool) -> Resolution:
    rows = _find_rows(connection, verdict.revision)
    if rows:
        direction = rows[0].direction
    else:
        # a version before the journal of statements has left what it has
        left = [one for one in read_partial_runs(connection) if one.revision == verdict.revision]
        if not left and not is_known:
            raise UsageError(
                f'no file here has the revision "{verdict.revision}", and nothing of it is half '
                "done in the database",
                "give its whole id; `safemigrate status` says what is half done",
            )
        if not left:
            raise UsageError(
                f'nothing of revision "{verdict.revision}" is half done here',
                "`safemigrate status` says what is",
            )
        direction = left[0].direction
    statement = None if verdict.ordinal is None else _pick(rows, verdict)
    resolution = Resolution(
        verdict.revision, direction, statement, verdict.decision, verdict.reason
    )
    # a version before may have made it; what was asked so far has begun a transaction
    connection.rollback()
    prepare_journal(connection)
    resolve(connection, resolution)
    return resolution


def _find_rows(connection: Connection, revision: str) -> tuple[StatementRow, ...]:
    """Return what was done last of the revision, in the direction it was last run."""
    found = [rows for key, rows in read_progress(connection).items() if key[0] == revision]
    return max(found, key=lambda rows: rows[-1].number, default=())


def _pick(rows: Sequence[StatementRow], verdict: Verdict) -> StatementRow:
    in_doubt = [row for row in rows if row.state is StatementState.BEGUN]
    for row in in_doubt:
        if row.ordinal == verdict.ordinal:
            return row
    listed = ", ".join(str(row.ordinal) for row in in_doubt) or "none is"
    raise UsageError(
        f'statement {verdict.ordinal} of revision "{verdict.revision}" is not in doubt',
        f"in doubt: {listed}; `safemigrate status` shows them",
    )
