"""Whether a name is as a project's naming convention makes it.

https://docs.sqlalchemy.org/en/20/core/metadata.html#sqlalchemy.schema.MetaData, naming_convention
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from safemigrate.model import (
    AddColumn,
    ConstraintKind,
    CreateIndex,
    CreateTable,
    Event,
    QualifiedName,
    RenameColumn,
    RenameConstraint,
    RenameIndex,
    RenameTable,
)
from safemigrate.rulekit.context import Context
from safemigrate.rulekit.indexes import name_new_index
from safemigrate.rulekit.names import new_names
from safemigrate.rulekit.written import WrittenConstraint, written_constraints

__all__ = ["NamedThing", "matches_convention", "named_things", "show_convention"]

# What of a name that is too long SQLAlchemy keeps before a part of its hash.
_KEPT = 55
_LONGEST = 63

_MARK = re.compile(r"%\((\w+)\)s")
_COLUMN = re.compile(r"(?P<referred>referred_)?column_(?P<index>\d+)(?P<all>_?N)?_(?P<what>\w+)\Z")


_KINDS = {
    ConstraintKind.CHECK: ("ck", "CHECK"),
    ConstraintKind.EXCLUDE: ("ex", "exclusion constraint"),
    ConstraintKind.FOREIGN_KEY: ("fk", "foreign key"),
    ConstraintKind.PRIMARY_KEY: ("pk", "primary key"),
    ConstraintKind.UNIQUE: ("uq", "unique constraint"),
}

# A unique index goes by the name of an index or of the constraint it stands for.
_PLAIN: tuple[str, ...] = ("ix",)
_UNIQUE: tuple[str, ...] = ("ix", "uq")


@dataclass(frozen=True, slots=True)
class NamedThing:
    """Something with a name, and what a template is filled in with.

    `kinds`: as in the option `naming`; any of their patterns will do. `what`: as people say.
    `columns`: None for an expression; empty where they are not known. `referred`: the far table
    of a foreign key. `offset`: where in the statement it stands.
    """

    event: Event
    offset: int
    kinds: tuple[str, ...]
    what: str
    name: str
    table: QualifiedName
    columns: tuple[str | None, ...] = ()
    referred: QualifiedName | None = None
    referred_columns: tuple[str, ...] = ()


def named_things(context: Context) -> Iterator[NamedThing]:
    """Yield the tables, columns, indexes and constraints that get a name, given or chosen."""
    for new in new_names(context):
        match new.event.action:
            case CreateTable(table=table) | AddColumn(table=table) | RenameColumn(table=table):
                if new.is_everyday:
                    kinds = (new.kind,)
                    yield NamedThing(new.event, new.offset, kinds, new.kind, new.name, table)
            case RenameTable(table=table):
                yield NamedThing(new.event, new.offset, ("table",), "table", new.name, table)
            case RenameIndex() | RenameConstraint() as renaming:
                yield from _renamed(new.event, renaming)
            case _:
                # Indexes and constraints have names that PostgreSQL chooses, too: see below.
                continue
    for event, action in context.events(CreateIndex):
        columns = tuple(key.column for key in action.columns)
        name = name_new_index(event, action)
        either = _UNIQUE if action.is_unique else _PLAIN
        yield NamedThing(event, action.offset, either, "index", name, action.table, columns)
    for written in written_constraints(context):
        yield from _constraint(written)


def _constraint(written: WrittenConstraint) -> Iterator[NamedThing]:
    definition, reference = written.definition, written.definition.reference
    if definition.kind not in _KINDS:
        return
    kind, what = _KINDS[definition.kind]
    said = definition.expression.columns if definition.expression else ()
    yield NamedThing(
        written.event,
        written.offset,
        (kind,),
        what,
        written.name,
        written.table,
        definition.columns or said,
        reference.table if reference else None,
        reference.columns if reference else (),
    )


def _renamed(event: Event, action: RenameIndex | RenameConstraint) -> Iterator[NamedThing]:
    """Yield what gets another name, where the history shows what it is."""
    catalog, offset, name = event.before, action.offset, action.new_name
    match action:
        case RenameConstraint():
            table, old = catalog.table(action.table), action.name
        case RenameIndex():
            index = catalog.index(action.index)
            if index is None:
                return
            if index.constraint is None:
                kinds = _UNIQUE if index.is_unique else _PLAIN
                yield NamedThing(event, offset, kinds, "index", name, index.table, index.columns)
                return
            table, old = catalog.table(index.table), index.constraint
    found = table.constraints.get(old) if table else None
    if table is None or found is None or found.kind not in _KINDS:
        return
    kind, what = _KINDS[found.kind]
    far, keys = found.references, found.referenced_columns
    yield NamedThing(event, offset, (kind,), what, name, table.name, found.columns, far, keys)


def matches_convention(pattern: str, thing: NamedThing) -> bool:
    """Return whether the name is what the pattern makes: a regular expression, or a template."""
    if "%(" not in pattern:
        return re.fullmatch(pattern, thing.name) is not None
    pieces = _fill(pattern, thing)
    if re.fullmatch("".join(".+" if one is None else re.escape(one) for one in pieces), thing.name):
        return True
    wanted = show_convention(pattern, thing)
    return len(wanted) > _LONGEST and thing.name[:_KEPT] == wanted[:_KEPT]


def show_convention(pattern: str, thing: NamedThing) -> str:
    """Return what the name should be; `…` stands for what is free, or not known."""
    if "%(" not in pattern:
        return pattern
    return "".join("…" if one is None else one for one in _fill(pattern, thing))


def _fill(template: str, thing: NamedThing) -> list[str | None]:
    """Return the pieces of the name; None where anything may stand."""
    pieces: list[str | None] = list(_MARK.split(template))
    pieces[1::2] = [_value(key, thing) for key in _MARK.findall(template)]
    return pieces


def _value(key: str, thing: NamedThing) -> str | None:
    """Return what stands for the key, None for what cannot be known, such as a part of one's own.

    That a constraint's own name stands in it means that any will do.
    """
    if key == "table_name":
        return thing.table.name
    if key == "referred_table_name":
        return thing.referred.name if thing.referred else None
    match = _COLUMN.match(key)
    if match is None:
        return None
    columns = thing.referred_columns if match["referred"] else thing.columns
    if not columns:
        return None
    chosen = columns if match["all"] else columns[int(match["index"]) :][:1]
    names = [None if one is None else _label(one, match["what"], thing) for one in chosen]
    if None in names:
        return None
    return ("_" if (match["all"] or "").startswith("_") else "").join(filter(None, names))


def _label(column: str, what: str, thing: NamedThing) -> str:
    if what != "label":
        return column
    return "_".join(part for part in (thing.table.schema, thing.table.name, column) if part)
