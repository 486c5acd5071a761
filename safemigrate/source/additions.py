"""What a branch, or the next commit, adds to a history."""

import ast
import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from safemigrate.source.git import Difference, Repository, open_repository

__all__ = ["Additions", "find_additions"]


@dataclass(frozen=True, slots=True)
class Additions:
    """Which files of a history are to be judged, as the paths that were asked about.

    `paths`: those that are new, or run other code than before.
    `moved`: revision ids whose code is as it was, and that follow another revision now.
    `gone`: revision ids that were there where the branch left, and that no file has any more.
    `unstaged`: of a commit, files beside these that are staged and not on disk as they would be
    committed, or not there at all; absolute.
    `others`: what else is new or changed, absolute and resolved.
    `touched`: every file that is new, changed or gone, absolute and resolved.
    """

    paths: frozenset[str]
    moved: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    unstaged: tuple[Path, ...] = ()
    others: frozenset[Path] = field(default=frozenset(), compare=False)
    touched: frozenset[Path] = field(default=frozenset(), compare=False)


def find_additions(paths: Iterable[str], directory: Path, since: str | None) -> Additions:
    """Return what of the files `paths` a branch adds, or with `since` None the next commit.

    `directory`: any of the working tree. `since`: the reference that the branch left.

    A revision is known by its id, wherever its file is and whatever it is called: one that was
    there with the same code is not new. Comments, docstrings, layout and the names of the
    revisions before it are no code; an ignore is. Any other file is known by its path, and not
    new either when the whole of it was there at a path that is gone.

    Raises UsageError for an unknown reference, SourceError when there is no git or no repository.
    """
    repository = open_repository(directory)
    found = repository.list_staged() if since is None else repository.list_differences(since)
    touched = frozenset(one.path.resolve() for one in found)
    places = {one.path.resolve() for one in found if one.is_there}
    known = {path: Path(path).resolve() for path in paths}
    changed = {path: place for path, place in known.items() if place in places}
    unstaged = _find_unstaged(repository, places, known.values()) if since is None else ()
    rest = frozenset(places - {*known.values()})
    folders = {place.parent for place in known.values()}
    left = [one for one in found if not one.is_there and one.path.parent.resolve() in folders]
    if not changed and not left:
        return Additions(frozenset(), unstaged=unstaged, others=rest, touched=touched)
    revisions = {path: place for path, place in changed.items() if place.suffix == ".py"}
    others = {path: place for path, place in changed.items() if path not in revisions}
    old = _read_old_revisions(repository, found)
    codes = {place: _read_code(place.read_bytes()) for place in revisions.values()}
    left_ids = _find_gone(old, folders, codes)
    new = {one.path.resolve() for one in found if one.old is None}
    added, moved = _compare_revisions(revisions, codes, old)
    gone = _count_gone(repository, found) if new & {*others.values()} else Counter()
    chosen = frozenset(added) | frozenset(_drop_renamed(others, new, gone))
    return Additions(chosen, tuple(sorted(moved)), left_ids, unstaged, rest, touched)


def _find_unstaged(
    repository: Repository, staged: set[Path], known: Iterable[Path]
) -> tuple[Path, ...]:
    """Return the staged files that have other content on disk, or are gone from beside others."""
    files = {*known}
    folders = {(one.parent, one.suffix) for one in files}
    differing = {one.resolve() for one in repository.list_unstaged()} & staged
    return tuple(
        sorted(
            one
            for one in differing
            if one in files or (not one.exists() and (one.parent, one.suffix) in folders)
        )
    )


@dataclass(frozen=True, slots=True)
class _Code:
    """What a revision is (its id, and what it runs) and where in the history it stands."""

    revision: str | None
    code: str
    place: str


# What says where a revision stands.
_PLACE_NAMES = frozenset({"down_revision", "depends_on"})
_ID_NAMES = frozenset({"revision", "branch_labels", *_PLACE_NAMES})

