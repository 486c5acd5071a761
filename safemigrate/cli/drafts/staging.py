"""Revisions written by Alembic's own script machinery, into a folder that nobody reads yet."""

import contextlib
import copy
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError, rev_id, template_to_file

from safemigrate.cli.drafts.draft import Draft, find_function, indent_code
from safemigrate.errors import SafemigrateError, SourceError, UsageError
from safemigrate.model import Direction
from safemigrate.model.prose import as_clause
from safemigrate.source import Project
from safemigrate.source.excerpt import describe, show_path
from safemigrate.source.graph import install_map

__all__ = ["Order", "Staged", "Written", "number_ids", "stage"]

_OWN_TEMPLATE = Path(__file__).with_name("revision.py.mako")
_BLANKS = re.compile(r"\s+")
# Every line that a template of Alembic's for one database has had, without its blanks.
_STOCK_LINES = frozenset(
    _BLANKS.sub("", line)
    for line in '''
"""${message}
Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
Revises: ${down_revision}
Create Date: ${create_date}
"""
from typing import Sequence, Union
from collections.abc import Sequence
from alembic import op
import sqlalchemy as sa
${imports if imports else ""}
# revision identifiers, used by Alembic.
revision: str = ${repr(up_revision)}
down_revision: str | None = ${repr(down_revision)}
down_revision: str | Sequence[str] | None = ${repr(down_revision)}
down_revision: Union[str, None] = ${repr(down_revision)}
down_revision: Union[str, Sequence[str], None] = ${repr(down_revision)}
branch_labels: str | Sequence[str] | None = ${repr(branch_labels)}
branch_labels: Union[str, Sequence[str], None] = ${repr(branch_labels)}
depends_on: str | Sequence[str] | None = ${repr(depends_on)}
depends_on: Union[str, Sequence[str], None] = ${repr(depends_on)}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}
def upgrade() -> None:
def upgrade():
"""Upgrade schema."""
${upgrades if upgrades else "pass"}
def downgrade() -> None:
def downgrade():
"""Downgrade schema."""
${downgrades if downgrades else "pass"}
'''.splitlines()
)


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of the new revisions, by the words that Alembic has for it.

    `ids`: of the first of them, as far as they are given.
    """

    message: str | None
    head: str = "head"
    splice: bool = False
    branch_label: tuple[str, ...] = ()
    version_path: Path | None = None
    depends_on: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """A revision as it will be: `path` is where it shall stand, `staged` where it stands now."""

    draft: Draft
    revision: str
    message: str
    path: Path
    staged: Path


@dataclass(frozen=True, slots=True)
class Staged:
    """The project with the new revisions among its own."""

    project: Project
    written: tuple[Written, ...]


def number_ids(first: str | None, count: int, taken: Sequence[str]) -> tuple[str, ...]:
    """Return that many ids: random as Alembic's, or counting on from the first one given."""
    if first is None:
        return tuple(rev_id() for _ in range(count))
    if first.isascii() and first.isdigit():
        numbers = (f"{int(first) + number:0{len(first)}d}" for number in range(count))
        ids = tuple(numbers)
    else:
        ids = (first, *(f"{first}_{number}" for number in range(2, count + 1)))
    for one in ids:
        if one in taken:
            raise UsageError(
                f'there is a revision "{one}" already', "give another id with --rev-id"
            )
    return ids


def stage(project: Project, drafts: Sequence[Draft], order: Order, folder: Path) -> Staged:
    """Write the drafts, one following the other, into the folder, and read them back.

    Raises UsageError for what Alembic refuses; nothing outside the folder is touched.
    """
    scripts = tuple(map(_forget_followers, project.revisions()))
    directory = _StagingDirectory.over(project.script, folder)
    with _translated(), project.standing_in():
        install_map(directory, scripts)
        written = [
            _write(directory, project, draft, _order_of(order, number, len(drafts)))
            for number, draft in enumerate(drafts)
        ]
        new = tuple(directory.load(one) for one in written)
    install_map(directory, (*map(_forget_followers, scripts), *map(_forget_followers, new)))
    return Staged(_with_script(project, directory), tuple(written))


def _with_script(project: Project, script: ScriptDirectory) -> Project:
    return replace(project, script=script)


def _forget_followers(script: Script) -> Script:
    """Return the script as it was loaded: a map of revisions adds to it what follows it."""
    fresh = copy.copy(script)
    for name in ("nextrev", "_all_nextrev"):
        fresh.__dict__.pop(name, None)
    return fresh


