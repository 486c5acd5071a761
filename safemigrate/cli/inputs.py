"""What the paths of a command line mean."""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from safemigrate.cli.staging import Change, ChangeChoice, keep_added
from safemigrate.errors import UsageError
from safemigrate.model import History, ServerVersion
from safemigrate.source import FolderProject, has_sql, holds_revisions, read_history, read_sql_files

__all__ = ["Subject", "read_subject"]


@dataclass(frozen=True, slots=True)
class Subject:
    """The history to judge, and what of it to report.

    `paths`: the `Migration.path` of what was asked for; None means all. `change`: what git says
    beside, where it chooses.
    """

    history: History
    paths: frozenset[str] | None
    change: Change = field(default_factory=Change)


class _Kind(Enum):
    SQL = "SQL files"
    REVISIONS = "revisions"


def read_subject(
    paths: tuple[Path, ...],
    *,
    config: Path | FolderProject,
    version: ServerVersion,
    changes: ChangeChoice | None = None,
    imports: tuple[str, ...] = (),
    is_remembered: bool = True,
) -> Subject:
    """Return the history the paths belong to; no path means the Alembic project.

    SQL files are one history, in the order given; a directory in that of the tool that keeps it,
    or of its names.
    Revisions are a part of their project's history, which is always read whole.
    `version`: the server that revisions are told they run on.
    `changes`: what git chooses of them; None means all. `imports`: modules to load first.
    `is_remembered`: whether what was recorded before may be used.

    Raises UsageError for paths that are neither, or both; SourceError and ConfigError when what
    they name cannot be read.
    """
    if _kind_of(paths) is _Kind.SQL:
        subject = Subject(read_sql_files(paths), None)
        first = paths[0].absolute()
        directory = first if first.is_dir() else first.parent
    else:
        history = read_history(
            config,
            version=version,
            wanted=paths,
            imports=imports,
            is_remembered=is_remembered,
        )
        place = config if isinstance(config, Path) else config.script_location
        subject = _choose_revisions(paths, history, place)
        directory = place.absolute().parent
    if changes is None:
        return subject
    chosen = keep_added(subject.history, subject.paths, directory=directory, choice=changes)
    return Subject(chosen.history, chosen.paths, chosen.change)


def _kind_of(paths: tuple[Path, ...]) -> _Kind:
    """Return what all the paths are."""
    kinds = {path: _classify(path) for path in paths}
    if len(set(kinds.values())) > 1:
        first = {kind: path for path, kind in reversed(kinds.items())}
        raise UsageError(
            f'"{first[_Kind.SQL]}" is SQL and "{first[_Kind.REVISIONS]}" is of an Alembic project: '
            "they are two histories",
            "run the command once for each",
        )
    return next(iter(kinds.values()), _Kind.REVISIONS)


def _classify(path: Path) -> _Kind:
    """Return what one path is."""
    if path.is_dir():
        if holds_revisions(path):
            return _Kind.REVISIONS
        if has_sql(path):
            return _Kind.SQL
        raise UsageError(
            f'there are no migrations in the directory "{path}"',
            "name one with revisions of the project below it, with files *.sql directly in it, or "
            "with SQL migrations as another tool keeps them",
        )
    if not path.exists():
        raise UsageError(
            f'there is no file or directory "{path}"',
            "paths are relative to where the command runs",
        )
    match path.suffix.lower():
        case ".sql":
            return _Kind.SQL
        case ".py":
            return _Kind.REVISIONS
        case _:
            raise UsageError(
                f'"{path}" is neither a SQL file nor a revision',
                "SQL files end in .sql, revisions in .py",
            )


def _choose_revisions(paths: tuple[Path, ...], history: History, config_path: Path) -> Subject:
    """Return the project's history, and which of its migrations the paths name."""
    known = {Path(one.path).resolve() for one in history.migrations}
    for path in paths:
        wanted = path.resolve()
        if not any(file.is_relative_to(wanted) for file in known):
            what = "no revision of the project is below" if path.is_dir() else "not a revision:"
            raise UsageError(
                f'{what} "{path}"',
                f'the project of "{config_path}" does not have it; name another with --config',
            )
    if not paths:
        return Subject(history, None)
    wanted_paths = [path.resolve() for path in paths]
    return Subject(
        history,
        frozenset(
            migration.path
            for migration in history.migrations
            for file in [Path(migration.path).resolve()]
            if any(file.is_relative_to(wanted) for wanted in wanted_paths)
        ),
    )
