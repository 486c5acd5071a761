"""Flyway: files `V1_2__name.sql`, `U1_2__name.sql` and `R__name.sql`, also in folders below."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from safemigrate.source.excerpt import show_path
from safemigrate.source.sql_tools.dialects import leave_out_vendors
from safemigrate.source.sql_tools.folders import Folder
from safemigrate.source.sql_tools.layouts import Fault, Found, Part, Step, check_unique
from safemigrate.source.sql_tools.scripts import Wrapping
from safemigrate.source.text import read_text
from safemigrate.sql import blank_psql, split_statements

__all__ = ["Flyway"]

_NAME = re.compile(
    r"(?:(?P<kind>[VUB])(?P<version>\d+(?:[._]\d+)*)|(?P<repeatable>R))"
    r"__(?P<description>.+)\.sql\Z"
)
# What Flyway itself runs outside a transaction: org.flywaydb.database.postgresql.PostgreSQLParser.
_FREE = re.compile(
    r"(?:CREATE|DROP)(?:\s+UNIQUE)?\s+INDEX\s+CONCURRENTLY\b"
    r"|(?:CREATE|DROP)\s+(?:DATABASE|TABLESPACE|SUBSCRIPTION)\b|ALTER\s+SYSTEM\b|VACUUM\b"
    r"|REINDEX(?:\s+VERBOSE)?\s+(?:SCHEMA|DATABASE|SYSTEM)\b|DISCARD\s+ALL\b",
    re.IGNORECASE,
)
# What Flyway runs around its commands, by the name of the event and a description, if any.
# https://documentation.red-gate.com/fd/callbacks-275218509.html
_CALLBACK = re.compile(r"(?:(?:before|after)[A-Z][A-Za-z]*|createSchema)(?:__.*)?\.sql\Z")
_SETTING = re.compile(r"^\s*executeInTransaction\s*=\s*(?P<value>\w+)\s*$", re.MULTILINE)

_NOT_READ = "Flyway runs it as a callback, and callbacks are not judged"

_BUILT = frozenset({"build", "node_modules", "out", "target"})


@dataclass(frozen=True, slots=True)
class _Script:
    """A file by what its name says; a version as numbers, without zeros at the end."""

    file: Path
    kind: str
    version: tuple[int, ...]
    description: str


class Flyway:
    """Files with versions in their names."""

    name = "Flyway"
    rule = "one transaction a file, but for those that cannot run in one"

    def recognises(self, folder: Folder) -> bool:
        """Return whether a file has a version in its name: here, or below where none is here."""
        files = folder.files or _walk(folder.path)
        return any(True for _ in _list_scripts(files))

    def read(self, folder: Folder) -> Found:
        """Return the versions in their order, each with its undo, then what is repeatable.

        What Flyway runs around them is named at the end, and not read.
        """
        files, notices = leave_out_vendors(sorted(_walk(folder.path)))
        scripts = list(_list_scripts(files))
        versions = [one for one in scripts if one.kind == "V"]
        versions = _begin_at_baseline(versions, [one for one in scripts if one.kind == "B"])
        versions.sort(key=lambda one: one.version)
        check_unique(self.name, ((_show(one.version), one.file) for one in versions))
        undos = {one.version: one for one in scripts if one.kind == "U"}
        repeatable = [one for one in scripts if one.kind == "R"]
        repeatable.sort(key=lambda one: one.description)
        steps = []
        for script in [*versions, *repeatable]:
            undo = undos.get(script.version) if script.kind != "R" else None
            mixed: list[str] = []
            up = _read_part(folder, script.file, mixed)
            down = None if undo is None else _read_part(folder, undo.file, mixed)
            notices = (*notices, *mixed)
            steps.append(Step(up, down))
        callbacks = [one for one in files if _CALLBACK.match(one.name)]
        steps += [Step(None, None, (Fault(one, 1, _NOT_READ),)) for one in callbacks]
        known = {*callbacks, *(one.file for one in scripts)}
        return Found(tuple(steps), notices, tuple(one for one in files if one not in known))


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the SQL files below, but not those in hidden folders and where builds copy them to."""
    for here, below, names in os.walk(folder):
        below[:] = sorted(one for one in below if not one.startswith(".") and one not in _BUILT)
        yield from (Path(here) / name for name in sorted(names) if name.endswith(".sql"))


def _list_scripts(files: Iterable[Path]) -> Iterator[_Script]:
    for file in files:
        found = _NAME.match(file.name)
        if found is None:
            continue
        numbers = [int(part) for part in re.split(r"[._]", found["version"] or "") if part]
        while numbers and numbers[-1] == 0:
            numbers.pop()
        yield _Script(file, found["kind"] or "R", tuple(numbers), found["description"])


def _begin_at_baseline(versions: list[_Script], baselines: list[_Script]) -> list[_Script]:
    """Return the versions, with the newest baseline in front where those before it are gone."""
    if not baselines:
        return versions
    newest = max(baselines, key=lambda one: one.version)
    if any(one.version <= newest.version for one in versions):
        return versions
    return [newest, *versions]


def _show(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version)) or "0"


def _read_part(folder: Folder, file: Path, mixed: list[str]) -> Part:
    """Return how Flyway runs the file; `mixed` gets a sentence where it would refuse to."""
    settings = file.with_name(f"{file.name}.conf")
    chosen = _SETTING.search(read_text(settings)) if settings.is_file() else None
    if chosen is not None:
        is_free = chosen["value"].lower() == "false"
        return Part(file, Wrapping.NOTHING if is_free else Wrapping.TRANSACTION)
    text = folder.text(file)
    if _FREE.search(text) is None:
        return Part(file, Wrapping.TRANSACTION)
    statements = split_statements(blank_psql(text)[0])
    free = [_FREE.match(statement.sql) is not None for statement in statements]
    if not any(free):
        return Part(file, Wrapping.TRANSACTION)
    if not all(free):
        mixed.append(
            f'Flyway refuses "{show_path(file)}" unless "mixed" is set: some of its statements '
            "cannot run in a transaction, others can"
        )
    return Part(file, Wrapping.NOTHING)
