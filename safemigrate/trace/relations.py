"""The relations of a database by oid: a dropped or renamed one is known only from before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from safemigrate.model import QualifiedName

__all__ = ["Ask", "Relation", "is_hidden", "read_relations"]

# Sends a query that has no parameters and returns its rows.
Ask = Callable[[str], Sequence[Sequence[Any]]]

# Objects that initdb made have smaller oids (postgres: src/include/access/transam.h,
# FirstNormalObjectId).
_RELATIONS = """
SELECT c.oid::bigint, n.nspname, c.relname, c.relkind::text,
       coalesce(i.indrelid, d.refobjid, 0)::bigint,
       pg_catalog.pg_relation_filenode(c.oid)::bigint
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
  LEFT JOIN pg_catalog.pg_depend d ON c.relkind = 'S' AND d.deptype IN ('a', 'i')
   AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
   AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
 WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'i', 'I', 'm', 'S', 'f', 't', 'v')
"""


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation as pg_class has it.

    `kind`: pg_class.relkind. `table`: the oid of the table of an index, or of the one that
    owns a sequence; 0 for all others.
    `filenode`: None for what has no storage.
    """

    oid: int
    name: QualifiedName
    kind: str
    table: int
    filenode: int | None

    @property
    def is_index(self) -> bool:
        """Whether it is an index, partitioned or not."""
        return self.kind in "iI"

    @property
    def has_rows(self) -> bool:
        """Whether it stores rows that a statement can write anew."""
        return self.kind in "rm"


def read_relations(ask: Ask) -> dict[int, Relation]:
    """Return every relation of the database but the system's own, by oid."""
    return {
        oid: Relation(oid, QualifiedName(schema, name), kind, table, filenode)
        for oid, schema, name, kind, table, filenode in ask(_RELATIONS)
    }


# The schema of our own books: the history, and the roles of a throwaway database.
_OURS = "safemigrate"


def is_hidden(relation: Relation) -> bool:
    """Return whether a project never names it: a TOAST table, another's temporary one, ours."""
    schema = relation.name.schema or ""
    return relation.kind == "t" or schema == _OURS or schema.startswith(("pg_toast", "pg_temp"))
