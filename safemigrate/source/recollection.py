"""The history of a project, remembered: what has been recorded is not recorded again."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from safemigrate.cache import Inputs, digest, digest_of_us, open_store, watch_inputs
from safemigrate.model import History, ServerVersion
from safemigrate.source.fence_surroundings import keeping_imports
from safemigrate.source.folders import FolderProject

if TYPE_CHECKING:
    from alembic.script import Script

    from safemigrate.source.project import Project
    from safemigrate.source.recording import Recorded
    from safemigrate.source.script_facts import ScriptFacts

__all__ = ["read_history"]


@dataclass(frozen=True, slots=True)
class _File:
    """A revision file: what it held, and what it says of its place in the history."""

    content: str
    facts: "ScriptFacts"


@dataclass(frozen=True, slots=True)
class _Recollection:
    """What a recording gave, and what it read.

    `history`: without the notices that are made anew each time, which are `fresh_notices`.
    `revisions`: one by one, each with its lineage; empty where they cannot be told apart.
    `files`: the revision files by path. `of_revisions`: these and their folders, as read.
    `others`: everything else that was read. `missing`, `broken`: as `StandIns` has them.
    """

    history: History
    fresh_notices: tuple[str, ...]
    revisions: "tuple[Recorded, ...]"
    files: dict[str, _File]
    of_revisions: Inputs
    others: Inputs
    missing: dict[str, set[str]]
    broken: dict[str, str]

    def find(self, path: Path) -> "ScriptFacts | None":
        """Return what is known of a revision file that has not changed."""
        known = self.files.get(str(path))
        return known.facts if known is not None and known.content == _digest_of(path) else None

    @property
    def whole(self) -> History:
        """The history with all its notices."""
        return replace(self.history, notices=(*self.fresh_notices, *self.history.notices))


@dataclass(frozen=True, slots=True)
class _Request:
    """What is asked for."""

    config: Path | FolderProject
    version: ServerVersion
    wanted: tuple[Path, ...]
    imports: tuple[str, ...]

    @property
    def key(self) -> str:
        """The key of what is remembered of it."""
        config = self.config
        places = [config] if isinstance(config, Path) else [config.script_location, config.versions]
        # a link to a project is another one
        paths = [os.path.abspath(place) for place in places]  # noqa: PTH100
        cwd = str(Path.cwd())
        return digest(digest_of_us(), cwd, str(self.version.major), *paths, "", *self.imports)


def read_history(
    config: Path | FolderProject,
    *,
    version: ServerVersion,
    wanted: tuple[Path, ...] = (),
    imports: tuple[str, ...] = (),
    is_remembered: bool = True,
) -> History:
    """Return the history of an Alembic project as `record` does, each with its lineage.

    What the same recording gave before is taken from the user's cache while nothing that it read
    has changed: the revision files, env.py and what it imports, files, variables of the
    environment, what is installed. Behind revisions that are new, changed or in another order all
    are recorded again; those before are not.
    `wanted`: paths of revisions that are asked for. `imports`: modules to load first.
    `is_remembered`: whether the cache is used at all.
    """
    request = _Request(config, version, wanted, imports)
    store = open_store("recordings") if is_remembered else None
    if store is None:
        with keeping_imports():
            return _record(request, None)[1]
    old = store.load(request.key)
    if not isinstance(old, _Recollection) or not _is_usable(old, request):
        old = None
    elif old.of_revisions.are_current():
        return old.whole
    with watch_inputs() as watch, keeping_imports():
        project, history, revisions = _record(request, old)
        new = _remember(project, history, revisions, watch.take(), old)
    store.save(request.key, new)
    return new.whole


def _is_usable(old: _Recollection, request: _Request) -> bool:
    """Return whether it is about what is asked for, and what was read is as it was."""
    files = [Path(path) for path in old.files]
    paths = (path.resolve() for path in request.wanted)
    is_about_it = all(any(path in (file, *file.parents) for file in files) for path in paths)
    return is_about_it and old.others.are_current()


def _record(
    request: _Request, old: _Recollection | None
) -> "tuple[Project, History, tuple[Recorded, ...]]":
    """Open the project and record what is not known of it."""
    from safemigrate.source.project import open_project  # noqa: PLC0415 - takes Alembic
    from safemigrate.source.recording import record_revisions  # noqa: PLC0415 - as above

    def open_leniently(known: Iterable[str]) -> "Project":
        paths = frozenset(known)
        return open_project(
            request.config,
            is_lenient=True,
            imports=request.imports,
            wanted=request.wanted,
            known=lambda path: old.find(path) if old and str(path) in paths else None,
        )

    project = open_leniently(() if old is None else old.files)
    scripts = project.revisions()
    lineages = _list_lineages(scripts)
    known = _keep_known(lineages, old)
    if old is not None and any(script.path in old.files for script in scripts[len(known) :]):
        # what runs behind something new is recorded again, for which it has to be loaded
        project = open_leniently(script.path for script in scripts[: len(known)])
    if old is not None and project.stand_ins is not None:
        # what was missing before is not looked for again
        for name, importers in old.missing.items():
            project.stand_ins.missing.setdefault(name, set()).update(importers)
        project.stand_ins.broken.update(old.broken)
    recording = record_revisions(project, version=request.version, known=known)
    marked = {
        one.migration.revision: replace(one, migration=replace(one.migration, lineage=lineage))
        for one, lineage in zip(recording.revisions, lineages, strict=False)
    }
    if not marked:
        return project, recording.history, ()
    revisions = tuple(marked.values())
    history = replace(recording.history, migrations=tuple(one.migration for one in revisions))
    return project, history, revisions


def _keep_known(lineages: Sequence[str], old: _Recollection | None) -> "tuple[Recorded, ...]":
    """Return the recordings of the first revisions, as far as they are the same as before."""
    known = []
    for lineage, one in zip(lineages, () if old is None else old.revisions, strict=False):
        if one.migration.lineage != lineage:
            break
        known.append(one)
    return tuple(known)


def _list_lineages(scripts: "Sequence[Script]") -> list[str]:
    """Return for each revision a digest of it and of all that run before it."""
    lineages: list[str] = []
    for script in scripts:
        before = lineages[-1] if lineages else ""
        lineages.append(digest(before, script.path, _digest_of(Path(script.path))))
    return lineages


def _remember(
    project: "Project",
    history: History,
    revisions: "tuple[Recorded, ...]",
    read: Inputs,
    old: _Recollection | None,
) -> _Recollection:
    from safemigrate.source.script_facts import facts_of  # noqa: PLC0415 - takes Alembic

    scripts = [
        script
        for script in project.revisions()
        if script.path.endswith(".py") and script.revision not in project.unloadable
    ]
    stand_ins = project.stand_ins
    files = {
        script.path: _File(_digest_of(Path(script.path)), facts_of(script)) for script in scripts
    }
    of_graph = {*project.notices, *(() if stand_ins is None else stand_ins.notices())}
    notices = [notice for notice in history.notices if notice not in of_graph]
    folders = map(str, project.script._version_locations)  # noqa: SLF001 - Alembic has no public name for the resolved list
    others, of_revisions = read.divided(files.keys(), folders)
    if old is not None:
        # what led to them has not been played again
        notices = list(dict.fromkeys((*old.history.notices, *notices)))
        others = old.others.joined(others)
    return _Recollection(
        replace(history, notices=tuple(notices)),
        tuple(notice for notice in history.notices if notice in of_graph),
        revisions,
        files,
        of_revisions,
        others,
        {} if stand_ins is None else stand_ins.missing,
        {} if stand_ins is None else stand_ins.broken,
    )


def _digest_of(path: Path) -> str:
    try:
        return digest(path.read_bytes())
    except OSError:
        return ""
