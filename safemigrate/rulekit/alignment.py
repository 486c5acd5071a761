"""How much of a row is padding, by the order of its columns.

Manual: "Database Page Layout", 66.6.1, Table Row Layout; lengths and alignments are typlen and
typalign of the catalog pg_type.
"""

from collections.abc import Sequence
from itertools import groupby

__all__ = ["FIXED_LENGTHS", "Width", "best_order", "count_padding"]

Width = tuple[int, int]
"""Length of a value and what its offset must be a multiple of, both in bytes."""

FIXED_LENGTHS = {
    "bigint": (8, 8),
    "boolean": (1, 1),
    "box": (32, 8),
    "char": (1, 1),
    "circle": (24, 8),
    "date": (4, 4),
    "double precision": (8, 8),
    "integer": (4, 4),
    "interval": (16, 8),
    "line": (24, 8),
    "lseg": (32, 8),
    "macaddr": (6, 4),
    "macaddr8": (8, 4),
    "money": (8, 8),
    "name": (64, 1),
    "oid": (4, 4),
    "pg_lsn": (8, 8),
    "point": (16, 8),
    "real": (4, 4),
    "smallint": (2, 2),
    "time with time zone": (12, 8),
    "time without time zone": (8, 8),
    "timestamp with time zone": (8, 8),
    "timestamp without time zone": (8, 8),
    "tid": (6, 2),
    "uuid": (16, 1),
    "xid": (4, 4),
}
"""The types whose values all have one length, by the names of `ColumnType`."""

_LARGEST = 8


def count_padding(columns: Sequence[Width | None]) -> int:
    """Return how many bytes of a row without NULL are padding, at least.

    `columns`: in their order; None for a value whose length depends on it, behind which any offset
    is possible.
    """
    padding, is_first = 0, True
    for is_fixed, group in groupby(columns, key=lambda width: width is not None):
        if is_fixed:
            run = [width for width in group if width is not None]
            starts = (0,) if is_first else range(_LARGEST)
            padding += min(_pad(run, start) for start in starts)
        is_first = False
    return padding


def _pad(run: Sequence[Width], offset: int) -> int:
    padding = 0
    for length, alignment in run:
        gap = -offset % alignment
        padding += gap
        offset += gap + length
    return padding


def best_order(columns: Sequence[tuple[str, Width | None]]) -> list[str]:
    """Return the names in an order without padding: the widest alignment first, others last."""

    def place(column: tuple[str, Width | None]) -> int:
        width = column[1]
        return 0 if width is None else -width[1]

    return [name for name, _ in sorted(columns, key=place)]
