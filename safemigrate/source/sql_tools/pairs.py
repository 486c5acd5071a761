"""Tools that keep the way up and the way down in two files: golang-migrate, sqlx and diesel."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

from safemigrate.errors import SourceError
from safemigrate.source.excerpt import show_path
from safemigrate.source.sql_tools.folders import Folder
from safemigrate.source.sql_tools.layouts import Found, Part, Step, check_unique
from safemigrate.source.sql_tools.scripts import Wrapping
from safemigrate.source.text import read_text

__all__ = ["Diesel", "GolangMigrate", "Sqlx", "SqlxPlain"]

_PAIRED = re.compile(r"(?P<version>\d+)_.*\.(?P<way>up|down)\.sql\Z", re.IGNORECASE)
_PLAIN = re.compile(r"(?P<version>\d+)_.*\.sql\Z", re.IGNORECASE)
_FREE = "-- no-transaction"


class GolangMigrate:
    """Files `1_name.up.sql` and `1_name.down.sql`, each sent as one string."""

    name = "golang-migrate"
    rule = "each file is one string, so several statements are one transaction"

    def recognises(self, folder: Folder) -> bool:
        """Return whether there are such files, and no sign of sqlx."""
        return _has_pairs(folder) and not _is_sqlx(folder)

    def read(self, folder: Folder) -> Found:
        """Return the pairs by number."""
        return _read_pairs(self.name, folder, lambda _: Wrapping.STRING)


class Sqlx:
    """Files `1_name.up.sql` and `1_name.down.sql`, each in a transaction."""

    name = "sqlx"
    rule = f'one transaction a file, but for those that begin with "{_FREE}"'

    def recognises(self, folder: Folder) -> bool:
        """Return whether there are such files, and a sign of sqlx."""
        return _has_pairs(folder) and _is_sqlx(folder)

    def read(self, folder: Folder) -> Found:
        """Return the pairs by number."""
        return _read_pairs(self.name, folder, _wrap_sqlx)


class SqlxPlain:
    """Files `1_name.sql` beside a sign of sqlx, each in a transaction."""

    name = Sqlx.name
    rule = Sqlx.rule

    def recognises(self, folder: Folder) -> bool:
        """Return whether there are such files, and a sign of sqlx."""
        has_files = any(_PLAIN.match(file.name) for file in folder.files)
        return has_files and not _has_pairs(folder) and _is_sqlx(folder)

    def read(self, folder: Folder) -> Found:
        """Return the files by number."""
        numbered = [(_PLAIN.match(file.name), file) for file in folder.files]
        files = [(int(found["version"]), file) for found, file in numbered if found]
        check_unique(self.name, ((str(version), file) for version, file in files))
        return Found(
            tuple(Step(Part(file, _wrap_sqlx(folder.text(file)))) for _, file in sorted(files)),
            ignored=tuple(file for found, file in numbered if not found),
        )


def _has_pairs(folder: Folder) -> bool:
    return any(_PAIRED.match(file.name) for file in folder.files)


def _is_sqlx(folder: Folder) -> bool:
    """Return whether Cargo.toml beside the folder names sqlx, or a file its own comment."""
    if any(folder.text(file).startswith(_FREE) for file in folder.files):
        return True
    cargo = folder.path.absolute().parent / "Cargo.toml"
    return cargo.is_file() and re.search(r"^\s*sqlx\b", read_text(cargo), re.MULTILINE) is not None


def _wrap_sqlx(text: str) -> Wrapping:
    return Wrapping.STRING if text.startswith(_FREE) else Wrapping.TRANSACTION


def _read_pairs(name: str, folder: Folder, wrap: Callable[[str], Wrapping]) -> Found:
    ways: dict[str, dict[int, Path]] = {"up": {}, "down": {}}
    listed = defaultdict(list)
    ignored = []
    for file in folder.files:
        found = _PAIRED.match(file.name)
        if found is None:
            ignored.append(file)
            continue
        ways[found["way"].lower()][int(found["version"])] = file
        listed[found["way"].lower()].append((str(int(found["version"])), file))
    for files in listed.values():
        check_unique(name, files)
    versions = sorted({*ways["up"], *ways["down"]})

    def part(way: str, version: int) -> Part | None:
        file = ways[way].get(version)
        return None if file is None else Part(file, wrap(folder.text(file)))

    steps = tuple(Step(part("up", version), part("down", version)) for version in versions)
    return Found(steps, _tell_orphans(steps), tuple(ignored))


def _tell_orphans(steps: Iterable[Step]) -> tuple[str, ...]:
    return tuple(
        f'"{show_path(step.down.file)}" takes back a migration that is not there'
        for step in steps
        if step.up is None and step.down is not None
    )


class Diesel:
    """Folders with `up.sql` and `down.sql`, and perhaps `metadata.toml`."""

    name = "diesel"
    rule = "one transaction a migration, but for those with run_in_transaction = false"

    def recognises(self, folder: Folder) -> bool:
        """Return whether some folder has a file up.sql."""
        return any((one / "up.sql").is_file() for one in folder.folders)

    def read(self, folder: Folder) -> Found:
        """Return the folders by version, which diesel compares as text."""
        found = [(_version(one), one) for one in folder.folders if _has_way(one)]
        check_unique(self.name, found)
        steps = tuple(_read_diesel(one) for _, one in sorted(found))
        return Found(steps, _tell_orphans(steps), folder.files)


def _version(folder: Path) -> str:
    return folder.name.partition("_")[0].replace("-", "")


def _has_way(folder: Path) -> bool:
    return (folder / "up.sql").is_file() or (folder / "down.sql").is_file()


def _read_diesel(folder: Path) -> Step:
    wrapping = Wrapping.STRING if _runs_free(folder / "metadata.toml") else Wrapping.TRANSACTION
    up, down = (
        Part(file, wrapping) if file.is_file() else None
        for file in (folder / "up.sql", folder / "down.sql")
    )
    return Step(up, down)


def _runs_free(metadata: Path) -> bool:
    """Return whether the migration says that it runs outside a transaction."""
    if not metadata.is_file():
        return False
    try:
        settings = tomllib.loads(read_text(metadata))
    except tomllib.TOMLDecodeError as error:
        raise SourceError(
            f'"{show_path(metadata)}" is no TOML: {error}',
            "diesel does not read it either; correct it",
        ) from error
    return settings.get("run_in_transaction") is False
