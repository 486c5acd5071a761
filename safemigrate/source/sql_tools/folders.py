"""A directory as the layouts look at it: its files and folders, and each file's text read once."""

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from safemigrate.source.text import read_text

__all__ = ["Folder", "list_sql_files", "natural_key"]


def list_sql_files(directory: Path) -> tuple[Path, ...]:
    """Return the files directly in the directory that end in .sql or .SQL, by name."""
    found = (file for file in directory.iterdir() if file.suffix.lower() == ".sql")
    return tuple(sorted((file for file in found if file.is_file()), key=lambda file: file.name))


class Folder:
    """A directory, read when it is asked for.

    `texts`: what files have in the place of what is on disk.
    """

    def __init__(self, path: Path, texts: Mapping[Path, str] | None = None) -> None:
        self.path = path
        self._texts = dict(texts or {})

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """The files of SQL directly in it, by name."""
        return list_sql_files(self.path)

    @cached_property
    def folders(self) -> tuple[Path, ...]:
        """The folders directly in it that are not hidden, by name."""
        found = (one for one in self.path.iterdir() if not one.name.startswith("."))
        return tuple(sorted(one for one in found if one.is_dir()))

    def text(self, file: Path) -> str:
        """Return the text of a file; raises SourceError when it is not UTF-8."""
        if file not in self._texts:
            self._texts[file] = read_text(file)
        return self._texts[file]

    def has_text(self, pattern: re.Pattern[str]) -> bool:
        """Return whether the pattern is found in some file directly in it."""
        return any(pattern.search(self.text(file)) for file in self.files)


def natural_key(version: str) -> tuple[int, str]:
    """Return what sorts versions that are whole numbers by their value."""
    return int(version), version
