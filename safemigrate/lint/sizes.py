"""Findings about how long something lasts, where it is soon over: the table is small."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from safemigrate.lint.registry import rules
from safemigrate.model import (
    Catalog,
    ExplainedStatement,
    Finding,
    Passage,
    QualifiedName,
    RelationKind,
    Severity,
    Table,
)
from safemigrate.rulekit import Family

__all__ = ["lower_small"]

_LASTING = frozenset({Family.LOCKS, Family.REWRITES})


def lower_small(findings: Iterable[Finding], passage: Passage, rows: int) -> Iterator[Finding]:
    """Yield the findings, as infos where all that their statement reads or rewrites is small.

    Only those of the families `LOCKS` and `REWRITES`. `rows`: up to how many rows a table is
    small; what is not known is not.
    """
    statements = {item.statement.ordinal: item for item in passage.statements}
    for finding in findings:
        item = None if finding.ordinal is None else statements.get(finding.ordinal)
        if item is None or rules()[finding.rule].family not in _LASTING:
            yield finding
        else:
            yield _lower(finding, _count_rows(item), rows)


def _lower(finding: Finding, counts: Mapping[QualifiedName, int | None], rows: int) -> Finding:
    if not counts or finding.severity is Severity.INFO:
        return finding
    known = {name: count for name, count in counts.items() if count is not None}
    if len(known) < len(counts) or max(known.values()) > rows:
        return finding
    sizes = " and ".join(f"{name} has {_describe(count)}" for name, count in known.items())
    small = (
        f"in the snapshot {sizes}, not more than small-table-rows = {rows}, so it is soon over and "
        "this is only an info"
    )
    why = "; ".join(part for part in (finding.why, small) if part)
    return replace(finding, severity=Severity.INFO, why=why)


def _describe(rows: int) -> str:
    return "1 row" if rows == 1 else f"{rows} rows"


def _count_rows(item: ExplainedStatement) -> Mapping[QualifiedName, int | None]:
    """Return how many rows there are in each table that the statement reads or rewrites.

    The partitions of a table that is locked with them are a part of it; it counts whole.
    """
    if not item.events:
        return {}
    catalog = item.events[0].before
    locked = {lock.relation for lock in item.facts.locks}
    found: dict[QualifiedName, int | None] = {}
    for name in (*item.facts.rewrites, *item.facts.scans):
        table = _table_of(catalog, name)
        while table is not None and table.partition_of in locked:
            table = catalog.table(table.partition_of)
        if table is None:
            found[name] = None
        else:
            found[table.name] = _rows_of(catalog, table)
    return found


def _table_of(catalog: Catalog, name: QualifiedName) -> Table | None:
    """Return the table of that name, or the one that the index of that name is on."""
    index = catalog.index(name)
    return catalog.table(name if index is None else index.table)


def _rows_of(catalog: Catalog, table: Table) -> int | None:
    if table.kind is not RelationKind.PARTITIONED_TABLE:
        return table.row_count
    leaves = [
        part.row_count
        for part in catalog.partitions_of(table.name)
        if part.kind is not RelationKind.PARTITIONED_TABLE
    ]
    known = [count for count in leaves if count is not None]
    return sum(known) if len(known) == len(leaves) else None
