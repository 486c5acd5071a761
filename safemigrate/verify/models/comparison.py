"""What the models declare and what the history makes, compared as a server stores both."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from safemigrate.verify.definitions import (
    IDENTIFIER,
    find_indexed_table,
    join_definition,
    read_attributes,
)
from safemigrate.verify.differences import split_identity
from safemigrate.verify.drift import Change, DriftDifference, compare_schemas
from safemigrate.verify.snapshots import Snapshot

__all__ = ["Comparison", "Difference", "compare_with_models"]

_INDEX_NAME = re.compile(rf"^(CREATE (?:UNIQUE )?INDEX ){IDENTIFIER} ON (?:ONLY )?")
_TABLE = rf"(?P<table>{IDENTIFIER}\.{IDENTIFIER})"
_STORAGE = re.compile(r" WITH \([^)]*\)")
_NEXT = re.compile(r"^nextval\('(?P<sequence>.*)'::regclass\)$")
# The same by the manual: "Date/Time Functions and Operators", 9.9.5, and an array without elements.
_CURRENT = re.compile(r"('(?:[^']|'')*')|\b(?:CURRENT_TIMESTAMP\b(?!\()|transaction_timestamp\(\))")
_EMPTY_ARRAY = re.compile(r"^ARRAY\[\](?=::[^:]+$)")
_COMMENTED = re.compile(rf"^(?:table(?: column)?|table constraint {IDENTIFIER} on) {_TABLE}")

# What SQLAlchemy's metadata can say of each kind; all else is the history's alone.
_SAYS = {
    "column": {"collation", "default", "generated", "generation", "identity", "not null", "type"},
    "constraint": {"definition", "enforced", "valid"},
    "domain": {"base", "checks", "collation", "default", "not null"},
    "enum": {"labels"},
    "index": {"definition", "valid"},
    "sequence": {"cache", "cycle", "increment", "maximum", "minimum", "start", "type"},
    "table": {"partition key", "persistence"},
    "comment": {"text"},
}
_VIEWS = frozenset({"materialized view", "view"})
_OF_TABLE = frozenset({"column", "constraint"})

Key = tuple[str, str]
Attributes = dict[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that models and history have otherwise, in a line for the reader.

    `is_in_models`: the models declare it; the history makes it in another way, or not at all.
    """

    kind: str
    identity: str
    line: str
    is_in_models: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """`differences`: sorted. `notes`: what differs, and is no difference of what was declared."""

    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()


def compare_with_models(
    made: Snapshot,
    head: Snapshot,
    *,
    named: Collection[str],
    left_out: Collection[str] = (),
    takes: Callable[[DriftDifference], bool] = lambda _: True,
) -> Comparison:
    """Return how `head`, what the history makes, differs from `made`, what create_all() makes.

    `named`: the identities of constraints and indexes whose names the models give; what else is
    called differs by name at will. `left_out`: identities of tables that are not compared.
    `takes`: whether env.py lets a difference be one.
    """
    views = frozenset(identity for kind, identity in made.objects if kind in _VIEWS)
    found, _ = compare_schemas(_express(made, left_out, views), _express(head, left_out, views))
    kept = [one for one in found if takes(one) and not _is_remark(one)]
    pairs = tuple(_pair(kept))
    paired = {id(one) for pair in pairs for one in pair}
    rest = [one for one in kept if id(one) not in paired]
    lines = [_describe(one, head) for one in rest]
    renamed = [(ours, theirs) for ours, theirs in pairs if ours.identity in named]
    lines += [
        Difference(ours.kind, ours.identity, _tell_name(ours, theirs), is_in_models=True)
        for ours, theirs in renamed
    ]
    notes = tuple(
        f"{ours.kind} {theirs.identity} has no name in the models, and create_all() calls it "
        f"{split_identity(ours.identity)[1]}"
        for ours, theirs in pairs
        if ours.identity not in named
    )
    return Comparison(tuple(sorted(lines, key=lambda one: (one.identity, one.kind))), notes)