_IGNORE = re.compile(rb"#\s*safemigrate:[^\r\n]*")

_Old = Sequence[tuple[Path, _Code]]
"""The revisions that are not there any more at their path, or not as they were; paths resolved."""


def _read_old_revisions(repository: Repository, found: Iterable[Difference]) -> _Old:
    """Return what stood in the files that changed, as far as it was a revision."""
    files = [one for one in found if one.old is not None and one.path.suffix == ".py"]
    contents = repository.read_contents([one.old for one in files if one.old is not None])
    codes = zip(files, map(_read_code, contents), strict=True)
    return [(one.path.resolve(), code) for one, code in codes if code is not None]


def _find_gone(
    old: _Old, folders: set[Path], codes: Mapping[Path, _Code | None]
) -> tuple[str, ...]:
    """Return the ids that stood in those folders and that no file of the history has now.

    `codes`: of the files that are new or changed; the others have ids of their own.
    """
    here = {code.revision for code in codes.values() if code is not None}
    # which id a file has that cannot be read is not known
    return tuple(
        sorted(
            {
                code.revision
                for path, code in old
                if path.parent in folders
                and code.revision is not None
                and code.revision not in here
                and codes.get(path, code) is not None
            }
        )
    )


def _compare_revisions(
    files: Mapping[str, Path], codes: Mapping[Path, _Code | None], old: _Old
) -> tuple[set[str], set[str]]:
    """Return the paths of what was not there, and the ids of what stood elsewhere."""
    places: defaultdict[tuple[str | None, str], set[str]] = defaultdict(set)
    for _, one in old:
        places[one.revision, one.code].add(one.place)
    added, moved = set(), set()
    for path, place in files.items():
        code = codes[place]
        stood = None if code is None else places.get((code.revision, code.code))
        if code is None or stood is None:
            added.add(path)
        elif code.place not in stood and code.revision is not None:
            moved.add(code.revision)
    return added, moved


def _read_code(content: bytes) -> _Code | None:
    """Return what a file is as a revision, without importing it; None when it is no Python."""
    if b"revision" not in content:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(content)
        _strip_docstrings(tree)
        named = dict(_list_names(tree))
        revision = named.get("revision")
        ignores = [match.decode("utf-8", "replace") for match in _IGNORE.findall(content)]
        tree.body = [node for node in tree.body if _assigned_name(node) not in _ID_NAMES]
        return _Code(
            revision.value
            if isinstance(revision, ast.Constant) and isinstance(revision.value, str)
            else None,
            "\n".join((ast.dump(tree), *ignores)),
            " ".join(ast.dump(named[name]) for name in sorted(_PLACE_NAMES & named.keys())),
        )
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _list_names(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names that say what the revision is, with their values."""
    for node in tree.body:
        name = _assigned_name(node)
        if name is not None and isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            yield name, node.value


def _assigned_name(node: ast.stmt) -> str | None:
    """Return the one name that a statement gives a value to."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
    return None


def _strip_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        match node.body:
            case [ast.Expr(value=ast.Constant(value=str())), *rest]:
                node.body = rest


def _count_gone(repository: Repository, found: Iterable[Difference]) -> Counter[bytes]:
    """Return the contents that stood at paths that are gone, and at how many."""
    ids = [one.old for one in found if one.old is not None and not one.is_there]
    return Counter(map(_read_lines, repository.read_contents(ids)))


def _drop_renamed(files: Mapping[str, Path], new: set[Path], gone: Counter[bytes]) -> Iterator[str]:
    """Yield the paths but for new ones whose content is one of those that are gone."""
    for path in sorted(files):
        content = _read_lines(files[path].read_bytes()) if files[path] in new else b""
        if files[path] in new and gone[content] > 0:
            gone[content] -= 1
        else:
            yield path


def _read_lines(content: bytes) -> bytes:
    """Return the content as git keeps it where it is told to change the ends of lines."""
    return content.replace(b"\r\n", b"\n")
