"""The revisions that a branch adds, to be proved without the rest."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from safemigrate.source import Project, find_additions
from safemigrate.source.excerpt import show_path

__all__ = ["Changes", "find_changes"]


@dataclass(frozen=True, slots=True)
class Changes:
    """The ids of the revisions that are new, in the order of an upgrade, and what to say of that.

    `revisions` is empty where nothing is new.
    """

    revisions: tuple[str, ...]
    notices: tuple[str, ...] = ()


def find_changes(project: Project, since: str) -> Changes:
    """Return the revisions that are new or run other code since the branch left `since`.

    A revision is known by its id and its code, as `lint --changed-since` knows it.
    Raises UsageError for an unknown reference, SourceError when there is no git or no repository.
    """
    scripts = {script.path: script.revision for script in project.revisions()}
    found = find_additions(scripts, project.config_path.absolute().parent, since)
    changed = tuple(revision for path, revision in scripts.items() if path in found.paths)
    return Changes(changed, (*_describe_moved(found.moved), *_describe_read(project, found.others)))


def _describe_moved(moved: tuple[str, ...]) -> Iterator[str]:
    for revision in moved:
        yield (
            f'revision "{revision}" stands at another place of the history with the same code; it '
            "is not new, and not proved: name it to have it proved there"
        )


def _describe_read(project: Project, changed: frozenset[Path]) -> Iterator[str]:
    """Yield what else is changed that the revisions run through or import."""
    names = [getattr(module, "__file__", None) for module in [*sys.modules.values()]]
    read = {Path(name).resolve() for name in names if isinstance(name, str)}
    read.add(Path(project.script.env_py_location).resolve())
    for path in sorted(changed & read):
        yield (
            f'"{show_path(path)}" is new or changed, and read for the migrations: those that are '
            "not new may do something else now, and are proved when all are"
        )
