"""Column types that nobody knows here, and who is told of stand-ins that decide something."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.sql import type_api
from sqlalchemy.types import UserDefinedType

from safemigrate.model import UNKNOWN_TYPE_SCHEMA

__all__ = ["StandInType", "Uses", "is_asked_for_type"]

_NAME_LENGTH = 63  # of an identifier; manual, "Identifiers and Key Words"


@dataclass(slots=True)
class Uses:
    """Told whenever what runs, or what is sent, depends on a stand-in.

    `on_use`: called with the reason; it finds by itself which revision is running.
    `takes_calls`: whether it is told of calls, whose result nobody looked at.
    `connect`: gives a connection that is recorded, in the place of a stand-in that is taken for
    one; None where no connection of the migrations can be meant.
    """

    on_use: Callable[[str], None] | None = None
    takes_calls: bool = True
    connect: Callable[[], Connection] | None = None

    def tell(self, origin: str, verb: str = "uses") -> None:
        """Say that the stand-in for `origin` was looked at.

        What a module does while it is imported is its own business.
        """
        self.say(f'{verb} "{origin}", which cannot be loaded here')

    def say(self, reason: str) -> None:
        """Say that what runs depends on something that is not here."""
        if self.on_use is not None and not _is_importing():
            self.on_use(reason)


def _is_importing() -> bool:
    """Return whether the code that runs now is a module being imported, not a revision."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - the public ways build the whole stack
    while frame is not None:
        # Alembic loads a revision by exec_module() too, but not through this
        if frame.f_code.co_name == "_load_unlocked":
            return True
        frame = frame.f_back
    return False


class StandInType(UserDefinedType[Any]):
    """A column type nobody knows here: a name in a schema that no database has."""

    cache_ok = True

    def __init__(self, origin: str) -> None:
        self.origin = origin

    def get_col_spec(self, **kw: object) -> str:
        """Return the name as PostgreSQL reads it."""
        del kw
        name = self.origin[-_NAME_LENGTH:].replace('"', "")
        return f'{UNKNOWN_TYPE_SCHEMA}."{name}"'

    def literal_processor(self, dialect: object) -> Callable[[Any], str]:
        """Write a value as a constant of text."""
        del dialect
        return lambda value: "'" + str(value).replace("'", "''") + "'"


def is_asked_for_type() -> bool:
    """Return whether SQLAlchemy makes the instance of a column type out of what it was given."""
    return sys._getframe(2).f_code is type_api.to_instance.__code__  # noqa: SLF001 - only the caller tells what is wanted
