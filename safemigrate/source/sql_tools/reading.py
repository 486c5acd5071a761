"""A directory of SQL → its migrations, as the tool runs them that keeps them so."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from safemigrate.errors import UsageError
from safemigrate.model import (
    Direction,
    DowngradeKind,
    Migration,
    Unjudged,
)
from safemigrate.source.excerpt import show_path
from safemigrate.source.sql_tools.dialects import (
    find_dialect,
    find_vendor,
    is_our_folder,
    tell_left_out,
)
from safemigrate.source.sql_tools.flyway import Flyway
from safemigrate.source.sql_tools.folders import Folder, list_sql_files
from safemigrate.source.sql_tools.layouts import Fault, Found, Layout, Part, Step, list_names
from safemigrate.source.sql_tools.pairs import Diesel, GolangMigrate, Sqlx, SqlxPlain
from safemigrate.source.sql_tools.scripts import Script, Wrapping, read_script
from safemigrate.source.sql_tools.sections import Dbmate, Goose, NodePgMigrate, Sectioned, Tern
from safemigrate.source.sql_tools.sqitch import Sqitch
from safemigrate.source.sql_tools.upgrade_only import Atlas, Drizzle, Prisma, Supabase

__all__ = ["LAYOUTS", "VAGUE_LAYOUTS", "Reading", "is_of_tool", "read_directory", "read_file"]

# Told by marks in each file.
SECTIONED: tuple[Sectioned, ...] = (Goose(), Dbmate(), NodePgMigrate(), Tern())
LAYOUTS: tuple[Layout, ...] = (
    *SECTIONED,
    GolangMigrate(),
    Sqlx(),
    Diesel(),
    Flyway(),
    Prisma(),
    Drizzle(),
    Sqitch(),
)
# Told by what is around the files, which have no marks of their own.
VAGUE_LAYOUTS: tuple[Layout, ...] = (Atlas(), Supabase(), SqlxPlain())


@dataclass(frozen=True, slots=True)
class Reading:
    """Migrations in their order, what to say about them, and how many values were assumed."""

    migrations: tuple[Migration, ...]
    notices: tuple[str, ...] = ()
    placeholders: int = 0


def is_of_tool(directory: Path) -> bool:
    """Return whether the directory is one that a tool keeps its migrations in."""
    return _find_layout(Folder(directory)) is not None


def read_directory(directory: Path, texts: Mapping[Path, str] | None = None) -> Reading:
    """Return the migrations of a directory.

    `texts`: what files have in the place of what is on disk, such as one that is being edited.
    Where it is no tool's, these are the files directly in it, by name, as psql runs them. Files of
    other databases are left out, and counted in a notice. Raises UsageError where it is the folder
    of two tools, SourceError where a tool's order cannot be told.
    """
    place = _find_layout(Folder(directory, texts))
    if place is None:
        folder = Folder(directory, texts)
        steps = tuple(Step(Part(file, Wrapping.NOTHING)) for file in folder.files)
        return _read_steps(folder, Found(steps), "")
    found = place.layout.read(place.folder)
    reading = _read_steps(place.folder, found, place.layout.name)
    notices = [
        f"read as {place.layout.name} migrations: {place.layout.rule}",
        *place.notices,
        *reading.notices,
    ]
    if found.ignored:
        files = "1 file" if len(found.ignored) == 1 else f"{len(found.ignored)} files"
        notices.append(
            f"{files} that {place.layout.name} does not run: {list_names(found.ignored)}"
        )
    return Reading(reading.migrations, tuple(notices), reading.placeholders)


def read_file(path: Path, texts: Mapping[Path, str] | None = None) -> Reading:
    """Return the one migration that a file is; `texts` is as `read_directory` has it.

    One that has the marks of a tool for its two ways is read by them; any other as psql runs it,
    and so is one whose name says which way it is. Raises SourceError for a file that is not there,
    or is not UTF-8.
    """
    folder = Folder(path.parent, texts)
    text = folder.text(path)
    found = [layout for layout in SECTIONED if layout.marks.search(text)]
    if len(found) != 1 or path.name.lower().endswith((".up.sql", ".down.sql")):
        reader = _Reader(folder, "")
        migrations = tuple(reader.read(Step(Part(path, Wrapping.NOTHING))))
        return Reading(migrations, placeholders=reader.placeholders)
    (layout,) = found
    reader = _Reader(folder, layout.name)
    migrations = tuple(reader.read(layout.read_file(path, text)))
    notice = f"read by the marks of {layout.name}: {layout.rule}"
    return Reading(migrations, (notice,), reader.placeholders)


@dataclass(frozen=True, slots=True)
class _Place:
    """A folder and whose it is."""

    folder: Folder
    layout: Layout
    notices: tuple[str, ...] = ()


def _find_layout(folder: Folder) -> _Place | None:
    """Return the tool that the folder belongs to, or the one folder in it that says so."""
    for layouts in (LAYOUTS, VAGUE_LAYOUTS):
        found = [layout for layout in layouts if layout.recognises(folder)]
        if len(found) > 1:
            names = " and as ".join(f'"{layout.name}"' for layout in found)
            raise UsageError(
                f'the directory "{show_path(folder.path)}" can be read as {names} migrations',
                "name the files themselves, in their order: each is read by itself",
            )
        if found:
            return _Place(folder, found[0])
    return None if folder.files else _look_below(folder)


def _look_below(folder: Folder) -> _Place | None:
    """Return what is in the folder `migrations`, or in that of PostgreSQL among others."""
    for one in folder.folders:
        if one.name == "migrations" or is_our_folder(one.name):
            place = _find_layout(Folder(one))
            if place is not None:
                counts = Counter(
                    {
                        vendor: len(list_sql_files(other))
                        for other in folder.folders
                        if (vendor := find_vendor(other.name))
                    }
                )
                return _Place(place.folder, place.layout, (*place.notices, *tell_left_out(+counts)))
    return None


def _read_steps(folder: Folder, found: Found, tool: str) -> Reading:
    reader = _Reader(folder, tool)
    migrations: list[Migration] = []
    counts: Counter[str] = Counter()
    left_out: list[Path] = []
    for step in found.steps:
        alien = reader.find_alien(step)
        if alien:
            counts[alien] += 1
            left_out += [part.file for part in (step.up or step.down,) if part is not None]
        else:
            migrations += reader.read(step)
    told = tell_left_out(counts, [list_names(left_out)])
    return Reading(tuple(migrations), (*found.notices, *told), reader.placeholders)


class _Reader:
    """Reads the steps of a folder, and counts the placeholders in them."""

    def __init__(self, folder: Folder, tool: str) -> None:
        self._folder = folder
        self._tool = tool
        self.placeholders = 0

    def find_alien(self, step: Step) -> str:
        """Return the other database that a migration is for, empty for none."""
        part = step.up or step.down
        if part is None:
            return ""
        return find_dialect(self._folder.text(part.file), folder=part.file.parent.name)

    def read(self, step: Step) -> Iterator[Migration]:
        """Yield a migration for each file of the step."""
        up, down = step.up, step.down
        if up is not None and down is not None and up.file != down.file:
            first = self._build(up.file, up=up, faults=step.faults)
            yield first
            yield self._build(down.file, down=down, reverses=first)
            return
        files = [part.file for part in (up, down) if part] + [one.file for one in step.faults]
        yield self._build(files[0], up=up, down=down, faults=step.faults)

    def _build(
        self,
        file: Path,
        *,
        up: Part | None = None,
        down: Part | None = None,
        faults: Iterable[Fault] = (),
        reverses: Migration | None = None,
    ) -> Migration:
        shown = show_path(file)
        upward = self._read_part(file, up, Direction.UPGRADE)
        downward = self._read_part(file, down, Direction.DOWNGRADE)
        unjudged = (
            *(Unjudged(shown, fault.line, None, fault.reason) for fault in faults),
            *upward.unjudged,
            *downward.unjudged,
        )
        # Whether a way back leads back can be told only where all of the way there was read.
        is_whole = not unjudged and (up is not None if reverses is None else not reverses.unjudged)
        is_present = is_whole and bool(downward.statements)
        ways = {Direction.UPGRADE: up, Direction.DOWNGRADE: down}
        wrappings = {way: part.wrapping for way, part in ways.items() if part}
        return Migration(
            path=shown,
            text=self._folder.text(file),
            upgrade=upward.statements,
            downgrade=downward.statements,
            downgrade_kind=(DowngradeKind.PRESENT if is_present else DowngradeKind.NOT_APPLICABLE),
            upgrade_line=1 if up is None else up.line,
            downgrade_line=1 if down is None else down.line,
            unjudged=tuple(sorted(unjudged, key=lambda one: one.line)),
            assumptions=(*upward.assumptions, *downward.assumptions),
            runner=self._tool if {*wrappings.values()} - {Wrapping.NOTHING} else "",
            wrapped=frozenset(way for way, one in wrappings.items() if one is Wrapping.TRANSACTION),
            reverses="" if reverses is None else reverses.path,
        )

    def _read_part(self, file: Path, part: Part | None, direction: Direction) -> Script:
        if part is None:
            return Script((), ())
        script = read_script(
            show_path(file),
            self._folder.text(file),
            direction=direction,
            wrapping=part.wrapping,
            regions=part.regions,
        )
        self.placeholders += script.placeholders
        return script
