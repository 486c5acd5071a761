"""Files of other databases: told by what is written in them, and by their folders."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from safemigrate.errors import SqlSyntaxError
from safemigrate.source.sql_tools.placeholders import fill_placeholders
from safemigrate.sql import blank_psql, read_actions, split_statements
from safemigrate.sql.lexing import lex

__all__ = [
    "find_dialect",
    "find_vendor",
    "is_our_folder",
    "leave_out_vendors",
    "tell_left_out",
]

_MARKS = {
    "MySQL": re.compile(
        r"`\w+`|\bAUTO_INCREMENT\b|\bENGINE\s*=|^\s*DELIMITER\s|\bUNSIGNED\b|\bTINYINT\b",
        re.IGNORECASE | re.MULTILINE,
    ),
    "SQL Server": re.compile(
        r"^\s*GO\s*$|\[dbo\]|\bIDENTITY\s*\(\s*\d+\s*,\s*\d+\s*\)|\bNVARCHAR\s*\(|\bsp_rename\b",
        re.IGNORECASE | re.MULTILINE,
    ),
    "SQLite": re.compile(r"\bAUTOINCREMENT\b|^\s*PRAGMA\s", re.IGNORECASE | re.MULTILINE),
    "Oracle": re.compile(
        r"\bN?VARCHAR2\s*\(|\bNUMBER\s*\(|^\s*/\s*$|\bENABLE\s+VALIDATE\b",
        re.IGNORECASE | re.MULTILINE,
    ),
}
# What is in any text that has a mark, in small letters: looked for first, because it is quick.
_HINTS = {
    "MySQL": ("`", "auto_increment", "engine", "delimiter", "unsigned", "tinyint"),
    "SQL Server": ("go", "[dbo]", "identity", "nvarchar", "sp_rename"),
    "SQLite": ("autoincrement", "pragma"),
    "Oracle": ("varchar2", "number", "/\n", "/\r", "validate"),
}
_VENDORS = {
    "h2": "H2",
    "mariadb": "MariaDB",
    "mssql": "SQL Server",
    "mysql": "MySQL",
    "oracle": "Oracle",
    "sqlite": "SQLite",
    "sqlite3": "SQLite",
    "sqlserver": "SQL Server",
}
_OURS = frozenset({"pg", "pgsql", "postgres", "postgresql"})


def find_vendor(folder: str) -> str:
    """Return the other database that a folder is named after; empty for any other name."""
    return _VENDORS.get(folder.lower(), "")


def is_our_folder(folder: str) -> bool:
    """Return whether a folder is named after PostgreSQL."""
    return folder.lower() in _OURS


def find_dialect(text: str, *, folder: str = "") -> str:
    """Return the other database that a file is written for; empty when it may be PostgreSQL.

    It is of another one only if some of it does not parse as PostgreSQL, and each such statement
    shows a mark of the other, or the `folder` it stands in has the other's name.
    """
    named = find_vendor(folder)
    lowered = text.lower()
    marks = {
        name: mark
        for name, mark in _MARKS.items()
        if any(hint in lowered for hint in _HINTS[name]) and mark.search(text)
    }
    if not marks and not named:
        return ""
    script = fill_placeholders(blank_psql(text)[0]).text
    broken = [one.sql for one in split_statements(script) if not _is_ours(one.sql)]
    if not broken:
        return ""
    if named:
        return named
    bare = [_blank_quoted(sql) for sql in broken]
    return next((name for name, mark in marks.items() if all(mark.search(sql) for sql in bare)), "")


def _blank_quoted(sql: str) -> str:
    """Return the statement with a blank in the place of each string and comment."""
    pieces = []
    end = 0
    for kind, start, stop in lex(sql):
        if kind in {"block", "comment", "string"}:
            pieces += [sql[end:start], " "]
            end = stop
    return "".join([*pieces, sql[end:]])


def _is_ours(sql: str) -> bool:
    try:
        read_actions(sql)
    except SqlSyntaxError:
        return False
    return True


def leave_out_vendors(files: Iterable[Path]) -> tuple[list[Path], tuple[str, ...]]:
    """Return the files without those in a folder of another database beside one of PostgreSQL.

    The second value says how many that are.
    """
    listed = list(files)
    parents = {one for file in listed for one in file.parents}
    homes = {one.parent for one in parents if is_our_folder(one.name)}
    kept: list[Path] = []
    counts: Counter[str] = Counter()
    for file in listed:
        vendors = (find_vendor(one.name) for one in file.parents if one.parent in homes)
        vendor = next(filter(None, vendors), "")
        if vendor:
            counts[vendor] += 1
        else:
            kept.append(file)
    return kept, tell_left_out(counts)


def tell_left_out(counts: Counter[str], names: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the sentence about the files of other databases, none when there are none."""
    if not counts:
        return ()
    total = counts.total()
    what = "1 file is" if total == 1 else f"{total} files are"
    listed = ", ".join(f"{name} {number}" for name, number in sorted(counts.items()))
    where = f": {', '.join(names)}" if names else ""
    return (f"{what} left out, written for another database ({listed}){where}",)
