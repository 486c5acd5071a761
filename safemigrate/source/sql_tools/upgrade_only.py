"""Tools with files that only go up, by name: Prisma, Supabase, Atlas and Drizzle."""

import json
import re
import tomllib
from pathlib import Path

from safemigrate.errors import SourceError
from safemigrate.source.excerpt import show_path
from safemigrate.source.sql_tools.folders import Folder
from safemigrate.source.sql_tools.layouts import Found, Part, Step, check_unique
from safemigrate.source.sql_tools.scripts import Wrapping
from safemigrate.source.text import read_text

__all__ = ["Atlas", "Drizzle", "Prisma", "Supabase"]

_NUMBERED = re.compile(r"(?P<version>\d+)_.*\.sql\Z")


class Prisma:
    """Folders with `migration.sql`, each sent as one string."""

    name = "Prisma"
    rule = "each file is one string, so several statements are one transaction"

    def recognises(self, folder: Folder) -> bool:
        """Return whether some folder has a file migration.sql."""
        return any((one / "migration.sql").is_file() for one in folder.folders)

    def read(self, folder: Folder) -> Found:
        """Return the folders by name; none where the lock file names another database."""
        files = [one / "migration.sql" for one in folder.folders]
        files = [file for file in files if file.is_file()]
        provider = _read_provider(folder.path / "migration_lock.toml")
        if provider not in _OURS:
            what = f'{len(files)} left out: "migration_lock.toml" says that they are for {provider}'
            return Found((), (f"Prisma migrations: {what}",))
        return Found(
            tuple(Step(Part(file, Wrapping.STRING)) for file in files), ignored=folder.files
        )


_OURS = frozenset({"", "postgres", "postgresql"})


def _read_provider(lock: Path) -> str:
    """Return the database that the lock file names; empty where there is none."""
    if not lock.is_file():
        return ""
    try:
        return str(tomllib.loads(read_text(lock)).get("provider", ""))
    except tomllib.TOMLDecodeError as error:
        raise SourceError(
            f'"{show_path(lock)}" is no TOML: {error}', "Prisma does not read it either; correct it"
        ) from error


class Supabase:
    """Files `20240131120000_name.sql` in `supabase/migrations`."""

    name = "Supabase"
    rule = "one transaction a file"

    def recognises(self, folder: Folder) -> bool:
        """Return whether it is the folder `migrations` of a Supabase project."""
        path = folder.path.absolute()
        if path.name != "migrations" or not any(map(_NUMBERED.match, _names(folder))):
            return False
        return path.parent.name == "supabase"

    def read(self, folder: Folder) -> Found:
        """Return the files by the time that their names begin with."""
        return _read_numbered(self.name, folder)


class Atlas:
    """Files beside `atlas.sum`."""

    name = "Atlas"
    rule = 'one transaction a file, but for those with "atlas:txmode none"'

    def recognises(self, folder: Folder) -> bool:
        """Return whether the file with the sums is there."""
        return bool(folder.files) and (folder.path / "atlas.sum").is_file()

    def read(self, folder: Folder) -> Found:
        """Return the files by name, without those that only sum up the ones before."""
        texts = {file: folder.text(file) for file in folder.files}
        sums = tuple(file for file, text in texts.items() if _directive(text, "checkpoint"))
        steps = (
            Step(Part(file, _wrap_atlas(text))) for file, text in texts.items() if file not in sums
        )
        return Found(tuple(steps), ignored=sums)


def _wrap_atlas(text: str) -> Wrapping:
    is_free = _directive(text, "txmode none")
    return Wrapping.NOTHING if is_free else Wrapping.TRANSACTION


def _directive(text: str, words: str) -> bool:
    """Return whether the comments that the file begins with have the directive."""
    wanted = f"atlas:{words}".split()
    for line in text.splitlines():
        if line.strip() and not line.startswith("--"):
            return False
        if line.removeprefix("--").split()[: len(wanted)] == wanted:
            return True
    return False


class Drizzle:
    """Files that `meta/_journal.json` lists."""

    name = "Drizzle"
    rule = "one transaction a file at the least: Drizzle takes all pending files together"

    def recognises(self, folder: Folder) -> bool:
        """Return whether the journal is there."""
        return (folder.path / "meta" / "_journal.json").is_file()

    def read(self, folder: Folder) -> Found:
        """Return the files in the order of the journal; none where it is of another database."""
        journal = folder.path / "meta" / "_journal.json"
        try:
            content = json.loads(read_text(journal))
            dialect = str(content.get("dialect", "postgresql"))
            entries = sorted(content["entries"], key=lambda entry: int(entry["idx"]))
            files = [folder.path / f"{entry['tag']}.sql" for entry in entries]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SourceError(
                f'"{show_path(journal)}" is not a journal as Drizzle writes it',
                "correct it, or name the files themselves, in their order",
            ) from error
        if dialect not in {"pg", "postgresql"}:
            return Found((), (f"Drizzle migrations: {len(files)} left out: for {dialect}",))
        ignored = tuple(file for file in folder.files if file not in files)
        return Found(tuple(Step(Part(file, Wrapping.TRANSACTION)) for file in files), (), ignored)


def _names(folder: Folder) -> list[str]:
    return [file.name for file in folder.files]


def _read_numbered(name: str, folder: Folder) -> Found:
    matches = [(_NUMBERED.match(file.name), file) for file in folder.files]
    files = [(found["version"], file) for found, file in matches if found]
    check_unique(name, files)
    return Found(
        tuple(Step(Part(file, Wrapping.TRANSACTION)) for _, file in sorted(files)),
        ignored=tuple(file for found, file in matches if not found),
    )
