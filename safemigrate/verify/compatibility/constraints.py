"""The conditions that a revision puts on rows of a table that was there before."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from safemigrate.sql import quote_name
from safemigrate.verify.compatibility.relations import Relation
from safemigrate.verify.definitions import split_definition
from safemigrate.verify.differences import split_identity
from safemigrate.verify.stage import Stage

__all__ = ["NewCheck", "list_new_checks"]

_NOT_VALID = " NOT VALID"
_UNENFORCED = "enforced=no"
_CHECK = "definition=CHECK "
# Before PostgreSQL 18 the second kind is no object of its own.
_KINDS = (_CHECK, "definition=NOT NULL ")
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class NewCheck:
    """A CHECK or NOT NULL constraint; `table` and `identity` as SQL writes them."""

    table: str
    identity: str
    definition: str
    is_valid: bool

    def find_defaults(self, relation: Relation) -> frozenset[str]:
        """Return the columns that it is about if it is about a table's defaults and nothing else.

        Whether it is met by a row that is inserted without them does not hang on the row.
        """
        if quote_name(relation.name) != self.table or not self.definition.startswith(_CHECK):
            return frozenset()
        words = {*_WORD.findall(self.definition)}
        mentioned = frozenset(
            one for one in relation.columns if one in words or f'"{one}"' in self.definition
        )
        return mentioned if mentioned <= {*relation.defaulted} else frozenset()


def list_new_checks(stage: Stage) -> Iterator[NewCheck]:
    """Yield the constraints that are enforced after the revision and were not there before it."""
    for (kind, identity), definition in sorted(stage.after.objects.items()):
        if kind != "constraint" or not definition.startswith(_KINDS) or _UNENFORCED in definition:
            continue
        table = split_identity(identity)[0]
        text, *attributes = split_definition(definition)
        before = stage.before.objects.get((kind, identity), "")
        is_new = _without_validity(before) != text.removesuffix(_NOT_VALID)
        if is_new and ("table", table) in stage.before.objects:
            yield NewCheck(table, identity, text, is_valid="valid=no" not in attributes)


def _without_validity(definition: str) -> str:
    if _UNENFORCED in definition:
        return ""
    return split_definition(definition)[0].removesuffix(_NOT_VALID)
