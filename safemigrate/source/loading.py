"""The revision files of a project: found, and loaded one by one."""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionError as AlembicRevisionError
from alembic.util import CommandError, to_tuple

from safemigrate.errors import RevisionError, SafemigrateError
from safemigrate.model import Assumption
from safemigrate.source.excerpt import describe, find_origin, show_path
from safemigrate.source.script_facts import ScriptFacts, load_script_stub, read_facts
from safemigrate.source.standins_types import Uses
from safemigrate.source.text import read_revision

__all__ = [
    "RESERVED_IDS",
    "Loaded",
    "Unloadable",
    "list_folders",
    "load_leniently",
    "load_strictly",
]

RESERVED_IDS = frozenset({"base", "head", "heads"})


@dataclass(frozen=True, slots=True)
class Unloadable:
    """A revision file that could not be loaded, and why; `line` is 1-based."""

    path: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """The scripts of a project.

    `unloadable`: revision id → why its script has no functions. Files that tell no id of their
    own have the name of the file for one.
    `assumptions`: by revision id, what was assumed while its file was loaded.
    `made_up`: the ids that no file tells. `strangers`: files that are no revisions at all.
    """

    scripts: tuple[Script, ...]
    unloadable: Mapping[str, Unloadable]
    assumptions: Mapping[str, tuple[Assumption, ...]] = field(default_factory=dict)
    made_up: frozenset[str] = frozenset()
    strangers: tuple[str, ...] = ()


def load_strictly(script: ScriptDirectory) -> tuple[Script, ...]:
    """Load the revision files as Alembic does; raises RevisionError for the first that fails."""
    loaded = (_load_script(script, path) for path in _list_files(script))
    return tuple(one for one in loaded if one is not None)


def load_leniently(script: ScriptDirectory, uses: Uses) -> Loaded:
    """Load the revision files; one that fails keeps its place in the graph, without functions.

    `uses`: what tells of stand-ins that decide something.
    """
    scripts: list[Script] = []
    failures: list[tuple[Path, Unloadable]] = []
    strangers: list[str] = []
    # nothing can be sent yet
    uses.takes_calls = False
    assumptions: dict[str, tuple[Assumption, ...]] = {}
    for path in _list_files(script):
        seen = _Seen(str(path))
        uses.on_use = seen.note
        loaded = _try_to_load(script, path)
        uses.on_use = None
        if isinstance(loaded, Unloadable) and loaded.reason == _NO_ID and _is_stranger(path):
            strangers.append(show_path(path))
        elif isinstance(loaded, Unloadable):
            failures.append((path, loaded))
        elif loaded is not None:
            scripts.append(loaded)
            assumptions[loaded.revision] = tuple(
                Assumption(show_path(path), line, loaded.revision, reason)
                for line, reason in seen.reasons
            )
    uses.takes_calls = True
    settled = _settle_ids(scripts, failures)
    kept = {one: told for one, told in assumptions.items() if told}
    return replace(settled, assumptions=kept, strangers=tuple(strangers))


class _Seen:
    """What a file does while it is loaded that depends on something that is not here.

    `reasons`: each with its line; of stand-ins one a line.
    """

    def __init__(self, filename: str) -> None:
        self.reasons: list[tuple[int, str]] = []
        self._filename = filename
        self._told: set[tuple[int, str]] = set()

    def note(self, reason: str) -> None:
        line = _running_line(self._filename)
        kind = reason.rpartition(", which ")[2]
        if (line, kind) not in self._told:
            self._told.add((line, kind))
            self.reasons.append((line, reason))


_NO_ID = "has no revision id"
_OF_REVISION = re.compile(
    r"^(?:down_revision\b|(?:async )?def (?:upgrade|downgrade)\b)", re.MULTILINE
)


def _is_stranger(path: Path) -> bool:
    """Return whether a file without a revision id has nothing else of a revision either."""
    return path.suffix == ".py" and _OF_REVISION.search(_read_anyhow(path)) is None


def _try_to_load(script: ScriptDirectory, path: Path) -> Script | Unloadable | None:
    try:
        if path.suffix == ".py":
            read_revision(path)
    except RevisionError as error:
        return Unloadable(show_path(path), 1, error.message)
    try:
        return Script._from_path(script, path)  # noqa: SLF001 - the public ways load all or nothing
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever a file raises must not end the others
        return _explain(path, error)


