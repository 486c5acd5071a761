"""What Alembic sends about its own version table, in the SQL that `alembic upgrade --sql` writes.

It is no part of the migrations: when it runs them itself, it does the same beside them.
"""

import re
from collections.abc import Iterable, Iterator

from safemigrate.sql import RawStatement

__all__ = ["leave_out_version_table"]

_PART = r'(?:"[^"]+"|\w+)'
_TABLE = rf"(?P<table>{_PART}(?:\.{_PART})?)"

# As Alembic's MigrationContext and HeadMaintainer write them, whatever the table's name.
_SENT = tuple(
    re.compile(pattern.replace("<part>", _PART).replace("<table>", _TABLE), re.IGNORECASE)
    for pattern in (
        r"CREATE TABLE <table> \( ?version_num VARCHAR\(32\) NOT NULL ?\)",
        (
            r"CREATE TABLE <table> \( ?version_num VARCHAR\(32\) NOT NULL,"
            r" CONSTRAINT <part> PRIMARY KEY \(version_num\) ?\)"
        ),
        (
            r"INSERT INTO <table> \(version_num\) VALUES \('[^']*'\)"
            r"(?: RETURNING (?P=table)\.version_num)?"
        ),
        r"UPDATE <table> SET version_num ?= ?'[^']*' WHERE (?P=table)\.version_num = '[^']*'",
        r"DELETE FROM <table> WHERE (?P=table)\.version_num = '[^']*'",
    )
)
_DROP = re.compile(rf"DROP TABLE {_TABLE}", re.IGNORECASE)


def leave_out_version_table(pieces: Iterable[RawStatement]) -> Iterator[RawStatement]:
    """Yield the statements of a file but for those about the version table, as Alembic writes them.

    That it is dropped is known by its standard name, or one that a statement before has shown.
    """
    tables = {"alembic_version"}
    for piece in pieces:
        words = " ".join(piece.sql.split())
        dropped = _DROP.fullmatch(words)
        if dropped is not None and _bare(dropped["table"]) in tables:
            continue
        sent = next(filter(None, (pattern.fullmatch(words) for pattern in _SENT)), None)
        if sent is None:
            yield piece
        else:
            tables.add(_bare(sent["table"]))


def _bare(table: str) -> str:
    return table.rpartition(".")[2].strip('"')
