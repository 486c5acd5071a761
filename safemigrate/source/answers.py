"""Answers to questions about the session, which every server of a version gives alike."""

import re

from safemigrate.source.tape import Tape

__all__ = ["known_answer"]

_KNOWN = (
    (re.compile(r"SELECT\s+(?:pg_catalog\s*\.\s*)?version\s*\(\s*\)", re.IGNORECASE), "version"),
    (re.compile(r"\bserver_version_num\b", re.IGNORECASE), "number"),
    (re.compile(r"SHOW\s+server_version\b", re.IGNORECASE), "short"),
    (re.compile(r"SHOW\s+standard_conforming_strings\b", re.IGNORECASE), "on"),
    (
        re.compile(
            r"SHOW\s+(?:transaction isolation level|transaction_isolation)\b", re.IGNORECASE
        ),
        "read committed",
    ),
)
_TRY_LOCK = re.compile(r"SELECT\s+pg_try_advisory_(?:xact_)?lock(?:_shared)?\b", re.IGNORECASE)
_ONE = re.compile(r"SELECT\s+1\s*$", re.IGNORECASE)


_SCHEMA = re.compile(r"SELECT\s+current_schema\s*(?:\(\s*\))?\s*$", re.IGNORECASE)
_SEARCH_PATH = re.compile(r"SHOW\s+search_path\b", re.IGNORECASE)


def known_answer(sql: str, tape: Tape) -> tuple[object, ...] | None:
    """Return the one row that answers the question; None when it is another kind of question."""
    text, major = sql.strip(), tape.version.major
    if _TRY_LOCK.match(text):
        return (True,)
    if _ONE.match(text):
        return (1,)
    for pattern, answer in _KNOWN:
        if pattern.search(text) if answer == "number" else pattern.match(text):
            return (
                {
                    "version": f"PostgreSQL {major}.0",
                    "number": f"{major}0000",
                    "short": f"{major}.0",
                }.get(answer, answer),
            )
    if _SCHEMA.match(text):
        return (tape.schema.known().catalog.search_path[0],)
    if _SEARCH_PATH.match(text):
        settings = tape.schema.known().catalog.settings
        return (settings.get("search_path", '"$user", public'),)
    return None
