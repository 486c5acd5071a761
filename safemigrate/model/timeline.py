"""A history walked through: every statement with its actions and facts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from safemigrate.model.actions import Action
from safemigrate.model.bodies import UnreadSql
from safemigrate.model.catalog import Catalog
from safemigrate.model.facts import Certainty, Facts
from safemigrate.model.history import Direction, Migration, Statement
from safemigrate.model.names import QualifiedName
from safemigrate.model.object_actions import DropObject
from safemigrate.model.other_actions import NoTableAction, UnmodelledAction
from safemigrate.model.version import OLDEST_VERSION, ServerVersion

__all__ = ["Event", "ExplainedStatement", "Passage", "Timeline"]


@dataclass(frozen=True, slots=True)
class Event:
    """One action, what it does, and the catalog it meets.

    `statement` is the statement it is a part of. `offset`: 0-based character offset that the
    action's own one counts from, which is 0 but for SQL in a body.
    `site`: the statement that `offset` is in, where that is not `statement` but the one of the same
    file that made the function. `is_in_body`: it stands in a body.
    `section`: how often the statement has ended a transaction of its own before.
    """

    statement: Statement
    action: Action
    facts: Facts
    before: Catalog
    offset: int = 0
    site: Statement | None = None
    section: int = 0
    is_in_body: bool = False

    @property
    def place(self) -> Statement:
        """The statement in whose text the action stands."""
        return self.site or self.statement

    @property
    def is_in_transaction(self) -> bool:
        """Whether it runs where the server refuses what must be outside of transactions."""
        return self.is_in_body or self.statement.transaction is not None

    @property
    def gap(self) -> str:
        """What of it was not read, so that it may do more than is known; empty for nothing."""
        match self.action:
            case UnmodelledAction(kind=kind):
                return f"not modelled yet: {kind}"
            case UnreadSql(reason=reason):
                return reason
            case DropObject(kind=kind, is_cascade=True):
                return f"what it takes along is not known: DROP {kind} CASCADE"
            case NoTableAction(calls=calls) if self.facts.certainty is Certainty.UNKNOWN:
                names = ", ".join(f"{call.name}()" for call in calls)
                return f"calls what is not read: {names}"
            case _:
                return ""


@dataclass(frozen=True, slots=True)
class ExplainedStatement:
    """A statement with its actions, one event each, and the facts of the whole.

    `syntax_error`: why it could not be parsed, or empty; there are no events then.
    `error_offset`: 0-based character offset into the statement where the parser stopped.
    """

    statement: Statement
    events: tuple[Event, ...]
    facts: Facts
    syntax_error: str = ""
    error_offset: int = 0


@dataclass(frozen=True, slots=True)
class Passage:
    """One migration in one direction.

    `before`: the catalog when it begins. `after`: when it has run. `version`: that of the server
    it is judged for. `origin`: what a downgrade should come back to, which is the catalog that its
    upgrade met; None for an upgrade. `database`: which of the databases it runs on, from 0, where
    the project has several with migrations of their own.
    """

    migration: Migration
    direction: Direction
    before: Catalog
    after: Catalog
    statements: tuple[ExplainedStatement, ...]
    version: ServerVersion = OLDEST_VERSION
    origin: Catalog | None = None
    database: int = 0

    def is_new(self, table: QualifiedName, at: Catalog) -> bool:
        """Return whether the relation named so in `at` was made by this migration itself."""
        found = at.table(table)
        return found is not None and not self.before.knows(found)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The passages of a history: for each migration its upgrade, then its downgrade.

    `naming_convention`, `required_variables`: as `History` has them. `following`: what a further
    migration would meet.
    """

    passages: tuple[Passage, ...]
    notices: tuple[str, ...] = ()
    naming_convention: Mapping[str, str] = field(default_factory=dict)
    following: Catalog = field(default_factory=Catalog)
    required_variables: tuple[str, ...] = ()

    @property
    def end(self) -> Catalog:
        """What exists when all upgrades have run, in the first database."""
        return self.ends[0]

    @property
    def ends(self) -> tuple[Catalog, ...]:
        """What exists in each of the databases when all upgrades have run there."""
        ends = {0: Catalog()}
        for one in self.passages:
            if one.direction is Direction.UPGRADE:
                ends[one.database] = one.after
        return tuple(ends.values())
