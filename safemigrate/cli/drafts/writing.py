"""New revisions put into the project, and told of."""

import contextlib
import sys
from collections.abc import Sequence

from alembic.script import write_hooks
from alembic.util import CommandError
from msgspec import Struct

from safemigrate.cli.drafts.making import Made
from safemigrate.cli.drafts.staging import Written, show_written
from safemigrate.cli.files import FileChange, write_changes
from safemigrate.errors import ConfigError, UsageError
from safemigrate.report import LintDocument
from safemigrate.source import Project
from safemigrate.source.excerpt import describe

__all__ = ["NewDocument", "describe_written", "run_hooks", "write", "written_documents"]


class WrittenDocument(Struct, frozen=True):
    """A revision that was written; `note`: what must be true before it runs."""

    path: str
    revision: str
    message: str
    note: str


class NewDocument(Struct, frozen=True):
    """What `new` wrote, and what lint says of it; `lint` is None where nothing was written."""

    version: int
    written: tuple[WrittenDocument, ...]
    lint: LintDocument | None


def write(made: Made) -> None:
    """Write the revisions into the project: all or none, and over nothing that is there.

    Raises UsageError when one cannot be written.
    """
    paths = [one.path for one in made.written]
    for number, path in enumerate(paths):
        if path.exists() or path in paths[:number]:
            raise UsageError(
                f'"{path}" is there already',
                "give another message or --rev-id, or put %(rev)s or %(slug)s into file_template",
            )
    changes = (
        FileChange(path, None, content) for path, content in zip(paths, made.contents, strict=True)
    )
    write_changes(list(changes))


def run_hooks(project: Project, written: Sequence[Written]) -> ConfigError | None:
    """Run the project's post_write_hooks on the files; return what failed.

    The files stay whatever hooks do.
    """
    hooks = project.script.hooks
    for one in written if hooks else ():
        shown = show_written(one)
        try:
            with contextlib.redirect_stdout(sys.stderr):
                write_hooks._run_hooks(one.path, hooks)  # noqa: SLF001 - Alembic's own loop over them
        except (CommandError, OSError, ImportError, ValueError) as error:
            names = ", ".join(f'"{hook["_hook_name"]}"' for hook in hooks)
            failure = ConfigError(
                f'"{shown}" is written, and a post-write hook of {names} failed on it: '
                f"{describe(error)}",
                "look at post_write_hooks in the Alembic configuration; without it the revision "
                "is whole",
            )
            failure.__cause__ = error
            return failure
    return None


def describe_written(written: Sequence[Written], *, is_dry: bool = False) -> str:
    """Return what was written, a line each, with what must be true before each runs."""
    lines: list[str] = []
    before = ""
    for one in written:
        lines.append(f"{'would write' if is_dry else 'wrote'} {show_written(one)}")
        if one.draft.note:
            lines.append(f"    {one.draft.note}")
            if before:
                lines.append(f"    until then: safemigrate upgrade {before}")
        before = one.revision
    return "".join(f"{line}\n" for line in lines)


def written_documents(written: Sequence[Written]) -> tuple[WrittenDocument, ...]:
    """Return what was written, for programs."""
    return tuple(
        WrittenDocument(show_written(one), one.revision, one.message, one.draft.note)
        for one in written
    )
