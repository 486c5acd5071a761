"""Which Alembic project a path belongs to, with and without a configuration."""

import configparser
import os
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from safemigrate.errors import UsageError
from safemigrate.source.excerpt import show_path

__all__ = [
    "FolderProject",
    "find_config",
    "find_config_here",
    "find_location",
    "find_version_folders",
    "has_alembic_table",
    "has_revisions",
    "holds_revisions",
    "list_configs_below",
]

_DEFAULT = Path("alembic.ini")
_REVISION = re.compile(r"^down_revision\b", re.MULTILINE)
_ENVIRONMENT = re.compile(r"\brun_migrations\b")
# Folders from one that holds revisions up to that of its env.py.
_HEIGHT = 3


@dataclass(frozen=True, slots=True)
class FolderProject:
    """Revisions in a folder that no configuration names; both paths are absolute."""

    script_location: Path
    versions: Path


def find_config(paths: tuple[Path, ...], default: Path = _DEFAULT) -> Path | FolderProject:
    """Return the configuration of the project that the paths belong to.

    `default`: used when it is there, or when it is not what is looked for by default. Otherwise
    it is looked for from the first path upwards, up to the root of a repository, and taken when it
    leads to that path; when there is none, the folder is a project by itself. Without paths it is
    that of `find_config_here`.
    Raises UsageError when there are several such folders below the path.
    """
    if default != _DEFAULT or _is_here(default):
        return default
    if not paths:
        return find_config_here(default)
    # without the dots of a relative one, and links left as they are
    path = Path(os.path.abspath(paths[0]))  # noqa: PTH100 - as above
    start = path if path.is_dir() else path.parent
    for folder in (start, *start.parents):
        for config in (folder / "alembic.ini", folder / "pyproject.toml"):
            if _leads_to(config, path):
                return config
        if (folder / ".git").exists():
            break
    return _find_folder_project(start) or default


def find_config_here(default: Path = _DEFAULT) -> Path:
    """Return `default` when it is there, else the one of that name in a folder directly below.

    Flask-Migrate keeps it in migrations/. When there is none, `default` again.
    Raises UsageError when there are several.
    """
    found = () if _is_here(default) else list_configs_below(default)
    if len(found) > 1:
        names = ", ".join(f'"{path}"' for path in found)
        raise UsageError(
            f"there are several Alembic configurations: {names}",
            "name one with --config, or run this in the directory of one",
        )
    return found[0] if found else default


def list_configs_below(default: Path = _DEFAULT) -> tuple[Path, ...]:
    """Return the files of that name in folders directly below the current directory."""
    folders = sorted(path for path in Path().iterdir() if path.is_dir())
    return tuple(one / default.name for one in folders if _can_be_read(one / default.name))


def _is_here(default: Path) -> bool:
    return default.is_file() or has_alembic_table(default.parent / "pyproject.toml")


def _can_be_read(path: Path) -> bool:
    """Return whether the file can be opened; so that it is noticed where one is looked for."""
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False


def has_alembic_table(path: Path) -> bool:
    """Return whether the file is a pyproject.toml with `[tool.alembic]`."""
    return "alembic" in _read_tools(path)


def has_revisions(folder: Path) -> bool:
    """Return whether a file directly in the folder says which revision it follows."""
    return any(
        _REVISION.search(path.read_text("utf-8", errors="replace"))
        for path in sorted(folder.glob("*.py"))
        if path.is_file()
    )


def find_location(value: str | None, folder: Path) -> Path | None:
    """Return the script location that a configuration in `folder` means, as far as it is found.

    `value`: its `script_location`, with `%(here)s` replaced; None when it has none. A relative one
    counts from the current directory, as with Alembic, or from the folder or one above it;
    `package:path` need not be importable when it lies there.
    """
    if not value:
        return folder if _is_location(folder) else None
    above = (folder, *folder.parents)
    if ":" in value and not Path(value).is_absolute():
        package, *inside = value.split(":")
        parts = package.split(".")
        bases = [base for one in (Path.cwd(), *above) for base in (one, one / "src")]
        candidates = [base.joinpath(*parts, *inside) for base in bases]
        # the folder may lie in the package itself, under another name
        candidates += [one.joinpath(*inside) for one in above]
    else:
        candidates = [base / value for base in (Path.cwd(), *above)]
    found = [one for one in candidates if one.is_dir()]
    likely = next((one for one in found if _is_location(one)), None)
    if likely is not None:
        return likely
    return folder if _is_location(folder) else next(iter(found), None)


