"""Which revisions to run, from what the database has and what was asked for."""

import re
from collections.abc import Iterable

from alembic.runtime.migration import RevisionStep
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import MultipleHeads, ResolutionError
from alembic.util import CommandError

from safemigrate.errors import RevisionError, UsageError
from safemigrate.execute.events import PlannedRevision
from safemigrate.model import Direction
from safemigrate.model.prose import as_clause
from safemigrate.source import Project
from safemigrate.source.excerpt import show_path

__all__ = ["describe_lead", "describe_step", "find_steps", "is_known", "split_unknown"]


_RELATIVE = re.compile(r"[+-]\d+$")


def find_steps(
    project: Project, direction: Direction, target: str, heads: tuple[str, ...]
) -> tuple[RevisionStep, ...]:
    """Return the steps from `heads` to `target`, in Alembic's own order.

    `target` is what Alembic takes: an id or the beginning of one, a branch label, `heads`, `+1`,
    `-1`, `base`, `branch@head`. Raises RevisionError when the database has a revision that no
    file here has, or one has no downgrade; UsageError for a target that cannot be reached.
    """
    _, unknown = split_unknown(project.script, heads)
    if unknown:
        listed = ", ".join(f'"{revision}"' for revision in unknown)
        raise RevisionError(
            f"the database is at {listed}, and no file here has that revision id",
            "run this from the code that migrated the database last, or a newer one",
        )
    script = project.script
    if direction is Direction.DOWNGRADE and len(heads) > 1 and re.fullmatch(r"-\d+", target):
        raise UsageError(
            f'"{target}" is ambiguous: the database is at {len(heads)} heads',
            f"say which branch: LABEL@{target}, or an id",
        )
    try:
        if direction is Direction.UPGRADE:
            # Alembic types what it is given as one id, and takes a tuple of them
            return tuple(script._upgrade_revs(target, heads))  # type: ignore[arg-type]  # noqa: SLF001 - what alembic.command.upgrade calls
        return tuple(script._downgrade_revs(target, heads))  # type: ignore[arg-type]  # noqa: SLF001 - what alembic.command.downgrade calls
    except (CommandError, AssertionError) as err:
        raise _translate(err, direction, target) from err
    except AttributeError as err:
        if err.name not in {"upgrade", "downgrade"}:
            raise
        path = getattr(err.obj, "__file__", None) or "the revision's file"
        raise RevisionError(
            f'"{show_path(path)}" has no function {err.name}',
            f"write `def {err.name}() -> None:`, even if it only raises an error",
        ) from err


def describe_lead(
    project: Project, direction: Direction, target: str, heads: tuple[str, ...]
) -> str:
    """Return what to know of an upgrade that has nothing to do, for the database is past `target`.

    "" where it is at the target, or the target is counted from where the database is.
    """
    if direction is Direction.DOWNGRADE or not heads or _RELATIVE.search(target):
        return ""
    try:
        found: Iterable[Script | None] = project.script.get_revisions(target)
        # Alembic's type does not tell that "base" is None
        wanted = [one.revision for one in found if one is not None]
    except CommandError:
        return ""
    if wanted and all(one in heads for one in wanted):
        return ""
    return (
        f'the database is ahead of "{target}", and upgrade takes nothing back; '
        f"`safemigrate downgrade {target}` does"
    )


def split_unknown(
    script: ScriptDirectory, heads: Iterable[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the revisions that a file here has, and those that none has."""
    known: list[str] = []
    unknown: list[str] = []
    for revision in heads:
        (known if is_known(script, revision) else unknown).append(revision)
    return tuple(known), tuple(unknown)


def is_known(script: ScriptDirectory, revision: str) -> bool:
    """Return whether a file here has this very id."""
    try:
        found = script.get_revision(revision)
    except CommandError:
        return False
    # get_revision takes the beginning of an id too
    return found.revision == revision


def describe_step(step: RevisionStep) -> PlannedRevision:
    """Return the id and the message of the step's revision."""
    return PlannedRevision(step.revision.revision, step.revision.doc or "")


def _translate(error: Exception, direction: Direction, target: str) -> UsageError:
    cause = error.__cause__
    if isinstance(cause, MultipleHeads):
        return UsageError(
            f'"{target}" is ambiguous: there are several heads',
            'say which: "heads" for all of them, an id, or branch@head',
        )
    # Alembic quotes names as Python does
    reason = re.sub(r"(?<!\w)'([^']*)'", r'"\1"', " ".join(str(cause or error).split()))
    reason = reason.rstrip(".")
    reason = as_clause(reason) or "it is not on the way"
    if isinstance(cause, ResolutionError):
        return UsageError(
            reason,
            "`safemigrate status` lists what is pending, `safemigrate history` what was applied",
        )
    course = "forward" if direction is Direction.UPGRADE else "back"
    return UsageError(
        f'cannot {direction.value} to "{target}": {reason}',
        f"{direction.value} goes {course} from where `safemigrate status` says the database is",
    )
