"""What EXPLAIN (FORMAT JSON) says → the tree of a plan, and a few lines about it."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
from msgspec import Struct, field

from safemigrate.model import QualifiedName

__all__ = ["PlanNode", "read_plan"]

_SEQUENTIAL = "Seq Scan"
_INDEX_ONLY = "Index Only Scan"
_INDEX_SCANS = frozenset({"Index Scan", _INDEX_ONLY, "Bitmap Index Scan"})
_LINES = 4


@dataclass(frozen=True, slots=True)
class PlanNode:
    """One node of a plan.

    `relation`: the table it scans, with its schema, or that of the heap scan above it for one of
    an index; None for what scans none. `index`: the name of the index it scans.
    """

    kind: str
    relation: QualifiedName | None
    index: str | None
    cost: float
    rows: float
    children: tuple["PlanNode", ...]

    @property
    def is_sequential(self) -> bool:
        """Whether it reads a table from its beginning to its end."""
        return self.kind == _SEQUENTIAL

    @property
    def is_index_only(self) -> bool:
        """Whether it reads an index and, as a rule, not its table."""
        return self.kind == _INDEX_ONLY

    @property
    def used_index(self) -> QualifiedName | None:
        """The index it scans, which is in the schema of its table."""
        if self.kind not in _INDEX_SCANS or self.index is None:
            return None
        return QualifiedName(None if self.relation is None else self.relation.schema, self.index)

    def walk(self) -> Iterator["PlanNode"]:
        """Yield the node and all below it, from the top."""
        yield self
        for child in self.children:
            yield from child.walk()

    def describe(self) -> tuple[str, ...]:
        """Return a few lines: the top with its cost, and the scans."""
        scans = [one for one in self.walk() if one.relation is not None or one.index is not None]
        shown = [self, *(one for one in scans if one is not self)]
        lines = [one.describe_shortly() for one in shown[:_LINES]]
        if len(shown) > _LINES:
            lines.append(f"and {len(shown) - _LINES} more scans")
        return tuple(lines)

    def describe_shortly(self) -> str:
        """Return one line: what it does, on what, with which cost."""
        words = self.kind
        if self.index is not None:
            words += f" using {self.index}"
        if self.relation is not None and self.kind != "Bitmap Index Scan":
            words += f" on {self.relation}"
        return f"{words}, cost {self.cost:,.2f}, {self.rows:,.0f} rows"


class _Node(Struct, frozen=True):
    """The keys of a node that are read here."""

    kind: str = field(name="Node Type")
    cost: float = field(name="Total Cost", default=0.0)
    rows: float = field(name="Plan Rows", default=0.0)
    schema: str | None = field(name="Schema", default=None)
    relation: str | None = field(name="Relation Name", default=None)
    index: str | None = field(name="Index Name", default=None)
    plans: tuple["_Node", ...] = field(name="Plans", default=())


class _Plan(Struct, frozen=True):
    plan: _Node = field(name="Plan")


def read_plan(answer: object) -> PlanNode:
    """Return the plan in what EXPLAIN (FORMAT JSON, VERBOSE) answers, as the driver decodes it."""
    (only,) = msgspec.convert(answer, tuple[_Plan, ...])
    return _read(only.plan, None)


def _read(node: _Node, above: QualifiedName | None) -> PlanNode:
    own = None if node.relation is None else QualifiedName(node.schema, node.relation)
    relation = own or (above if node.kind.startswith("Bitmap") else None)
    return PlanNode(
        node.kind,
        relation,
        node.index,
        node.cost,
        node.rows,
        tuple(_read(child, relation) for child in node.plans),
    )