def find_version_folders(location: Path, wanted: Iterable[Path]) -> tuple[Path, ...]:
    """Return the folders below that hold revisions; of several, those that are meant.

    Those are the ones that `wanted` names, and of these those that are named after PostgreSQL.
    """
    found = sorted(_folders_with_revisions(location))
    named = [path.resolve() for path in wanted]
    chosen = [one for one in found if any(_is_within(one.resolve(), path) for path in named)]
    left = chosen or found
    postgres = [one for one in left if one.name.lower().startswith(("postgres", "pg"))]
    return tuple(postgres or left)


def _is_within(folder: Path, path: Path) -> bool:
    return folder.is_relative_to(path) or path.parent == folder


def _leads_to(config: Path, path: Path) -> bool:
    """Return whether the configuration is there, and its revisions at the path, or around it."""
    value, versions = _read_locations(config)
    if value is None and not versions and not _has_section(config):
        return False
    location = find_location(value, config.parent)
    places = [location] if location is not None else []
    places += [config.parent / one for one in versions] + [Path(one).absolute() for one in versions]
    return any(path.is_relative_to(one) or one.is_relative_to(path) for one in places)


def _has_section(config: Path) -> bool:
    if config.suffix == ".toml":
        return has_alembic_table(config)
    return config.is_file() and "[alembic]" in config.read_text("utf-8", errors="replace")


def _read_locations(config: Path) -> tuple[str | None, tuple[str, ...]]:
    """Return `script_location` and `version_locations` of a configuration, None and () at worst."""
    here = str(config.parent)
    if config.suffix == ".toml":
        table = _read_tools(config).get("alembic")
        if not isinstance(table, dict):
            return None, ()
        value, versions = table.get("script_location"), table.get("version_locations", [])
        listed = versions if isinstance(versions, list) else []
        return (
            value.replace("%(here)s", here) if isinstance(value, str) else None,
            tuple(str(one).replace("%(here)s", here) for one in listed),
        )
    parser = configparser.ConfigParser({"here": here.replace("%", "%%")})
    try:
        parser.read(config, "utf-8")
        if not parser.has_section("alembic"):
            return None, ()
        versions = parser.get("alembic", "version_locations", fallback="")
        parts = re.split(rf"[\s,{os.pathsep}]+", versions)
        return parser.get("alembic", "script_location", fallback=None), tuple(filter(None, parts))
    except (configparser.Error, OSError, UnicodeDecodeError):
        return None, ()


def _read_tools(path: Path) -> dict[str, object]:
    try:
        tool = tomllib.loads(path.read_text(encoding="utf-8")).get("tool")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}
    return tool if isinstance(tool, dict) else {}


def _find_folder_project(start: Path) -> FolderProject | None:
    found = [start] if has_revisions(start) else sorted(_folders_with_revisions(start))
    if not found:
        return None
    if len(found) > 1:
        names = ", ".join(f'"{show_path(one)}"' for one in found)
        raise UsageError(
            f"there are revisions in {len(found)} folders: {names}",
            "name one of them, or the configuration with --config",
        )
    versions = found[0]
    above = [versions, *versions.parents][: _HEIGHT + 1]
    location = next((one for one in above if _has_environment(one)), versions)
    return FolderProject(location, versions)


def holds_revisions(directory: Path) -> bool:
    """Return whether some file in the directory, or below, says which revision it follows."""
    return next(_folders_with_revisions(directory), None) is not None


def _folders_with_revisions(start: Path) -> Iterator[Path]:
    """Yield the folders, hidden ones and virtual environments left out, that hold revisions."""
    for name, below, _ in os.walk(start):
        folder = Path(name)
        below[:] = [
            one
            for one in below
            if not one.startswith((".", "__pycache__"))
            and not (folder / one / "pyvenv.cfg").exists()
        ]
        if has_revisions(folder):
            yield folder


def _is_location(folder: Path) -> bool:
    return (folder / "versions").is_dir() or _has_environment(folder)


def _has_environment(folder: Path) -> bool:
    path = folder / "env.py"
    return path.is_file() and bool(_ENVIRONMENT.search(path.read_text("utf-8", errors="replace")))
