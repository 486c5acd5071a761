"""Tables of results, and whether they are what is aimed at."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Aims", "Column", "print_table"]


@dataclass(frozen=True, slots=True)
class Column:
    """A head and a width; negative widths are for text, which stands on the left."""

    head: str
    width: int


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Print the rows below the heads."""
    for row in ([column.head for column in columns], *rows):
        cells = (
            cell.rjust(column.width) if column.width > 0 else cell.ljust(-column.width)
            for column, cell in zip(columns, row, strict=True)
        )
        print("  ".join(cells).rstrip(), flush=True)


class Aims:
    """What is aimed at, each with the result; ends the process by whether all were met."""

    def __init__(self) -> None:
        self._missed = 0

    def check(self, aim: str, result: str, *, is_met: bool) -> None:
        """Print an aim and what came out."""
        self._missed += not is_met
        print(f"{'met   ' if is_met else 'MISSED'}  {aim:58}  {result}", flush=True)

    def end(self) -> None:
        """Exit with 1 when an aim was missed."""
        sys.exit(1 if self._missed else 0)