def _running_line(filename: str) -> int:
    """Return the line of the file that runs now."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the public ways build the whole stack
    while frame is not None:
        if frame.f_code.co_filename == filename:
            return frame.f_lineno
        frame = frame.f_back
    return 1


def _settle_ids(scripts: Iterable[Script], failures: Iterable[tuple[Path, Unloadable]]) -> Loaded:
    """Give every script an id of its own."""
    by_id: dict[str, Script] = {}
    unloadable: dict[str, Unloadable] = {}
    made_up: set[str] = set()

    def make_id(path: Path) -> str:
        name = _make_id(path, by_id)
        made_up.add(name)
        return name

    def add_stub(path: Path, facts: ScriptFacts, why: Unloadable) -> None:
        if facts.revision in by_id or facts.revision in RESERVED_IDS:
            facts = replace(facts, revision=make_id(path), branch_labels=())
        try:
            stub = load_script_stub(path, facts)
        except AlembicRevisionError:
            stub = load_script_stub(path, ScriptFacts(make_id(path), doc=facts.doc))
        by_id[stub.revision] = stub
        unloadable[stub.revision] = why

    for script in scripts:
        other = by_id.get(script.revision)
        path = Path(script.path)
        if other is None and script.revision not in RESERVED_IDS:
            by_id[script.revision] = script
            continue
        reason = (
            f'has the revision id "{script.revision}", which Alembic keeps for itself'
            if other is None
            else f'has the revision id "{script.revision}", as "{show_path(other.path)}" has'
        )
        previous = to_tuple(script.down_revision, default=())
        facts = ScriptFacts(script.revision, previous, doc=script.doc)
        add_stub(path, facts, Unloadable(show_path(path), 1, reason))
    for path, why in failures:
        add_stub(path, read_facts(_read_anyhow(path)) or ScriptFacts(make_id(path)), why)
    return Loaded(tuple(by_id.values()), unloadable, made_up=frozenset(made_up))


def _make_id(path: Path, taken: Iterable[str]) -> str:
    """Return an id out of the name of a file that tells none of its own."""
    name = re.sub(r"[@+-]", "_", path.stem)
    while name in taken or name in RESERVED_IDS:
        name += "_"
    return name


def _read_anyhow(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace") if path.suffix == ".py" else ""
    except OSError:
        return ""


def _explain(path: Path, error: BaseException) -> Unloadable:
    origin = find_origin(error, path)
    if isinstance(error, AttributeError) and error.name == "down_revision" and origin is None:
        reason = "does not say down_revision"
    elif isinstance(error, CommandError):
        reason = _NO_ID
    else:
        reason = f"cannot be loaded: {describe(error)}"
    return Unloadable(show_path(path), 1 if origin is None else origin.line, reason)


def list_folders(script: ScriptDirectory) -> tuple[Path, ...]:
    """Return the folders that Alembic looks for revisions in."""
    return tuple(script._version_locations)  # noqa: SLF001 - Alembic has no public name for the resolved list


def _list_files(script: ScriptDirectory) -> Iterator[Path]:
    """Yield the files that may be revisions, each once."""
    seen: set[Path] = set()
    for location in list_folders(script):
        if not location.exists():
            continue
        for listed in Script._list_py_dir(script, location):  # noqa: SLF001 - Alembic's own listing, with its options
            path = listed.resolve()
            if path not in seen:
                seen.add(path)
                yield path


def _load_script(script: ScriptDirectory, path: Path) -> Script | None:
    if path.suffix == ".py":
        read_revision(path)
    try:
        return Script._from_path(script, path)  # noqa: SLF001 - the public ways load all or nothing
    except (KeyboardInterrupt, SafemigrateError):
        raise
    except AlembicRevisionError as error:
        raise RevisionError(
            f'revision file "{show_path(path)}" is broken: {describe(error)}',
            "look at its revision, down_revision, branch_labels and depends_on",
        ) from error
    except CommandError as error:
        raise RevisionError(
            f'revision file "{show_path(path)}" has no revision id',
            "every file in the versions directory needs `revision = …` and `down_revision = …`",
        ) from error
    except BaseException as error:
        raise _load_error(error, path) from error


def _load_error(error: BaseException, path: Path) -> RevisionError:
    shown = show_path(path)
    origin = find_origin(error, path)
    if isinstance(error, AttributeError) and error.name == "down_revision" and origin is None:
        return RevisionError(
            f'revision file "{shown}" does not say down_revision',
            "write `down_revision = None` in the first revision, the id of the previous one in "
            "every other",
        )
    if isinstance(error, SyntaxError) and origin is not None:
        return RevisionError(
            f'revision file "{shown}" has a syntax error on line {origin.line}: {error.msg}',
            "correct the file; Alembic loads every revision, so this one stops them all",
        )
    place = shown if origin is None else str(origin)
    hint = "Alembic imports every revision file: what stands outside upgrade() must not fail"
    if isinstance(error, ImportError):
        hint = (
            "install what the revision imports where safemigrate runs, or add its folder to "
            "prepend_sys_path in the Alembic configuration, which counts from where the command "
            "runs unless it begins with %(here)s"
        )
    return RevisionError(f'revision file "{place}" cannot be loaded: {describe(error)}', hint)
