"""Facts: what PostgreSQL does for an action in a given catalog and version."""

from dataclasses import dataclass
from enum import Enum

from safemigrate.model.locks import LockMode
from safemigrate.model.names import QualifiedName

__all__ = ["Certainty", "Facts", "Lock"]


class Certainty(Enum):
    """How sure a fact is.

    `KNOWN`: it follows from the statement and the history.
    `ASSUMED`: the statement was recorded after an answer that was assumed, or stands under a
    condition in a body, so that it may not run.
    `UNKNOWN`: something it depends on is not known; the stronger possibility is stated.
    """

    KNOWN = "known"
    ASSUMED = "assumed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock taken on a relation until the end of the transaction.

    `is_preexisting`: the relation was there before the revision began, so others may want it.
    """

    relation: QualifiedName
    mode: LockMode
    is_preexisting: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """What one action, or a whole statement, does.

    `locks`: the strongest new mode per relation (tables, views, and the indexes named or rebuilt).
    `rewrites`: relations whose rows are written anew. `scans`: relations read from end to end
    while the locks are held. Both only for relations that were there before the revision began.
    `errors`: reasons why the server will refuse the statement whatever the data.
    """

    locks: tuple[Lock, ...] = ()
    rewrites: tuple[QualifiedName, ...] = ()
    scans: tuple[QualifiedName, ...] = ()
    errors: tuple[str, ...] = ()
    certainty: Certainty = Certainty.KNOWN