def _order_of(order: Order, number: int, count: int) -> Order:
    """Return the order of one of several revisions; all but the first follow the one before."""
    part = f", {number + 1} of {count}" if count > 1 else ""
    message = None if order.message is None else f"{order.message}{part}"
    if number == 0:
        return replace(order, message=message, ids=order.ids[:1])
    before, one = order.ids[number - 1 : number + 1]
    return Order(message, before, version_path=order.version_path, ids=(one,))


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn what Alembic refuses into an error of ours."""
    try:
        yield
    except CommandError as error:
        message = describe(error).rstrip(".").removeprefix("CommandError: ")
        raise UsageError(as_clause(message), _hint(message)) from error
    except SafemigrateError:
        raise
    except (OSError, SyntaxError, TypeError, ValueError, KeyError) as error:
        raise SourceError(
            f"the new revision cannot be made: {describe(error)}",
            "look at file_template in the Alembic configuration, and at script.py.mako",
        ) from error


def _hint(message: str) -> str:
    if "ultiple heads" in message:
        return (
            "name the one to follow with --head, or make one of them: "
            '"alembic merge heads -m merge"'
        )
    if "--splice" in message:
        return "give --splice, or name a head with --head"
    if "ocate revision" in message or "such revision" in message:
        return '"alembic heads" lists what can be followed'
    return ""


def _write(directory: "_StagingDirectory", project: Project, draft: Draft, order: Order) -> Written:
    with contextlib.redirect_stdout(io.StringIO()):
        directory.generate_revision(
            order.ids[0],
            order.message,
            head=order.head,
            splice=order.splice,
            branch_labels=list(order.branch_label) or None,
            version_path=None if order.version_path is None else str(order.version_path),
            depends_on=list(order.depends_on) or None,
            upgrades=indent_code(draft.body(Direction.UPGRADE)),
            downgrades=indent_code(draft.body(Direction.DOWNGRADE)),
            imports="\n".join(draft.imports),
            config=project.config,
        )
    path, staged = directory.last
    _mark(staged, draft, directory.output_encoding)
    return Written(draft, order.ids[0], order.message or "", path, staged)


def _mark(staged: Path, draft: Draft, encoding: str) -> None:
    """Put the comments of ours above a downgrade that there is not, or need not be."""
    if not draft.reason and not draft.ignores:
        return
    text = staged.read_bytes().decode(encoding)
    lines = [f"# safemigrate: irreversible {draft.reason}\n"] if draft.reason else []
    lines += [f"# safemigrate: ignore[{rule}] {reason}\n" for rule, reason in draft.ignores]
    at = find_function(text, Direction.DOWNGRADE)
    staged.write_bytes((text[:at] + "".join(lines) + text[at:]).encode(encoding))


class _StagingDirectory(ScriptDirectory):
    """Alembic's script directory, but that a new file comes into another folder.

    `last`: the path of the newest one as it shall be, and as it is.
    """

    folder: Path
    last: tuple[Path, Path]
    _count: int = 0

    @classmethod
    def over(cls, script: ScriptDirectory, folder: Path) -> "_StagingDirectory":
        """Return the directory of the project, writing to the folder; no hook is run."""
        made = cls.__new__(cls)
        made.__dict__.update(script.__dict__)
        made.hooks = []
        made.folder = folder
        return made

    def load(self, written: Written) -> Script:
        """Return the script of a file that has been written."""
        script = Script._from_path(self, written.staged)  # noqa: SLF001 - as `source` does
        if script is None:
            raise UsageError(
                f'"{written.path.name}" is no name of a revision file',
                "look at file_template in the Alembic configuration",
            )
        return script

    def _rev_path(self, *args: Any, **kwargs: Any) -> Path:
        path = super()._rev_path(*args, **kwargs)
        self._count += 1
        staged = self.folder / str(self._count) / path.name
        staged.parent.mkdir()
        self.last = (path, staged)
        return staged

    def _ensure_directory(self, path: Path) -> None:
        """Make no folder: those that are missing are made when the files get there."""

    def _generate_template(self, src: Path, dest: Path, **kw: Any) -> None:
        template_to_file(_choose_template(Path(src)), dest, self.output_encoding, **kw)


def _choose_template(project_own: Path) -> Path:
    """Return the project's script.py.mako, or ours where it has none, or Alembic's own."""
    try:
        text = project_own.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return _OWN_TEMPLATE
    lines = {_BLANKS.sub("", line) for line in text.splitlines()}
    return _OWN_TEMPLATE if lines <= _STOCK_LINES else project_own


def show_written(written: Written) -> str:
    """Return the path as a reader knows it."""
    return show_path(written.path)
