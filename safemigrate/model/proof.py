"""Proofs: what a server was seen to do, and what that proves of each revision."""

from dataclasses import dataclass
from enum import Enum

from safemigrate.model.facts import Certainty, Lock
from safemigrate.model.history import Direction
from safemigrate.model.names import QualifiedName
from safemigrate.model.properties import Property
from safemigrate.model.version import ServerVersion

__all__ = [
    "Check",
    "HistoryProof",
    "ObservedStatement",
    "Outcome",
    "RevisionProof",
    "RewriteReason",
    "RoundTrip",
    "Standing",
    "TableRows",
]


class Outcome(Enum):
    """How one step of a proof ended."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


class Standing(Enum):
    """How a property stands once it was looked at.

    UNKNOWN: it could not be proved, and the check says why. UNASKED: it is proved with something
    that the project did not give, such as a file of statements; the check says what.
    ACCEPTED: it is broken, or could not be proved, and a marker in the revision says why that is
    right.
    """

    HOLDS = "holds"
    BROKEN = "broken"
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    UNASKED = "unasked"


@dataclass(frozen=True, slots=True)
class Check:
    """How one property of one revision, or of the history, stands.

    `reason`: one line; what breaks it, why it is unknown, or what a reader should know of how it
    holds. `details`: lines below it, such as each row that was lost. `help`: what to do.
    `warning`: what a reader should know although it holds.
    `is_mended_later`: it holds because of a later revision, and need not without that one.
    `path` and `line` (1-based): where, as the user knows the file; empty and 1 without a place.
    """

    subject: Property
    standing: Standing
    reason: str = ""
    details: tuple[str, ...] = ()
    help: str = ""
    path: str = ""
    line: int = 1
    warning: str = ""
    is_mended_later: bool = False

    @property
    def is_broken(self) -> bool:
        """Whether it is broken, and nobody has accepted that."""
        return self.standing is Standing.BROKEN


@dataclass(frozen=True, slots=True)
class TableRows:
    """What one statement did to the rows of one table, by the server's own counters.

    `read`: by sequential scans, one row as often as it was read; a rewrite that builds indexes
    again reads a table more than once. `inserted`, `updated`, `deleted`: also by the triggers and
    functions that the statement called; a row that a constraint refused, or a savepoint took back,
    counts. Of a partitioned table its partitions are counted, each by itself.
    `is_preexisting`: the table was there before the revision began.
    """

    table: QualifiedName
    read: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    is_preexisting: bool = True

    @property
    def changed(self) -> int:
        """How many rows were inserted, updated or deleted."""
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True, slots=True)
class RewriteReason:
    """Why ALTER TABLE wrote a table anew, in the words of the server's manual."""

    table: QualifiedName
    reason: str


@dataclass(frozen=True, slots=True)
class ObservedStatement:
    """What a server was seen to do for one statement.

    `ordinal`: 1-based, within revision and direction.
    `transaction`: 1-based number within revision and direction; None when it ran outside one.
    `locks`: the strongest mode newly taken, per relation; of the relations made by the revision
    itself only tables and views. `held`: the strongest mode held once it had run, per relation
    that was there before; empty outside a transaction.
    `minor`: relations in `locks` whose lock nobody waits for: indexes and sequences that rows are
    written through, and indexes whose table the transaction holds ACCESS EXCLUSIVE.
    `rewrites`, `scans`: only relations that were there before the revision began.
    `rows`: the tables, old and new ones, of which rows were read in sequential scans or changed;
    sorted by name. Outside a transaction they are counted from PostgreSQL 15 on.
    `rewrite_reasons`: where the server was asked for them. `lock_timeout_ms`: what was in force
    when the statement was sent, 0 for no limit, None where nobody looked.
    `waited_for`: outside a transaction, the kinds of lock that it waited for while we held its
    tables: `relation` is the queue of a table, `virtualxid` the end of a transaction.
    `certainty`: ASSUMED where a lock may have come and gone unseen.
    `error`: why the server refused it, with the SQLSTATE, or None; nothing else is known then.
    `path` and `line` (1-based): the call that sent it, in the revision's file; empty and 1 for a
    statement that came from no file.
    """

    sql: str
    ordinal: int
    transaction: int | None
    locks: tuple[Lock, ...] = ()
    held: tuple[Lock, ...] = ()
    minor: tuple[QualifiedName, ...] = ()
    rewrites: tuple[QualifiedName, ...] = ()
    scans: tuple[QualifiedName, ...] = ()
    certainty: Certainty = Certainty.KNOWN
    error: str | None = None
    duration_ms: float = 0.0
    path: str = ""
    line: int = 1
    revision: str | None = None
    direction: Direction = Direction.UPGRADE
    rows: tuple[TableRows, ...] = ()
    rewrite_reasons: tuple[RewriteReason, ...] = ()
    lock_timeout_ms: int | None = None
    waited_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RevisionProof:
    """What was proved of one revision on a database at the state before it.

    `upgrade`, `downgrade`, `upgrade_again`: the three steps. `upgrade_again` has also failed when
    the schema it leads to is not the one that the first upgrade led to.
    `restored`: whether the downgrade led back to the schema before; None when it did not run.
    `is_refused`: the downgrade is not there, or raises NotImplementedError.
    `differences`: what the downgrade left or lost, then what the second upgrade made otherwise.
    `notes`: what differs and breaks no equality: the order of columns.
    `statements`: of the first upgrade and of the downgrade.
    `error`: the first reason why a step failed or was skipped, with file and line.
    `checks`: every property that was looked at, in the order of `Property`.
    """

    revision: str
    path: str
    message: str
    upgrade: Outcome
    downgrade: Outcome = Outcome.SKIPPED
    restored: bool | None = None
    upgrade_again: Outcome = Outcome.SKIPPED
    is_refused: bool = False
    differences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    statements: tuple[ObservedStatement, ...] = ()
    error: str | None = None
    duration_ms: float = 0.0
    checks: tuple[Check, ...] = ()

    @property
    def is_restored(self) -> bool:
        """Whether it was applied, rolled back and applied again, and nothing differed."""
        return self.restored is True and self.upgrade_again is Outcome.OK

    @property
    def is_proved(self) -> bool:
        """Whether it was applied, and every property that was looked at holds or is accepted."""
        return self.upgrade is Outcome.OK and not any(
            check.standing in {Standing.BROKEN, Standing.UNKNOWN} for check in self.checks
        )

    @property
    def has_failed(self) -> bool:
        """Whether a property is broken, or the revision never came to be tried."""
        return self.upgrade is not Outcome.OK or any(check.is_broken for check in self.checks)


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """The whole history from head to base and to head again.

    `is_ok` is None when it was not tried; `reason` then says why.
    `differences`: what was left at base, then what the second head has otherwise.
    """

    is_ok: bool | None
    reason: str = ""
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HistoryProof:
    """The outcome of `verify`.

    `server`: the kind of server, `embedded`, `container` or `url`.
    `round_trip` is None when only some revisions were asked for.
    `notices`: what the reader of a report should know about how the history was read.
    `checks`: the properties of the history as a whole, in the order of `Property`.
    """

    revisions: tuple[RevisionProof, ...]
    server: str
    version: ServerVersion
    round_trip: RoundTrip | None = None
    notices: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
