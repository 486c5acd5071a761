"""Which revisions are proved, and which are only applied on the way there."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from alembic.script import Script
from alembic.util import CommandError

from safemigrate.errors import UsageError
from safemigrate.source import Project

__all__ = ["choose_revisions", "find_ancestors", "list_parents", "list_way", "read_source"]


def choose_revisions(project: Project, names: Sequence[str]) -> frozenset[str]:
    """Return the ids of the revisions named; of all when none is.

    A name is what Alembic takes: an id or its beginning, `head`, `heads`, a branch label.
    Raises UsageError for one that no revision has.
    """
    if not names:
        return frozenset(script.revision for script in project.revisions())
    return frozenset(id_ for name in names for id_ in _find(project, name))


def _find(project: Project, name: str) -> list[str]:
    if not name:
        raise _unknown(name)
    try:
        # Alembic types it without the None that it gives for "base"
        found: list[Script | None] = list(project.script.get_revisions(name))
    except CommandError as err:
        raise _unknown(name) from err
    ids = [script.revision for script in found if script is not None]
    if not ids:
        raise _unknown(name)
    return ids


def _unknown(name: str) -> UsageError:
    return UsageError(
        f'"{name}" does not name a revision of this project',
        "give an id, the beginning of one, a branch label, head or heads",
    )


def list_way(project: Project, chosen: frozenset[str]) -> tuple[Script, ...]:
    """Return the revisions chosen and all that must run before, in the order of an upgrade."""
    scripts = project.revisions()
    needed = find_ancestors(scripts, chosen)
    return tuple(script for script in scripts if script.revision in needed)


def list_parents(script: Script) -> tuple[str, ...]:
    """Return the ids that must have run before it: what it follows and what it depends on."""
    return script._all_down_revisions  # noqa: SLF001 - Alembic's own union of the two, resolved


def find_ancestors(scripts: Iterable[Script], wanted: frozenset[str]) -> frozenset[str]:
    """Return `wanted` and everything that must run before; `scripts` in upgrade order."""
    needed = set(wanted)
    for script in reversed(list(scripts)):
        if script.revision in needed:
            needed.update(list_parents(script))
    return frozenset(needed)


def read_source(path: str) -> str:
    """Return the text of a revision's file, empty where it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
