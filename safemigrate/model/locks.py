"""Table-level lock modes and what they block.

Source: PostgreSQL manual, "Explicit Locking", tables 13.2 and 13.3; unchanged from 14 to 18.
"""

from enum import Enum
from functools import total_ordering

__all__ = ["LockMode", "blocked_commands"]


@total_ordering
class LockMode(Enum):
    """A table-level lock mode, weakest first; the value is PostgreSQL's own spelling in SQL."""

    ACCESS_SHARE = "ACCESS SHARE"
    ROW_SHARE = "ROW SHARE"
    ROW_EXCLUSIVE = "ROW EXCLUSIVE"
    SHARE_UPDATE_EXCLUSIVE = "SHARE UPDATE EXCLUSIVE"
    SHARE = "SHARE"
    SHARE_ROW_EXCLUSIVE = "SHARE ROW EXCLUSIVE"
    EXCLUSIVE = "EXCLUSIVE"
    ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE"

    @classmethod
    def from_pg_locks(cls, mode: str) -> "LockMode":
        """Return the mode that the column pg_locks.mode spells like `AccessExclusiveLock`."""
        return _BY_PG_LOCKS[mode]

    @property
    def in_pg_locks(self) -> str:
        """How the column pg_locks.mode spells it, such as `AccessExclusiveLock`."""
        return _IN_PG_LOCKS[self]

    def conflicts_with(self, other: "LockMode") -> bool:
        """Return whether the two modes cannot be held on one relation by two transactions."""
        return other in _CONFLICTS[self]

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, LockMode):
            return NotImplemented
        return _ORDER[self] < _ORDER[other]


_ORDER = {mode: position for position, mode in enumerate(LockMode)}

_IN_PG_LOCKS = {
    mode: "".join(word.capitalize() for word in mode.value.split()) + "Lock" for mode in LockMode
}
_BY_PG_LOCKS = {name: mode for mode, name in _IN_PG_LOCKS.items()}

_CONFLICTS: dict[LockMode, frozenset[LockMode]] = {
    LockMode.ACCESS_SHARE: frozenset({LockMode.ACCESS_EXCLUSIVE}),
    LockMode.ROW_SHARE: frozenset({LockMode.EXCLUSIVE, LockMode.ACCESS_EXCLUSIVE}),
    LockMode.ROW_EXCLUSIVE: frozenset(
        {
            LockMode.SHARE,
            LockMode.SHARE_ROW_EXCLUSIVE,
            LockMode.EXCLUSIVE,
            LockMode.ACCESS_EXCLUSIVE,
        }
    ),
    LockMode.SHARE_UPDATE_EXCLUSIVE: frozenset(
        {
            LockMode.SHARE_UPDATE_EXCLUSIVE,
            LockMode.SHARE,
            LockMode.SHARE_ROW_EXCLUSIVE,
            LockMode.EXCLUSIVE,
            LockMode.ACCESS_EXCLUSIVE,
        }
    ),
    LockMode.SHARE: frozenset(
        {
            LockMode.ROW_EXCLUSIVE,
            LockMode.SHARE_UPDATE_EXCLUSIVE,
            LockMode.SHARE_ROW_EXCLUSIVE,
            LockMode.EXCLUSIVE,
            LockMode.ACCESS_EXCLUSIVE,
        }
    ),
    LockMode.SHARE_ROW_EXCLUSIVE: frozenset(
        {
            LockMode.ROW_EXCLUSIVE,
            LockMode.SHARE_UPDATE_EXCLUSIVE,
            LockMode.SHARE,
            LockMode.SHARE_ROW_EXCLUSIVE,
            LockMode.EXCLUSIVE,
            LockMode.ACCESS_EXCLUSIVE,
        }
    ),
    LockMode.EXCLUSIVE: frozenset(set(LockMode) - {LockMode.ACCESS_SHARE}),
    LockMode.ACCESS_EXCLUSIVE: frozenset(LockMode),
}

# What an application runs, with the mode each takes on the table it names.
_APPLICATION_COMMANDS = (
    ("SELECT", LockMode.ACCESS_SHARE),
    ("SELECT FOR UPDATE", LockMode.ROW_SHARE),
    ("INSERT", LockMode.ROW_EXCLUSIVE),
    ("UPDATE", LockMode.ROW_EXCLUSIVE),
    ("DELETE", LockMode.ROW_EXCLUSIVE),
    ("MERGE", LockMode.ROW_EXCLUSIVE),
)


def blocked_commands(mode: LockMode) -> tuple[str, ...]:
    """Return the commands of an application that wait while another transaction holds `mode`."""
    return tuple(command for command, taken in _APPLICATION_COMMANDS if mode.conflicts_with(taken))
