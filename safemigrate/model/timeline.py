"""A history walked through: every statement with its actions and facts."""

from dataclasses import dataclass

from safemigrate.model.actions import Action
from safemigrate.model.catalog import Catalog
from safemigrate.model.facts import Certainty, Facts
from safemigrate.model.history import Direction, Migration, Statement
from safemigrate.model.names import QualifiedName
from safemigrate.model.other_actions import NoTableAction, UnmodelledAction

__all__ = ["Event", "ExplainedStatement", "Passage", "Timeline"]


@dataclass(frozen=True, slots=True)
class Event:
    """One action, what it does, and the catalog it meets.

    `statement` is the statement it is a part of.
    """

    statement: Statement
    action: Action
    facts: Facts
    before: Catalog

    @property
    def gap(self) -> str:
        """What of it was not read, so that it may do more than is known; empty for nothing."""
        match self.action:
            case UnmodelledAction(kind=kind):
                return f"not modelled yet: {kind}"
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

    `before`: the catalog when it begins. `after`: when it has run.
    """

    migration: Migration
    direction: Direction
    before: Catalog
    after: Catalog
    statements: tuple[ExplainedStatement, ...]

    def is_new(self, table: QualifiedName, at: Catalog) -> bool:
        """Return whether the relation named so in `at` was made by this migration itself."""
        found = at.table(table)
        return found is not None and not self.before.knows(found)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The passages of a history: for each migration its upgrade, then its downgrade."""

    passages: tuple[Passage, ...]
    notices: tuple[str, ...] = ()
