"""COPY as the drivers offer it, with nothing at the other end."""

from collections.abc import Iterator, Sequence
from typing import Self

from safemigrate.sql import quote_identifier

__all__ = ["Copy", "copy_statement"]


def copy_statement(table: str, columns: Sequence[str], direction: str) -> str:
    """Return the COPY that psycopg2 sends; `direction`: FROM STDIN or TO STDOUT."""
    listed = f" ({', '.join(map(quote_identifier, columns))})" if columns else ""
    return f"COPY {quote_identifier(table)}{listed} {direction}"


class Copy:
    """What psycopg gives for a COPY: it takes whatever is written, and there is nothing to read."""

    def write(self, data: object) -> None:
        """Take a piece."""

    def write_row(self, row: object) -> None:
        """Take a row."""

    def set_types(self, types: object) -> None:
        """Take the types."""

    def read(self) -> bytes:
        """Return the end of the data."""
        return b""

    def rows(self) -> Iterator[tuple[object, ...]]:
        """Return no rows."""
        return iter(())

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...
