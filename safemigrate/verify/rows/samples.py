"""The project's own rows for a revision: files of SQL, run statement by statement.

`<revision>.sql` is run at the state before the revision, `<revision>.after.sql` after it.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import psycopg

from safemigrate.errors import ConfigError
from safemigrate.source.excerpt import show_path
from safemigrate.sql import split_statements
from safemigrate.trace import Connection, describe_fault

__all__ = ["SampleFault", "Samples", "run_sample"]

_BEFORE = ".sql"
_AFTER = ".after.sql"
_COPY = re.compile(r"copy\b.*\bfrom\s+stdin\b", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SampleFault:
    """A statement that the server refuses; `line`: 1-based, in the file."""

    path: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Samples:
    """The folder with the samples; None where the project has none."""

    folder: Path | None

    def before(self, revision: str) -> Path | None:
        """Return the file of rows that the upgrade meets, None where there is none."""
        return self._find(revision + _BEFORE)

    def after(self, revision: str) -> Path | None:
        """Return the file of rows that are written after the upgrade, None where there is none."""
        return self._find(revision + _AFTER)

    def name_before(self, revision: str) -> str:
        """Return how the user knows the file of rows that the upgrade meets, there or not."""
        return self._name(revision + _BEFORE)

    def name_after(self, revision: str) -> str:
        """Return the same for the file of rows that are written after the upgrade."""
        return self._name(revision + _AFTER)

    @property
    def how_to_name(self) -> str:
        """What to add to advice that names a file: how to name the folder, where it is not yet."""
        return "" if self.folder is not None else ", and name the folder: --samples samples"

    def strangers(self, revisions: frozenset[str]) -> list[str]:
        """Return the files whose names are those of no revision, sorted."""
        return [
            show_path(file)
            for file in self._files()
            if file.name.removesuffix(_AFTER).removesuffix(_BEFORE) not in revisions
        ]

    def _name(self, name: str) -> str:
        return show_path((Path("samples") if self.folder is None else self.folder) / name)

    def _find(self, name: str) -> Path | None:
        return next((file for file in self._files() if file.name == name), None)

    def _files(self) -> list[Path]:
        """Return the files, sorted; raises ConfigError where the folder is not there."""
        if self.folder is None:
            return []
        try:
            return sorted(file for file in self.folder.iterdir() if file.suffix == _BEFORE)
        except OSError as err:
            raise ConfigError(
                f'the folder of samples "{show_path(self.folder)}" cannot be read',
                'name a folder with "samples" in the table "verify" of the configuration',
            ) from err


def run_sample(connection: Connection, path: Path) -> SampleFault | None:
    """Run the statements of a file, each by itself; return why it ended early, or None.

    `connection` is in autocommit mode; a file may begin and end transactions of its own.
    """
    shown = show_path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as err:
        return SampleFault(shown, 1, f"it cannot be read: {err}")
    for statement in split_statements(text):
        if _COPY.match(statement.sql):
            line = text.count("\n", 0, statement.offset) + 1
            return SampleFault(shown, line, "rows behind COPY are not read; write INSERT instead")
        try:
            connection.execute(statement.sql.encode())
        except psycopg.Error as error:
            connection.rollback()
            line = text.count("\n", 0, statement.offset + _position(error)) + 1
            return SampleFault(shown, line, f"the server says {describe_fault(error)}")
    if connection.info.transaction_status is not psycopg.pq.TransactionStatus.IDLE:
        connection.rollback()
        return SampleFault(shown, text.count("\n") + 1, "it begins a transaction and ends none")
    return None


def _position(error: psycopg.Error) -> int:
    """Return the 0-based character offset in the statement where the server sees the fault."""
    told = error.diag.statement_position
    return int(told) - 1 if told is not None else 0
