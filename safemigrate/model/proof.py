"""Proofs: what a server was seen to do, and what that proves of each revision."""

from dataclasses import dataclass
from enum import Enum

from safemigrate.model.facts import Certainty, Lock
from safemigrate.model.history import Direction
from safemigrate.model.names import QualifiedName
from safemigrate.model.version import ServerVersion

__all__ = ["HistoryProof", "ObservedStatement", "Outcome", "RevisionProof", "RoundTrip"]


class Outcome(Enum):
    """How one step of a proof ended."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


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

    @property
    def is_proved(self) -> bool:
        """Whether it was applied, rolled back and applied again, and nothing differed."""
        return self.restored is True and self.upgrade_again is Outcome.OK

    @property
    def has_failed(self) -> bool:
        """Whether a step failed, did not restore the schema, or never came to be tried."""
        if self.upgrade is not Outcome.OK:
            return True
        return not self.is_proved and not self.is_refused


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
    """

    revisions: tuple[RevisionProof, ...]
    server: str
    version: ServerVersion
    round_trip: RoundTrip | None = None
    notices: tuple[str, ...] = ()
