"""The downgrade of a draft, out of what its upgrade was seen to do."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from safemigrate.catalog import choose_constraint_name, choose_index_name
from safemigrate.cli.drafts.desk import Proof
from safemigrate.cli.drafts.draft import Draft, Piece, Region, find_regions
from safemigrate.model import (
    AddColumn,
    AddConstraint,
    AlterSequence,
    ConstraintDefinition,
    CreateExtension,
    CreateIndex,
    CreateSequence,
    CreateTable,
    Direction,
    DropObject,
    Event,
    Passage,
    QualifiedName,
    Statement,
    Timeline,
)
from safemigrate.recipes import Made, WayBack, find_way_back
from safemigrate.source.editing import TextLines

__all__ = ["list_events", "read_made", "reverse"]


def read_made(past: Timeline, new: Timeline) -> Made:
    """Return how the constraints and indexes of a history were made, the newest of each name."""
    timelines = (past, new)
    fresh = frozenset(_list_fresh(new))
    constraints: dict[tuple[QualifiedName, str], ConstraintDefinition] = {}
    indexes: dict[QualifiedName, CreateIndex] = {}
    for event in _list_upgrades(timelines):
        match event.action:
            case AddConstraint(table=table, constraint=constraint):
                found = event.before.table(table)
                taken = found.constraints if found is not None else ()
                name = constraint.name or choose_constraint_name(table.name, constraint, taken)
                constraints[event.before.resolve(table), name] = constraint
            case CreateTable(table=table):
                written = (*event.action.constraints, *_inline(event.action))
                resolved = event.before.resolve_new(table)
                constraints.update({(resolved, one.name): one for one in written if one.name})
            case AddColumn(table=table, column=column):
                resolved = event.before.resolve(table)
                constraints.update(
                    {(resolved, one.name): one for one in column.constraints if one.name}
                )
            case CreateIndex():
                name = event.action.name or choose_index_name(event.action, event.before)
                indexes[event.before.beside(event.action.table, name)] = replace(
                    event.action, name=name
                )
            case _:
                # nothing else makes a constraint or an index with a name of its own
                continue
    return Made(
        lambda table, name: constraints.get((table, name)),
        indexes.get,
        _read_extensions(past).__contains__,
        _read_ownerless(timelines).__contains__,
        lambda table, column: (table, column) in fresh,
    )


def _list_fresh(new: Timeline) -> Iterator[tuple[QualifiedName, str]]:
    """Yield the tables that are made, with no column, and the columns that are added."""
    for event in _list_upgrades((new,)):
        match event.action:
            case CreateTable(table=table, takes_existing=False):
                yield event.before.resolve_new(table), ""
            case AddColumn(table=table, column=column, takes_existing=False):
                yield event.before.resolve(table), column.name
            case _:
                # nothing else makes what has no rows yet
                continue


def _read_extensions(past: Timeline) -> frozenset[str]:
    """Return the extensions that the revisions so far leave."""
    names: set[str] = set()
    for event in _list_upgrades((past,)):
        match event.action:
            case CreateExtension(name=name):
                names.add(name)
            case DropObject(kind="EXTENSION", name=dropped):
                names.discard(dropped.name)
            case _:
                # nothing else makes or drops one
                continue
    return frozenset(names)


def _read_ownerless(timelines: Iterable[Timeline]) -> frozenset[QualifiedName]:
    """Return the sequences that are made without an owner, and altered once at most."""
    made: set[QualifiedName] = set()
    altered: list[QualifiedName] = []
    for event in _list_upgrades(timelines):
        match event.action:
            case CreateSequence(sequence=name, owner=None, takes_existing=False):
                made.add(event.before.resolve_new(name))
            case AlterSequence(sequence=name):
                altered.append(event.before.resolve(name))
            case _:
                # nothing else gives one an owner
                continue
    return frozenset(one for one in made if altered.count(one) <= 1)


def _list_upgrades(timelines: Iterable[Timeline]) -> Iterator[Event]:
    for passage in (one for timeline in timelines for one in timeline.passages):
        if passage.direction is Direction.UPGRADE:
            for item in passage.statements:
                yield from item.events


def _inline(action: CreateTable) -> Iterator[ConstraintDefinition]:
    for column in action.columns:
        yield from column.constraints


def list_events(proof: Proof, number: int) -> list[Event]:
    """Return what the piece of that number does in the upgrade, in order."""
    regions = find_regions(proof.draft, proof.text)
    (region,) = (
        one for one in regions if one.number == number and one.direction is Direction.UPGRADE
    )
    lines = TextLines(proof.text)
    return [
        event
        for item in proof.upgrade.statements
        if is_inside(region, item.statement, lines)
        for event in item.events
    ]


def is_inside(region: Region, statement: Statement, lines: TextLines) -> bool:
    """Return whether the call that sends the statement stands in the region."""
    return region.start <= lines.offset(statement.span.line, statement.span.column) < region.end


def reverse(proof: Proof, made: Made, *, is_anew: bool = False) -> Draft:
    """Return the draft with a way back for each piece that has none yet, or a reason.

    `is_anew`: also for those that have one.
    """
    pieces = []
    for number, piece in enumerate(proof.draft.pieces):
        if not piece.upgrade or (piece.downgrade is not None and not is_anew):
            pieces.append(piece)
            continue
        pieces.append(_reverse_piece(piece, list_events(proof, number), proof.upgrade, made))
    return replace(proof.draft, pieces=tuple(pieces))


def _reverse_piece(piece: Piece, events: list[Event], passage: Passage, made: Made) -> Piece:
    codes = []
    for event in reversed(events):
        way = _find_way(event, passage, made)
        if way.reason:
            if piece.downgrade is not None:
                return piece
            return replace(piece, downgrade="", reason=way.reason)
        if way.code:
            codes.append(way.code)
    return replace(piece, downgrade="\n".join(codes), reason="")


def _find_way(event: Event, passage: Passage, made: Made) -> WayBack:
    table = getattr(event.action, "table", None)
    is_of_new = isinstance(table, QualifiedName) and passage.is_new(table, event.before)
    if is_of_new and not isinstance(event.action, CreateTable):
        # It goes with the table.
        return WayBack()
    return find_way_back(event.action, event.before, made)
