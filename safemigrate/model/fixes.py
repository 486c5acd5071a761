"""Fixes: what takes the place of a statement a rule objects to, in whatever kind of file it is."""

from dataclasses import dataclass
from enum import Enum

__all__ = ["Change", "Code", "Effect", "Fix", "IgnoreRemoval", "Replacement", "Rewording"]


class Effect(Enum):
    """What a fix does to the schema; several of one effect may be done in part without harm."""

    NONE = "none"
    ADDS = "adds"
    REMOVES = "removes"


@dataclass(frozen=True, slots=True)
class Code:
    """The same as SQL, without the closing semicolon, and as calls of Alembic's operations."""

    sql: str
    alembic: str


@dataclass(frozen=True, slots=True)
class Rewording:
    """The user's own statement with a few words more, or outside the transaction it runs in.

    `sql`: how the statement shall read. `operation`: Alembic's that sends such a statement, such
    as `create_index`; `keywords`: the arguments, by name and code, that make it send the new one.
    `is_outside`: it must run outside a transaction. `then`: what runs behind it, outside too.
    """

    sql: str
    operation: str
    keywords: tuple[tuple[str, str], ...] = ()
    is_outside: bool = False
    then: Code | None = None


@dataclass(frozen=True, slots=True)
class Replacement:
    """Other statements, some outside a transaction; what `operation` of Alembic's sent goes."""

    code: Code
    operation: str


@dataclass(frozen=True, slots=True)
class IgnoreRemoval:
    """The ignore comment at the finding no longer names the rule, and goes when it names none."""

    rule: str


Change = Rewording | Replacement | IgnoreRemoval


@dataclass(frozen=True, slots=True)
class Fix:
    """A change that ends in the same schema.

    `doubt`: why it may not be made without being looked at; empty when it is safe.
    `companions`: ordinals of the statements that it may be parted from, though one transaction
    holds them together.
    """

    change: Change
    effect: Effect = Effect.NONE
    doubt: str = ""
    companions: tuple[int, ...] = ()

    @property
    def parts_transaction(self) -> bool:
        """Whether a transaction around the statement would have to end for it."""
        match self.change:
            case Rewording(is_outside=is_outside, then=then):
                return is_outside or then is not None
            case Replacement():
                return True
            case IgnoreRemoval():
                return False
