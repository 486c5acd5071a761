"""What the next commit would lack of a history that is whole on disk."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from safemigrate.model import History, Migration
from safemigrate.source.git import open_repository

__all__ = ["Lack", "LackingFile", "LackingParent", "find_lack"]

# What a revision may send, and a commit may forget; a secret is neither.
_READ = frozenset({".csv", ".ddl", ".pgsql", ".psql", ".py", ".sql", ".tsv"})


@dataclass(frozen=True, slots=True, order=True)
class LackingFile:
    """A file on disk that the commit would not have; absolute and resolved."""

    path: Path
    is_ignored: bool = False


@dataclass(frozen=True, slots=True)
class LackingParent:
    """A revision that the commit would not have, and the path of one it has that needs it.

    `is_followed`: that is by `down_revision`, and else by `depends_on`, where `name` may also be
    a label.
    """

    file: LackingFile
    name: str
    path: str
    is_followed: bool


@dataclass(frozen=True, slots=True)
class Lack:
    """What the commit would lack: revisions that others need, and files that were read for them."""

    parents: tuple[LackingParent, ...] = ()
    files: tuple[LackingFile, ...] = ()


def find_lack(
    history: History, asked: Iterable[str], touched: frozenset[Path], directory: Path
) -> Lack:
    """Return what the next commit would lack of what is on disk.

    Of revisions, what those at the paths `asked` need, and only where the commit does it: it adds
    or changes the one, or takes the other out of git. Of the files that were read, those that a
    revision of the commit imports by their name; and of the others, which may be needed, those
    that git does not ignore, and that nothing imports which is not committed itself.
    `touched`: the files that the commit adds, changes or takes away, resolved. `directory`: any of
    the working tree. Raises SourceError when git refuses.
    """
    files = {one.path: Path(one.path).resolve() for one in history.migrations if one.revision}
    if touched.isdisjoint(files.values()):
        return Lack()
    repository = open_repository(directory)
    top, names = repository.top.resolve(), repository.list_index()

    def lacks(file: Path) -> bool:
        if not file.is_relative_to(top):
            return False
        name = file.relative_to(top)
        # a submodule stands there by its own name, and has its files itself
        return not any(one.as_posix() in names for one in (name, *name.parents))

    outside = {path for path, file in files.items() if lacks(file)}
    wanted = {*asked} & files.keys() - outside
    kept = [one for one in history.migrations if one.path in wanted]
    missed = [one for one in history.migrations if one.path in outside]
    parents = _find_parents(kept, missed, files, touched) if missed else []
    changed = [one for one in kept if files[one.path] in touched]
    read = {Path(one).resolve() for one in history.inputs} if changed else set()
    unread = {one for one in read if one.suffix.lower() in _READ and lacks(one)}
    ignored = repository.list_ignored({*unread, *(one.file.path for one in parents)})
    return Lack(
        tuple(
            replace(one, file=LackingFile(one.file.path, one.file.path in ignored))
            for one in parents
        ),
        tuple(
            LackingFile(one, one in ignored)
            for one in sorted(unread)
            if any(_imports(by, one) for by in changed)
            or not (one in ignored or any(_imports(by, one) for by in missed))
        ),
    )


def _find_parents(
    kept: Sequence[Migration],
    missed: Sequence[Migration],
    files: Mapping[str, Path],
    touched: frozenset[Path],
) -> list[LackingParent]:
    """Return what those that are kept need of those that are missed, as far as it is new."""
    # to read what a revision depends on takes Alembic, and an untracked one is rare
    from safemigrate.source.script_facts import read_facts  # noqa: PLC0415 - as above

    by_id = {one.revision: files[one.path] for one in missed}
    by_name: dict[str, Path] = {}
    for one in missed:
        facts = read_facts(one.text)
        labels = () if facts is None else facts.branch_labels
        by_name.update(dict.fromkeys((one.revision or "", *labels), files[one.path]))
    is_taken = not touched.isdisjoint(by_id.values())
    found = []
    for one in kept:
        is_changed = files[one.path] in touched
        if not (is_changed or is_taken):
            continue
        facts = read_facts(one.text)
        needed = () if facts is None else facts.depends_on
        named = [(name, by_id.get(name), True) for name in one.down_revisions]
        named += [(name, by_name.get(name), False) for name in needed]
        found += [
            LackingParent(LackingFile(file), name, one.path, is_followed)
            for name, file, is_followed in named
            if file is not None and (is_changed or file in touched)
        ]
    return found


def _imports(migration: Migration, file: Path) -> bool:
    """Return whether the revision imports that file by its name, or the package that it begins."""
    name = file.parent.name if file.stem == "__init__" else file.stem
    return any(one.module.rpartition(".")[2] == name for one in migration.imports)
