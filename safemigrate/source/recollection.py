"""The history of a project, remembered: what has been recorded is not recorded again."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from safemigrate.cache import (
    InputKind,
    Inputs,
    InputsWatch,
    digest,
    digest_of_process,
    note_inputs,
    note_own,
    open_store,
    watch_inputs,
    watching_places,
)
from safemigrate.model import History, ServerVersion
from safemigrate.source.fence_surroundings import keeping_imports
from safemigrate.source.folders import FolderProject

if TYPE_CHECKING:
    from safemigrate.source.project import Project
    from safemigrate.source.recording import Recorded, Recording

__all__ = ["read_history"]


@dataclass(frozen=True, slots=True)
class _Recollection:
    """What a recording gave, and what it read.

    `history`: without the notices that are made anew each time, which are `fresh_notices`.
    `revisions`: one by one; empty where they cannot be told apart. `lineages`: of each a digest of
    its file and of those of all that run before it.
    `of_revisions`: the revision files and their folders, as read.
    `others`: everything else that was read. `missing`, `broken`: as `StandIns` has them.
    `variables`: those that were not set and had to be. `legacy`: as `StandIns` has it.
    """

    history: History
    fresh_notices: tuple[str, ...]
    revisions: "tuple[Recorded, ...]"
    lineages: tuple[str, ...]
    of_revisions: Inputs
    others: Inputs
    missing: dict[str, set[str]]
    broken: dict[str, str]
    variables: dict[str, None]
    legacy: dict[str, None]

    @property
    def whole(self) -> History:
        """The history with all its notices, and what else was read for it."""
        return replace(
            self.history,
            notices=(*self.fresh_notices, *self.history.notices),
            inputs=frozenset(
                name
                for (kind, name), known in self.others.seen.items()
                if known and kind is InputKind.FILE
            ),
        )


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
        version = str(self.version.major)
        return digest(digest_of_process(), version, *paths, "", *self.imports)


def read_history(
    config: Path | FolderProject,
    *,
    version: ServerVersion,
    wanted: tuple[Path, ...] = (),
    imports: tuple[str, ...] = (),
    is_remembered: bool = True,
) -> History:
    """Return the history of an Alembic project as `record` does.

    What the same recording gave before is taken from the user's cache while nothing that it read
    has changed: the revision files, env.py and what it imports, files, variables of the
    environment, what is installed. Behind revisions that are new, changed or in another order all
    are recorded again; those before are not.
    `wanted`: paths of revisions that are asked for. `imports`: modules to load first.
    `is_remembered`: whether the cache is used at all.
    """
    request = _Request(config, version, wanted, imports)
    store = open_store("recordings") if is_remembered else None
    old = None if store is None else store.load(request.key)
    if not isinstance(old, _Recollection) or not _is_usable(old, request):
        old = None
    elif old.of_revisions.are_current():
        note_inputs(old.others)
        note_inputs(old.of_revisions)
        return old.whole
    with watch_inputs() as watch, keeping_imports(), watching_places():
        project, recording, lineages = _record(request, old, watch)
    read = watch.take()
    new = _remember(project, recording, lineages, read, old)
    # byte-code without its source is heard of by another name
    if store is not None and read.names(InputKind.FILE).issuperset(_paths_of(project)):
        store.save(request.key, new)
    return new.whole


def _is_usable(old: _Recollection, request: _Request) -> bool:
    """Return whether it is about what is asked for, and what was read is as it was."""
    files = [Path(path) for path in old.of_revisions.names(InputKind.FILE)]
    paths = (path.resolve() for path in request.wanted)
    is_about_it = all(any(file.is_relative_to(path) for file in files) for path in paths)
    return is_about_it and old.others.are_current()


def _record(
    request: _Request, old: _Recollection | None, watch: InputsWatch
) -> "tuple[Project, Recording, tuple[str, ...]]":
    """Open the project and record what is not known of it; return the lineages as well.

    There are none where what was recorded of one revision cannot be told from that of another.
    """
    from safemigrate.source.project import open_project  # noqa: PLC0415 - takes Alembic
    from safemigrate.source.recording import record_revisions  # noqa: PLC0415 - as above

    project = open_project(
        request.config, is_lenient=True, imports=request.imports, wanted=request.wanted
    )
    script, paths = project.script, _paths_of(project)
    note_own(InputKind.LINK, (project.config_path, Path(script.dir), *project.folders))
    note_own(InputKind.FOLDER, project.folders)
    note_own(InputKind.FILE, (project.config_path, Path(script.env_py_location)))
    note_own(InputKind.FILE, map(Path, paths))
    lineages = _list_lineages(paths, watch.take())
    known = _keep_known(lineages, old)
    if old is not None and project.stand_ins is not None:
        # what was missing before is not looked for again
        for name, importers in old.missing.items():
            project.stand_ins.missing.setdefault(name, set()).update(importers)
        project.stand_ins.broken.update(old.broken)
        project.stand_ins.absent.variables.update(old.variables)
        project.stand_ins.absent.required.update(dict.fromkeys(old.history.required_variables))
        project.stand_ins.legacy.update(old.legacy)
    recording = record_revisions(project, version=request.version, known=known)
    return project, recording, lineages if recording.revisions else ()


def _keep_known(lineages: Sequence[str], old: _Recollection | None) -> "tuple[Recorded, ...]":
    """Return the recordings of the first revisions, as far as they are the same as before."""
    if old is None:
        return ()
    pairs = zip(lineages, old.lineages, strict=False)
    count = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return old.revisions[:count]


def _list_lineages(paths: Iterable[str], read: Inputs) -> tuple[str, ...]:
    """Return for each revision file a digest of it, as read, and of all that run before it."""
    lineages: list[str] = []
    for path in paths:
        before = lineages[-1] if lineages else ""
        lineages.append(digest(before, path, read.seen.get((InputKind.FILE, path), "")))
    return tuple(lineages)


def _paths_of(project: "Project") -> list[str]:
    return [script.path for script in project.revisions()]


def _remember(
    project: "Project",
    recording: "Recording",
    lineages: tuple[str, ...],
    read: Inputs,
    old: _Recollection | None,
) -> _Recollection:
    """Return what to keep of a recording."""
    stand_ins, history = project.stand_ins, recording.history
    of_graph = {*project.notices, *(() if stand_ins is None else stand_ins.notices())}
    notices = [notice for notice in history.notices if notice not in of_graph]
    others, of_revisions = read.divided({*_paths_of(project)}, map(str, project.folders))
    if old is not None:
        # what led to them has not been played again
        notices = list(dict.fromkeys((*old.history.notices, *notices)))
        others = old.others.joined(others)
    return _Recollection(
        replace(history, notices=tuple(notices)),
        tuple(notice for notice in history.notices if notice in of_graph),
        recording.revisions,
        lineages,
        of_revisions,
        others,
        {} if stand_ins is None else stand_ins.missing,
        {} if stand_ins is None else stand_ins.broken,
        {} if stand_ins is None else stand_ins.absent.variables,
        {} if stand_ins is None else stand_ins.legacy,
    )
