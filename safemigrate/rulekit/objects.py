"""Types, routines and sequences: whether they were there before, and are there afterwards."""

from collections.abc import Collection

from safemigrate.model import Catalog, Confidence, DropObject, Event, QualifiedName
from safemigrate.rulekit.context import Context

__all__ = ["ROUTINES", "confidence_of_drop", "is_new_object", "is_there_after"]

ROUTINES = frozenset({"AGGREGATE", "FUNCTION", "PROCEDURE", "ROUTINE"})
"""The kinds of object that are called."""


def is_new_object(context: Context, event: Event, kind: str, name: QualifiedName) -> bool:
    """Return whether the object was made by this migration, so that nobody uses it yet.

    `kind`: as in `DropObject`. What the history does not show is taken to be there before.
    """
    resolved = event.before.resolve(name)
    is_known = resolved in _known(event.before, kind)
    return is_known and resolved not in _known(context.passage.before, kind)


def is_there_after(context: Context, event: Event, kind: str, name: QualifiedName) -> bool:
    """Return whether there is such an object of that name when the migration has run."""
    return event.before.resolve(name) in _known(context.passage.after, kind)


def confidence_of_drop(event: Event, action: DropObject) -> Confidence | None:
    """Return LOW for IF EXISTS where the history does not show the object, else None.

    Something else may have made it.
    """
    is_known = event.before.resolve(action.name) in _known(event.before, action.kind)
    return Confidence.LOW if action.takes_missing and not is_known else None


def _known(catalog: Catalog, kind: str) -> Collection[QualifiedName]:
    match kind:
        case "SEQUENCE":
            return catalog.sequences
        case "DOMAIN" | "TYPE":
            return catalog.enums.keys() | catalog.domains.keys()
        case _ if kind in ROUTINES:
            return catalog.functions.keys()
    return ()
