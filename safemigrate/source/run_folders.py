"""The folder that an Alembic project is run in, by what its configuration counts from there.

A path of the configuration that is not absolute counts from the current directory, and not from the
file: https://alembic.sqlalchemy.org/en/latest/tutorial.html, "Editing the .ini File".
"""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config

from safemigrate.source.alembic_config import read_config
from safemigrate.source.imports import list_packages

__all__ = ["RelativePaths", "find_run_folder", "list_relative_paths"]


@dataclass(frozen=True, slots=True)
class RelativePaths:
    """What a configuration counts from the current directory, as it is written there.

    `script`: the folder of env.py, or none. `versions`: those of `version_locations`. `roots`:
    those of `prepend_sys_path`.
    """

    script: tuple[str, ...]
    versions: tuple[str, ...]
    roots: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether there is something of the kind."""
        return bool(self.script or self.versions or self.roots)


def list_relative_paths(config: Config) -> RelativePaths:
    """Return what the configuration counts from the current directory."""
    with warnings.catch_warnings():
        # Alembic warns of paths that are parted in an old way
        warnings.simplefilter("ignore")
        script = config.get_alembic_option("script_location") or ""
        versions = config.get_version_locations_list() or ()
        roots = config.get_prepend_sys_paths_list() or ()
    # `package:folder` is found through Python
    folders = [[one for one in found if one and ":" not in one] for found in ([script], versions)]
    return RelativePaths(*map(_relative, (*folders, roots)))


def _relative(paths: Iterable[str]) -> tuple[str, ...]:
    """Return all of a list where one of them is relative, for they are written together."""
    found = tuple(map(str, paths))
    return () if all(Path(one).is_absolute() for one in found) else found


def find_run_folder(
    config_path: Path, folders: Sequence[Path], files: Iterable[Path]
) -> tuple[Path, RelativePaths]:
    """Return the first of the folders from which most is found, and what counts from there.

    `folders`: absolute, at least one. `files`: the env.py and the revisions, whose imports tell
    what `prepend_sys_path` is for. Raises ConfigError when the configuration cannot be read.
    """
    paths = list_relative_paths(read_config(config_path))
    packages = _list_packages(files) if paths.roots else frozenset()

    def count(folder: Path) -> int:
        places = sum((folder / one).is_dir() for one in (*paths.script, *paths.versions))
        roots = [folder / one for one in paths.roots]
        return places + sum(any(_has_package(root, one) for root in roots) for one in packages)

    return max(folders, key=count), paths


def _list_packages(files: Iterable[Path]) -> frozenset[str]:
    found: set[str] = set()
    for file in files:
        try:
            found |= list_packages(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            continue
    return frozenset(found)


def _has_package(root: Path, name: str) -> bool:
    return (root / f"{name}.py").is_file() or any((root / name).glob("*.py"))
