"""How long a statement will take on a server, from how fast that reads its tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from safemigrate.catalog.figures import RelationFigures
from safemigrate.model import (
    AddConstraint,
    ChangeRows,
    ConstraintKind,
    CreateIndex,
    Event,
    ExplainedStatement,
    QualifiedName,
    Reindex,
    RowChange,
    ValidateConstraint,
)

__all__ = ["Estimate", "Figures", "add_estimates", "estimate_work", "list_read"]

# How often as long as to count the rows of a table it takes to …, on tables of 10,000 to 1,000,000
# rows of 50 and 250 bytes.
_CHECK_ROWS = 1.3
_COMPARE_KEYS = 6.0
_BUILD_INDEX = 6.0
_BUILD_INDEX_ONLINE = 8.0
_WRITE_ROWS = 12.0
_CHANGE_ROWS = 100.0
# What a change of the catalog alone takes.
_SHORTEST_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known of the relations of a server, by name.

    `relations`: what those hold that are there. `read_seconds`: how long it takes to count the rows
    of each, where that was measured.
    """

    relations: Mapping[QualifiedName, RelationFigures] = field(default_factory=dict)
    read_seconds: Mapping[QualifiedName, float] = field(default_factory=dict)

    def read_time(self, relation: QualifiedName) -> float | None:
        """Return the seconds to count its rows, by the speed of others where it was not measured.

        None where no speed is known. What is not there yet is taken to be empty.
        """
        if (measured := self.read_seconds.get(relation)) is not None:
            return measured
        own = self.relations.get(relation)
        if own is None or not own.heap_bytes:
            return 0.0
        known = [self.relations[name] for name in self.read_seconds if name in self.relations]
        size = sum(one.heap_bytes for one in known)
        if not size:
            return None
        return sum(self.read_seconds[one.relation] for one in known) * own.heap_bytes / size

    def renamed(self, names: Mapping[QualifiedName, QualifiedName]) -> "Figures":
        """Return the same for who knows the relations by other names: new name → name here."""
        if not names:
            return self
        relations = {
            new: self.relations[old] for new, old in names.items() if old in self.relations
        }
        seconds = {
            new: self.read_seconds[old] for new, old in names.items() if old in self.read_seconds
        }
        return Figures({**self.relations, **relations}, {**self.read_seconds, **seconds})


@dataclass(frozen=True, slots=True)
class Estimate:
    """About how long something takes.

    `is_most`: it may be much less, for it depends on the rows. `is_least`: a part of it is not
    known, and comes on top.
    """

    seconds: float
    is_most: bool = False
    is_least: bool = False


def estimate_work(explained: ExplainedStatement, figures: Figures) -> Estimate:
    """Return about how long the server works for the statement once it has its locks."""
    rewritten = frozenset(explained.facts.rewrites)
    seconds = _SHORTEST_SECONDS
    is_most, is_least = False, bool(explained.syntax_error)
    # several changes of one ALTER TABLE share one new copy of the rows
    for relation in rewritten:
        read = figures.read_time(relation)
        own = figures.relations.get(relation)
        if read is None:
            is_least = True
            continue
        indexes = own.index_count if own is not None else 0
        seconds += read * (_WRITE_ROWS + _BUILD_INDEX * indexes)
    for event in explained.events:
        factor, relations = _weigh(event)
        for relation in relations:
            if relation in rewritten:
                continue
            read = figures.read_time(relation)
            if read is None:
                is_least = True
                continue
            seconds += read * factor
            is_most = is_most or _picks_rows(event)
    return Estimate(seconds, is_most=is_most, is_least=is_least)


def list_read(explained: ExplainedStatement) -> frozenset[QualifiedName]:
    """Return the relations that a statement goes through row by row."""
    every = (name for event in explained.events for name in _weigh(event)[1])
    return frozenset((*explained.facts.rewrites, *every))


def add_estimates(estimates: Iterable[Estimate]) -> Estimate:
    """Return how long they take one after the other."""
    every = tuple(estimates)
    return Estimate(
        sum(one.seconds for one in every),
        is_most=any(one.is_most for one in every),
        is_least=any(one.is_least for one in every),
    )


def _picks_rows(event: Event) -> bool:
    return isinstance(event.action, ChangeRows) and (
        event.action.has_condition or event.action.change is RowChange.MERGE
    )


def _weigh(event: Event) -> tuple[float, tuple[QualifiedName, ...]]:
    """Return what it costs to do the action for each row, and the relations that it goes through.

    The cost is in units of what it takes to count the row.
    """
    facts, action = event.facts, event.action
    match action:
        case CreateIndex(is_concurrent=is_concurrent) | Reindex(is_concurrent=is_concurrent):
            return (_BUILD_INDEX_ONLINE if is_concurrent else _BUILD_INDEX), facts.scans
        case AddConstraint(constraint=constraint):
            kinds = {ConstraintKind.CHECK, ConstraintKind.NOT_NULL}
            return (_CHECK_ROWS if constraint.kind in kinds else _BUILD_INDEX), facts.scans
        case ValidateConstraint():
            # of which kind it is the catalog may not know
            return _COMPARE_KEYS, facts.scans
        case ChangeRows(change=RowChange.UPDATE | RowChange.DELETE | RowChange.MERGE, table=table):
            met = event.before.resolve(table)
            return _CHANGE_ROWS, (met, *(one.name for one in event.before.partitions_of(met)))
        case _:
            return _CHECK_ROWS, facts.scans
