"""Versions of the server."""

from dataclasses import dataclass

__all__ = ["NEWEST_VERSION", "OLDEST_VERSION", "ServerVersion"]


@dataclass(frozen=True, slots=True, order=True)
class ServerVersion:
    """A major version of PostgreSQL, such as 17."""

    major: int

    def __str__(self) -> str:
        return str(self.major)


OLDEST_VERSION = ServerVersion(14)
NEWEST_VERSION = ServerVersion(18)
