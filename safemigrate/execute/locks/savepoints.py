"""Savepoints, by whoever they are set."""

import re
from dataclasses import dataclass

__all__ = ["SavepointCommand", "read_savepoint"]

# https://www.postgresql.org/docs/current/sql-savepoint.html
# https://www.postgresql.org/docs/current/sql-rollback-to.html
_COMMAND = re.compile(
    r"""\s*(?P<verb>SAVEPOINT|RELEASE(?:\s+SAVEPOINT)?
        |ROLLBACK(?:\s+(?:WORK|TRANSACTION))?\s+TO(?:\s+SAVEPOINT)?)
        \s+(?P<name>[^\W\d][\w$]*|"(?:[^"]|"")+")\s*;?\s*""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class SavepointCommand:
    """A text that sets a savepoint, goes back to one if `goes_back`, or, with neither, drops it."""

    name: str
    sets: bool
    goes_back: bool


def read_savepoint(sql: str) -> SavepointCommand | None:
    """Return what the text does with a savepoint, None where it does anything else."""
    found = _COMMAND.fullmatch(sql)
    if found is None:
        return None
    verb, name = found["verb"].upper(), found["name"]
    name = name if name.startswith('"') else f'"{name.lower()}"'
    return SavepointCommand(name, verb == "SAVEPOINT", verb.startswith("ROLLBACK"))
