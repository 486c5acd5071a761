"""Which tables, views and statements a revision may have to do with."""

import re
from collections.abc import Iterator, Sequence

from safemigrate.sql import quote_name
from safemigrate.verify.compatibility.relations import Relation, Relations
from safemigrate.verify.compatibility.statements import ReleaseStatement
from safemigrate.verify.differences import split_identity
from safemigrate.verify.stage import Stage

__all__ = ["find_affected", "keep_affected"]

# So few are all tried, in about a second.
_FEW = 500
_WORD = re.compile(r"[^\W\d]\w*")
_PARTS = frozenset({"column", "constraint", "policy", "rule", "trigger"})
_ROUTINES = frozenset({"function", "procedure"})
_WHOLES = frozenset({"materialized view", "table", "view"})
_OF_ROW = re.compile(r"\b(?:new|old)\.\w+")
# How pg_get_triggerdef ends, but for the arguments.
_CALL = re.compile(r" EXECUTE (?:FUNCTION|PROCEDURE) ([^(]+)\(")
# Their names stand in statements, and their definitions name what they use.
_USED = frozenset(
    {"aggregate", "column", "domain", "function", "materialized view", "policy", "procedure"}
    | {"rule", "trigger", "view"}
)


def find_affected(stage: Stage, relations: Relations) -> list[Relation]:
    """Return the tables that the revision locks, and those and the views that it changes.

    Among the latter are those whose triggers run what it changes, or use it.
    """
    changed: set[str] = set()
    for kind, identity in _list_changes(stage):
        changed.add(split_identity(identity)[0] if kind in _PARTS else identity)
    changed |= _find_triggering(stage)
    touched = stage.touched
    return [
        one
        for one in relations
        if quote_name(one.name) in changed or (one.is_table and one.name in touched)
    ]


def _find_triggering(stage: Stage) -> set[str]:
    """Return the tables whose triggers run a function that is changed, or mentions what is.

    For the body of a function the server keeps no account of what it uses, so a name in it counts
    wherever it stands, but for columns of the row at hand. One table too many is tried in vain.
    """
    names = {_bare_name(kind, identity) for kind, identity in _list_changes(stage)} - {""}
    found: set[str] = set()
    for snapshot in (stage.before, stage.after):
        routines = [
            (_bare_name(kind, identity), {*_WORD.findall(_OF_ROW.sub("", definition.lower()))})
            for (kind, identity), definition in snapshot.objects.items()
            if kind in _ROUTINES
        ]
        reached = _reach(names, routines)
        for (kind, identity), definition in snapshot.objects.items():
            call = _CALL.search(definition) if kind == "trigger" else None
            if call is not None and split_identity(call[1])[1].strip('"').lower() in reached:
                found.add(split_identity(identity)[0])
    return found


def _reach(names: set[str], users: Sequence[tuple[str, set[str]]]) -> set[str]:
    """Return the names, and those of the users that mention one of them, however far away."""
    reached = {*names}
    is_growing = True
    while is_growing:
        more = {own for own, mentioned in users if not reached.isdisjoint(mentioned)} - reached
        reached |= more
        is_growing = bool(more)
    return reached


def _bare_name(kind: str, identity: str) -> str:
    """Return the name of a routine, table or view, without schema and quotes; empty for others.

    What is part of a table goes by the name of the table.
    """
    if kind in _ROUTINES:
        identity = identity.partition("(")[0]
    elif kind in _PARTS:
        identity = split_identity(identity)[0]
    elif kind not in _WHOLES:
        return ""
    name = split_identity(identity)[1].strip('"').lower()
    return name if _WORD.fullmatch(name) else ""


def keep_affected(
    statements: Sequence[ReleaseStatement], stage: Stage
) -> Sequence[ReleaseStatement]:
    """Return the statements that may have to do with the revision; all where they are few.

    One is left out if no name in it is that of a table that the revision locks, of an object that
    it changes, or of anything whose definition mentions one of these, however far away.
    """
    if len(statements) <= _FEW:
        return statements
    names = _find_names(stage)
    return [one for one in statements if not names.isdisjoint(_WORD.findall(one.sql.lower()))]


def _find_names(stage: Stage) -> set[str]:
    names = {name.name.lower() for name in stage.touched}
    for kind, identity in _list_changes(stage):
        names.update(_words(kind, identity))
    users = [
        (_words(kind, identity), {*_WORD.findall(definition.lower())})
        for snapshot in (stage.before, stage.after)
        for (kind, identity), definition in snapshot.objects.items()
        if kind in _USED
    ]
    is_growing = True
    while is_growing:
        is_growing = False
        for own, mentioned in users:
            if not own <= names and not names.isdisjoint(mentioned):
                names |= own
                is_growing = True
    return names


def _list_changes(stage: Stage) -> Iterator[tuple[str, str]]:
    before, after = stage.before.objects, stage.after.objects
    for key in before.keys() | after.keys():
        if before.get(key) != after.get(key):
            yield key


def _words(kind: str, identity: str) -> set[str]:
    """Return the words that name an object, or the table that it is a part of."""
    words = _WORD.findall(identity.partition("(")[0].lower())
    if kind not in {"schema", "extension"}:
        words = words[1:] or words
    if kind == "column":
        words = words[:-1]
    return {*words}
