"""The graph that the revisions of a project make."""

import warnings
from collections.abc import Iterator

from alembic.script import Script, ScriptDirectory
from alembic.script.revision import CycleDetected, Revision, RevisionMap
from alembic.script.revision import RevisionError as AlembicRevisionError
from alembic.util import to_tuple

from safemigrate.errors import RevisionError
from safemigrate.model.history import NO_SUCH_REVISION
from safemigrate.source.excerpt import describe, show_path
from safemigrate.source.loading import RESERVED_IDS

__all__ = ["check_graph", "install_map", "mend_graph"]


def check_graph(scripts: tuple[Script, ...]) -> None:
    """Raise for what Alembic only warns about, or reports without naming a file."""
    by_id: dict[str, Script] = {}
    for script in scripts:
        if script.revision in RESERVED_IDS:
            raise RevisionError(
                f'"{show_path(script.path)}" has the revision id "{script.revision}", '
                "which Alembic keeps for itself",
                "give it another id, and change the down_revision that follows it",
            )
        other = by_id.setdefault(script.revision, script)
        if other is not script:
            raise RevisionError(
                f'two files have the revision id "{script.revision}": '
                f'"{show_path(other.path)}" and "{show_path(script.path)}"',
                "give one of them a new id, and change the down_revision that should follow it",
            )
    labels = {label for script in scripts for label in script.branch_labels}
    for script in scripts:
        for previous in to_tuple(script.down_revision, default=()):
            if previous not in by_id:
                raise _missing_reference(script, "down_revision", previous)
        for needed in to_tuple(script.dependencies, default=()):
            if needed not in by_id and needed not in labels:
                raise _missing_reference(script, "depends_on", needed)


def _missing_reference(script: Script, attribute: str, value: str) -> RevisionError:
    return RevisionError(
        f'"{show_path(script.path)}" names {attribute} "{value}", and {NO_SUCH_REVISION}',
        "restore the missing file, or point to the revision that should come before",
    )


def install_map(script: ScriptDirectory, scripts: tuple[Script, ...]) -> None:
    """Give the scripts to Alembic as the graph they make; raises RevisionError when they do not."""
    revisions: tuple[Revision, ...] = scripts
    script.revision_map = RevisionMap(lambda: revisions)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # the map is made on first use
            _ = script.revision_map.heads
    except CycleDetected as error:
        cycle = [one for one in scripts if one.revision in error.revisions]
        files = ", ".join(f'"{show_path(one.path)}"' for one in cycle)
        raise RevisionError(
            f"the revisions make a cycle: {files}",
            "each revision's down_revision must lead back to one that has None",
        ) from error
    except (AlembicRevisionError, KeyError, UserWarning) as error:
        raise RevisionError(
            f"the revisions do not make a history: {describe(error)}",
            "look at the down_revision, branch_labels and depends_on of the files named",
        ) from error


def mend_graph(scripts: tuple[Script, ...]) -> Iterator[str]:
    """Cut what leads to revisions that are not there; yields what the reader should know."""
    by_id = {script.revision for script in scripts}
    labels = {label for script in scripts for label in script.branch_labels}
    for script in scripts:
        previous = to_tuple(script.down_revision, default=())
        kept = tuple(one for one in previous if one in by_id and one != script.revision)
        if kept != previous:
            lost = ", ".join(f'"{one}"' for one in previous if one not in kept)
            script.down_revision = _as_scalar(kept)
            yield (
                f'"{show_path(script.path)}" follows {lost}, and {NO_SUCH_REVISION}; '
                + ("it was left out" if kept else "it was taken for a first revision")
            )
        needed = to_tuple(script.dependencies, default=())
        known = tuple(one for one in needed if one in by_id or one in labels)
        if known != needed:
            lost = ", ".join(f'"{one}"' for one in needed if one not in known)
            script.dependencies = _as_scalar(known)
            yield f'"{show_path(script.path)}" depends on {lost}, and {NO_SUCH_REVISION}'


def _as_scalar(ids: tuple[str, ...]) -> str | tuple[str, ...] | None:
    return (ids[0] if len(ids) == 1 else ids) if ids else None
