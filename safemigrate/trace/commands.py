"""What the text of a statement tells the tracer before the server has seen it."""

import re

__all__ = [
    "changes_rows",
    "is_catalog_read",
    "is_planned",
    "is_transaction_start",
    "is_truncation",
    "runs_body",
    "runs_in_transaction",
]

_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_FIRST_WORDS = re.compile(r"\s*(\w+)(?:\s+(\w+))?")

# Commands that the server runs as well inside a transaction block as outside. Left out on purpose:
# VACUUM, CREATE DATABASE, ALTER SYSTEM, CALL and DO (which may COMMIT), REINDEX and CLUSTER (of
# several tables), and whatever says CONCURRENTLY.
_TRANSACTIONAL = frozenset(
    {
        "analyze", "comment", "copy", "delete", "grant", "insert", "lock", "merge", "refresh",
        "reset", "revoke", "select", "set", "show", "truncate", "update", "with",
    }
)  # fmt: skip
_DEFINING = frozenset({"alter", "create", "drop"})
_DEFINED = frozenset(
    {
        "aggregate", "cast", "collation", "default", "domain", "extension", "foreign", "function",
        "index", "materialized", "or", "policy", "procedure", "publication", "role", "rule",
        "schema", "sequence", "server", "statistics", "table", "trigger", "unique", "unlogged",
        "view",
    }
)  # fmt: skip
_PLANNED = frozenset({"copy", "delete", "insert", "merge", "refresh", "select", "update", "with"})
_NEVER = re.compile(r"\b(concurrently|commit|rollback)\b", re.IGNORECASE)
_REWRITING = re.compile(r"\b(alter|cluster|vacuum|refresh)\b", re.IGNORECASE)
_FROM_CATALOG = re.compile(r"\bfrom\s+pg_catalog\.", re.IGNORECASE)
_FROM_QUERY = re.compile(r"\bas\s*\(?\s*(select|table|values|with)\b", re.IGNORECASE)
_TRUNCATING = re.compile(r"\btruncate\b", re.IGNORECASE)


def _first_words(sql: str) -> tuple[str, str]:
    match = _FIRST_WORDS.match(_COMMENTS.sub(" ", sql))
    if match is None:
        return "", ""
    return match[1].lower(), (match[2] or "").lower()


def runs_in_transaction(sql: str) -> bool:
    """Return whether the statement surely does the same in a transaction block as outside one."""
    first, second = _first_words(sql)
    if first == "refresh":
        return True
    if _NEVER.search(sql):
        return False
    return first in _TRANSACTIONAL or (first in _DEFINING and second in _DEFINED)


def is_transaction_start(sql: str) -> bool:
    """Return whether the statement must come before any query, or begins a transaction itself."""
    words = _first_words(sql)
    return words[0] in {"begin", "start"} or words == ("set", "transaction")


def is_transaction_end(sql: str) -> bool:
    """Return whether the statement ends a transaction, if there is one."""
    return _first_words(sql)[0] in {"abort", "commit", "end", "rollback"}


def waits_for_readers(sql: str) -> bool:
    """Return whether the statement waits for readers once it has every lock it needs.

    So do CREATE INDEX, DROP INDEX and REINDEX, CONCURRENTLY; not DETACH PARTITION, which takes
    more afterwards.
    """
    is_index_command = _first_words(sql)[0] in {"create", "drop", "reindex"}
    return is_index_command and "concurrently" in sql.lower()


def takes_one_lock(sql: str) -> bool:
    """Return whether the first lock the statement takes on a table is all that others wait for.

    VACUUM's is; with FULL it shuts the indexes afterwards, as CLUSTER and REINDEX do.
    """
    return _first_words(sql)[0] == "vacuum" and "full" not in sql.lower()


def skips_locked(sql: str) -> bool:
    """Return whether the statement leaves out what it would have to wait for."""
    return "skip_locked" in sql.lower()


def is_truncation(sql: str) -> bool:
    """Return whether a new file under a table means that it was emptied, not rewritten."""
    return bool(_TRUNCATING.search(sql)) and not _REWRITING.search(sql)


def is_catalog_read(sql: str) -> bool:
    """Return whether it is a query over the system catalogs, as SQLAlchemy's reflection sends."""
    return _first_words(sql)[0] == "select" and bool(_FROM_CATALOG.search(sql))


def changes_rows(sql: str) -> bool:
    """Return whether the statement writes rows that the triggers of foreign keys may look at."""
    return _first_words(sql)[0] in {"copy", "delete", "insert", "merge", "update", "with"}


def runs_body(sql: str) -> bool:
    """Return whether the statement runs a body, whose queries the planner plans each by itself."""
    return _first_words(sql)[0] in {"call", "do"}


def is_planned(sql: str) -> bool:
    """Return whether the planner chooses how the statement reads its tables."""
    first = _first_words(sql)[0]
    return first in _PLANNED or (first == "create" and bool(_FROM_QUERY.search(sql)))
