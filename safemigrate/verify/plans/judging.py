"""What a plan has otherwise than it is expected."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from safemigrate.model import QualifiedName
from safemigrate.verify.plans.expectations import Expectation, Pruning
from safemigrate.verify.plans.trees import PlanNode

__all__ = ["Relations", "find_shortfalls", "is_named"]


@dataclass(frozen=True, slots=True)
class Relations:
    """Which tables and indexes there are, and what each is a partition of, or inherits from.

    `partitions`: the tables that are partitions, and are not partitioned themselves.
    """

    names: frozenset[QualifiedName] = frozenset()
    parents: Mapping[QualifiedName, QualifiedName] = field(default_factory=dict)
    partitions: frozenset[QualifiedName] = frozenset()

    def has(self, wanted: QualifiedName) -> bool:
        """Return whether there is a relation of that name, in any schema where none is said."""
        return any(is_named(wanted, name) for name in self.names)

    def lineage(self, name: QualifiedName) -> Iterator[QualifiedName]:
        """Yield the relation and what it is a part of, up to the root."""
        seen: set[QualifiedName] = set()
        while name not in seen:
            seen.add(name)
            yield name
            name = self.parents.get(name, name)

    def is_part(self, name: QualifiedName | None, wanted: QualifiedName) -> bool:
        """Return whether a relation is the wanted one, or a part of it."""
        return name is not None and any(is_named(wanted, one) for one in self.lineage(name))


def find_shortfalls(
    expectation: Expectation, plan: PlanNode, relations: Relations
) -> tuple[str, ...]:
    """Return a line for each thing that is expected and is not so; empty where all is."""
    nodes = tuple(plan.walk())
    lines = [
        *_find_unused(expectation, nodes, relations),
        *_find_scanned(expectation, nodes, relations),
    ]
    if expectation.pruning is not None:
        lines += _find_unpruned(expectation.pruning, nodes, relations)
    if expectation.is_index_only:
        lines += _find_heap_readers(expectation, nodes, relations)
    return tuple(lines)


def is_named(wanted: QualifiedName, name: QualifiedName) -> bool:
    """Return whether a relation has the wanted name, in any schema where that says none."""
    return wanted.name == name.name and wanted.schema in {None, name.schema}


def _find_unused(
    expectation: Expectation, nodes: Iterable[PlanNode], relations: Relations
) -> Iterator[str]:
    for index in expectation.uses:
        if any(relations.is_part(node.used_index, index) for node in nodes):
            continue
        why = "" if relations.has(index) else ": there is no such index"
        yield f'index "{index}" is not used{why}'


def _find_scanned(
    expectation: Expectation, nodes: Iterable[PlanNode], relations: Relations
) -> Iterator[str]:
    for table in expectation.unscanned:
        readers = [node for node in nodes if relations.is_part(node.relation, table)]
        scans = [node for node in readers if node.is_sequential]
        if scans:
            yield f'"{scans[0].relation}" is read by a sequential scan'
        elif not relations.has(table):
            yield f'there is no table "{table}"'
        elif not readers:
            # a plan without the table would fulfil any expectation of it
            yield f'"{table}" is not read at all'


def _find_unpruned(
    pruning: Pruning, nodes: Iterable[PlanNode], relations: Relations
) -> Iterator[str]:
    read: dict[QualifiedName, set[QualifiedName]] = defaultdict(set)
    for node in nodes:
        if node.relation in relations.partitions and node.relation is not None:
            *_, root = relations.lineage(node.relation)
            read[root].add(node.relation)
    if not read:
        yield "no partition is read"
    for root, parts in sorted(read.items()):
        if pruning.at_most is not None and len(parts) > pruning.at_most:
            yield f'{len(parts)} partitions of "{root}" are read, not {pruning.at_most} at most'
        elif pruning.at_most is None:
            for part in sorted(parts):
                if not any(relations.is_part(part, wanted) for wanted in pruning.to):
                    yield f'partition "{part}" is read'


def _find_heap_readers(
    expectation: Expectation, nodes: Iterable[PlanNode], relations: Relations
) -> Iterator[str]:
    for index in expectation.uses:
        used = [node for node in nodes if relations.is_part(node.used_index, index)]
        for node in used:
            if not node.is_index_only:
                yield f'index "{index}" is used by {_article(node.kind)}, not by an Index Only Scan'
                break
    if expectation.uses:
        return
    scans = [node for node in nodes if node.relation is not None and node.kind.endswith("Scan")]
    readers = [node for node in scans if not node.is_index_only]
    if readers:
        yield f'"{readers[0].relation}" is read by {_article(readers[0].kind)}, not index-only'
    elif not scans:
        yield "no table is read"


def _article(kind: str) -> str:
    return f"an {kind}" if kind[:1] in "AEIOU" else f"a {kind}"
