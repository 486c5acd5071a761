"""What new statements name, and the history does not have."""

from collections.abc import Iterable, Iterator

from safemigrate.cli.drafts.desk import Proof
from safemigrate.model import (
    Action,
    AddColumn,
    AddConstraint,
    Catalog,
    ConstraintDefinition,
    CreateIndex,
    CreateTable,
    Event,
    QualifiedName,
    Reference,
)
from safemigrate.sql import quote_identifier, quote_name

__all__ = ["list_strangers"]

_SYSTEM = frozenset({"information_schema", "pg_catalog"})


def list_strangers(proofs: Iterable[Proof]) -> tuple[str, ...]:
    """Return a line for each table or column that is named and surely not there."""
    found = (
        line
        for proof in proofs
        for item in proof.upgrade.statements
        for event in item.events
        for line in _look(event, _list_added(item.events))
    )
    return tuple(dict.fromkeys(found))


def _list_added(events: Iterable[Event]) -> frozenset[str]:
    """Return the columns that a statement adds: PostgreSQL does so before all else in it."""
    actions = (event.action for event in events)
    return frozenset(one.column.name for one in actions if isinstance(one, AddColumn))


def _look(event: Event, added: frozenset[str]) -> Iterator[str]:
    action, before = event.action, event.before
    table = getattr(action, "table", None)
    is_guarded = getattr(action, "takes_missing", False)
    if event.is_in_body or is_guarded or isinstance(action, CreateTable):
        return
    if not isinstance(table, QualifiedName):
        return
    yield from _look_up(table, _list_columns(action), before, added)
    for reference in _list_references(action):
        yield from _look_up(reference.table, reference.columns, before, added)


def _look_up(
    table: QualifiedName, columns: Iterable[str], before: Catalog, added: frozenset[str]
) -> Iterator[str]:
    found = before.table(table)
    if found is None:
        if before.is_complete and not _is_other(before.resolve(table), before):
            yield f"the history makes no table {quote_name(table)}"
        return
    if not found.has_all_columns:
        return
    for column in columns:
        if column not in found.columns and column not in added:
            yield f"the history gives {quote_name(table)} no column {quote_identifier(column)}"


def _list_columns(action: Action) -> Iterator[str]:
    """Yield the columns that are named by themselves; not those of an expression."""
    if isinstance(action, CreateIndex):
        yield from (key.column for key in action.columns if key.column is not None)
        yield from action.included
    elif isinstance(action, AddConstraint):
        yield from action.constraint.columns
        yield from action.constraint.included
    elif isinstance(column := getattr(action, "column", None), str):
        yield column


def _list_references(action: Action) -> Iterator[Reference]:
    """Yield the far sides of the foreign keys that are added."""
    constraints: tuple[ConstraintDefinition, ...] = ()
    if isinstance(action, AddConstraint):
        constraints = (action.constraint,)
    elif isinstance(action, AddColumn):
        constraints = action.column.constraints
    yield from (one.reference for one in constraints if one.reference is not None)


def _is_other(name: QualifiedName, before: Catalog) -> bool:
    """Return whether the name is of what a catalog holds elsewhere, or not at all."""
    return name.schema in _SYSTEM or name in before.indexes or name in before.sequences
