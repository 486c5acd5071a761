"""The Alembic code of a recipe, in the revisions that it takes."""

import re
from dataclasses import dataclass

from safemigrate.recipes.steps import NEXT_REVISION, WHY_NEXT

__all__ = ["RevisionPart", "part_revisions"]

_NEXT = re.compile(rf"^# {NEXT_REVISION}, (?P<why>.*):$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RevisionPart:
    """What one revision of a recipe does; `note`: what must be true before it runs, or empty."""

    code: str
    note: str = ""


def part_revisions(alembic: str) -> tuple[RevisionPart, ...]:
    """Return the Alembic code of a remedy by the revisions it is for, the comments between gone."""
    parts = []
    note, start = "", 0
    for found in _NEXT.finditer(alembic):
        parts.append(RevisionPart(alembic[start : found.start()].strip("\n"), note))
        why = found["why"]
        note, start = "" if why == WHY_NEXT else why, found.end()
    parts.append(RevisionPart(alembic[start:].strip("\n"), note))
    return tuple(part for part in parts if part.code)