def _express(snapshot: Snapshot, left_out: Collection[str], views: Collection[str]) -> Snapshot:
    """Return the objects that models can declare, with what they can say of each."""
    attributes = {key: read_attributes(definition) for key, definition in snapshot.objects.items()}
    partitions = {key[1] for key, one in attributes.items() if "bound" in one}
    hidden = {*left_out, *partitions}
    owners = {
        key[1]: one["owned by"]
        for key, one in attributes.items()
        if key[0] == "sequence" and "owned by" in one
    }
    tables = {identity for kind, identity in attributes if kind == "table"} | set(views)
    objects: dict[Key, str] = {}
    for key, one in attributes.items():
        kind, identity = key
        if kind in _VIEWS and identity in views:
            says = {"definition"}
        elif kind in _SAYS:
            says = _SAYS[kind]
        else:
            continue
        table = _table_of(kind, identity, one, owners)
        if table in hidden or (table is not None and table not in tables):
            continue
        said = {name: value for name, value in one.items() if name in says}
        if "default" in said:
            said["default"] = _say_alike(said["default"])
        if kind == "index":
            said["definition"] = _STORAGE.sub("", said["definition"])
            if "parent" in one:
                continue
        elif kind == "column":
            _forget_sequence(said, identity, owners)
        elif identity in owners:
            # so that it comes and goes with its column
            said["owned by"] = owners[identity]
        objects[kind, owners.get(identity, identity)] = join_definition(
            f"{name}={value}" for name, value in said.items()
        )
    return Snapshot(objects, {})


def _table_of(
    kind: str, identity: str, attributes: Attributes, owners: dict[str, str]
) -> str | None:
    """Return the table that the object is, or is a part of; None for one that stands alone.

    "" for what is of something else: a view's column, or a function's comment.
    """
    if kind == "table":
        return identity
    if kind in _OF_TABLE:
        return split_identity(identity)[0]
    if kind == "index":
        return find_indexed_table(attributes["definition"])
    if kind == "sequence" and identity in owners:
        return split_identity(owners[identity])[0]
    if kind == "comment":
        commented = _COMMENTED.match(identity)
        return "" if commented is None else commented["table"]
    return None


def _forget_sequence(said: Attributes, identity: str, owners: dict[str, str]) -> None:
    """Leave out the name of the column's own sequence, which stays when a table is renamed."""
    value = _NEXT.match(said.get("default", ""))
    if value is not None and owners.get(value["sequence"].replace("''", "'")) == identity:
        said["default"] = "the next value of its own sequence"


def _say_alike(default: str) -> str:
    """Return the default in the same words where the server has several for one thing."""
    default = _CURRENT.sub(lambda found: found[1] or "now()", default)
    return _EMPTY_ARRAY.sub("'{}'", default)


def _is_remark(one: DriftDifference) -> bool:
    """Return whether it is a constraint's comment that only the history has.

    Models can have it, and hardly any does: Alembic never writes one.
    """
    return (
        one.change is Change.BESIDE
        and one.kind == "comment"
        and one.identity.startswith("table constraint ")
    )


def _pair(
    differences: Iterable[DriftDifference],
) -> Iterator[tuple[DriftDifference, DriftDifference]]:
    """Yield the models' and the history's constraint or index that differ in name only."""
    theirs: dict[tuple[str, str, str], list[DriftDifference]] = {}
    differences = tuple(differences)
    for one in differences:
        if one.change is Change.BESIDE and one.kind in {"constraint", "index"}:
            theirs.setdefault(_nameless(one, one.found), []).append(one)
    for one in differences:
        if one.change is Change.MISSING and one.kind in {"constraint", "index"}:
            same = theirs.get(_nameless(one, one.expected))
            if same:
                yield one, same.pop()


def _nameless(one: DriftDifference, attributes: object) -> tuple[str, str, str]:
    text = join_definition(f"{name}={value}" for name, value in dict(attributes).items())  # type: ignore[call-overload]  # a mapping
    if one.kind == "index":
        text = _INDEX_NAME.sub(r"\1ON ", text.removeprefix("definition="))
    return one.kind, split_identity(one.identity)[0], text


def _describe(one: DriftDifference, head: Snapshot) -> Difference:
    name = f"{one.kind} {one.identity}"
    match one.change:
        case Change.MISSING:
            line = f"{name} is in the models, and the history does not make it{_instead(one, head)}"
        case Change.BESIDE:
            line = f"{name} is made by the history, and no model declares it"
        case Change.DIFFERENT:
            parts = (
                f"{_word(key)}{one.expected.get(key, 'none')} in the models, "
                f"{one.found.get(key, 'none')} in the history"
                for key in {**one.expected, **one.found}
            )
            line = f"{name}: {'; '.join(parts)}"
    return Difference(one.kind, one.identity, line, is_in_models=one.change is not Change.BESIDE)


def _instead(one: DriftDifference, head: Snapshot) -> str:
    """Return what the history has under that name, if it is something else."""
    kinds = (kind for kind in _VIEWS if (kind, one.identity) in head.objects)
    other = next(kinds, None) if one.kind == "table" else None
    return "" if other is None else f": there is a {other} of that name"


def _word(attribute: str) -> str:
    return "" if attribute == "definition" else f"{attribute} "


def _tell_name(ours: DriftDifference, theirs: DriftDifference) -> str:
    return (
        f"{ours.kind} {ours.identity} differs by name only: the history calls it "
        f"{split_identity(theirs.identity)[1]}"
    )
