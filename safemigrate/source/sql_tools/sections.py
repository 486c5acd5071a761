"""Tools that keep both ways in one file, parted by comments: goose, dbmate, and two more."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from safemigrate.source.sql_tools.folders import Folder, natural_key
from safemigrate.source.sql_tools.layouts import Fault, Found, Layout, Part, Step, check_unique
from safemigrate.source.sql_tools.scripts import Wrapping
from safemigrate.source.text import LineIndex
from safemigrate.sql import blank_psql, split_statements

__all__ = ["Dbmate", "Goose", "NodePgMigrate", "Sectioned", "Tern"]

_NUMBERED = re.compile(r"(?P<version>\d+)_")


@dataclass(frozen=True, slots=True)
class _Mark:
    """A comment that means something to the tool: its words, offsets, and 1-based line."""

    words: str
    start: int
    end: int
    line: int


def _list_marks(text: str, pattern: re.Pattern[str]) -> list[_Mark]:
    lines = LineIndex(text)
    return [
        _Mark(
            " ".join(match["words"].split()), match.start(), match.end(), lines.line(match.start())
        )
        for match in pattern.finditer(text)
    ]


def _bound(marks: list[_Mark], text: str) -> Iterator[tuple[_Mark, int]]:
    """Yield each mark with the offset at which the next one begins, or the text ends."""
    ends = [mark.start for mark in marks] + [len(text)]
    return zip(marks, ends[1:], strict=True)


class Sectioned(Layout, Protocol):
    """A tool that keeps both ways in one file.

    `marks`: what is found in each of its files that has both ways, or says how it is run.
    """

    marks: re.Pattern[str]

    def read_file(self, file: Path, text: str) -> Step:
        """Return what the tool would run of the file."""


_GOOSE_UP = re.compile(r"^[ \t]*--[ \t]*\+goose[ \t]+up\b", re.MULTILINE | re.IGNORECASE)
_DBMATE_UP = re.compile(r"^--[ \t]*migrate:up\b", re.MULTILINE)
_NODE_UP = re.compile(r"^[ \t]*--[\s-]*up\s+migration\b", re.MULTILINE | re.IGNORECASE)
_TERN_MARK = re.compile(
    r"^---- (?:create above / drop below|tern: disable-tx) ----\s*$", re.MULTILINE
)


class Goose:
    """Files with `-- +goose Up`."""

    name = "goose"
    rule = "one transaction a file, but for those with NO TRANSACTION"
    marks = _GOOSE_UP

    def recognises(self, folder: Folder) -> bool:
        """Return whether a file has a section up."""
        return folder.has_text(_GOOSE_UP)

    def read_file(self, file: Path, text: str) -> Step:
        """Return the two ways of the file."""
        return _read_goose(file, text)

    def read(self, folder: Folder) -> Found:
        """Return the files by number."""
        steps = {}
        ignored = []
        for file in folder.files:
            if found := _NUMBERED.match(file.name):
                steps[found["version"], file] = _read_goose(file, folder.text(file))
            else:
                ignored.append(file)
        check_unique(self.name, ((str(int(version)), file) for version, file in steps))
        order = sorted(steps, key=lambda one: natural_key(one[0]))
        return Found(tuple(steps[one] for one in order), ignored=tuple(ignored))


_GOOSE_MARK = re.compile(
    r"^[ \t]*--[ \t]*\+goose\b[ \t]*(?P<words>[^\r\n]*)", re.MULTILINE | re.IGNORECASE
)
_GOOSE_WORDS = frozenset(
    {"UP", "DOWN", "STATEMENTBEGIN", "STATEMENTEND", "NO TRANSACTION", "ENVSUB ON", "ENVSUB OFF"}
)


def _read_goose(file: Path, text: str) -> Step:
    marks = _list_marks(text, _GOOSE_MARK)
    words = [mark.words.upper() for mark in marks]
    is_free = "NO TRANSACTION" in words
    wrapping = Wrapping.NOTHING if is_free else Wrapping.TRANSACTION
    sections = [mark for mark, word in zip(marks, words, strict=True) if word in {"UP", "DOWN"}]
    parts = {
        mark.words.upper(): Part(file, wrapping, ((mark.end, end),), mark.line)
        for mark, end in _bound(sections, text)
    }
    faults = tuple(
        Fault(file, line, f"goose refuses the file: {reason}")
        for line, reason in (*_list_goose_faults(marks), *_list_unended(text, marks))
    )
    return Step(parts.get("UP"), parts.get("DOWN"), faults)


def _list_goose_faults(marks: list[_Mark]) -> Iterator[tuple[int, str]]:
    """Yield the line of each fault, and the fault."""
    seen: set[str] = set()
    for mark in marks:
        word = mark.words.upper()
        if word not in _GOOSE_WORDS:
            yield mark.line, f'it does not know "+goose {mark.words}"'
        elif word in {"UP", "DOWN"}:
            if word in seen:
                yield mark.line, f'"+goose {mark.words}" stands there twice'
            elif word == "DOWN" and "UP" not in seen:
                yield mark.line, "its section down stands before the one up"
            seen.add(word)
    if "UP" not in seen:
        yield 1, 'there is no "-- +goose Up"'
    yield from _list_open_statements(marks)


def _list_open_statements(marks: list[_Mark]) -> Iterator[tuple[int, str]]:
    begun: _Mark | None = None
    for mark in marks:
        word = mark.words.upper()
        if word == "STATEMENTEND" and begun is None:
            yield mark.line, "StatementEnd has no StatementBegin"
        elif begun is not None and word != "STATEMENTEND":
            yield begun.line, "StatementBegin has no StatementEnd"
        begun = mark if word == "STATEMENTBEGIN" else None
    if begun is not None:
        yield begun.line, "StatementBegin has no StatementEnd"


_SKIPPED = re.compile(r"--[^\r\n]*|\s+")


def _list_unended(text: str, marks: list[_Mark]) -> Iterator[tuple[int, str]]:
    """Yield the line of the last statement of a section where it has no semicolon."""
    sections = [mark for mark in marks if mark.words.upper() in {"UP", "DOWN"}]
    blocks = [
        (mark.end, end)
        for mark, end in _bound(marks, text)
        if mark.words.upper() == "STATEMENTBEGIN"
    ]
    lines = LineIndex(text)
    for mark, end in _bound(sections, text):
        for last in split_statements(blank_psql(text[mark.end : end])[0])[-1:]:
            start = mark.end + last.offset
            is_block = any(begin <= start < stop for begin, stop in blocks)
            rest = _SKIPPED.sub("", text[start + len(last.sql) : end])
            if not is_block and not rest.startswith(";"):
                yield lines.line(start), "the statement has no semicolon at its end"


class Dbmate:
    """Files with `-- migrate:up`."""

    name = "dbmate"
    rule = "one transaction a file, but for those with transaction:false"
    marks = _DBMATE_UP

    def recognises(self, folder: Folder) -> bool:
        """Return whether a file has a section up."""
        return folder.has_text(_DBMATE_UP)

    def read_file(self, file: Path, text: str) -> Step:
        """Return the two ways of the file."""
        return _read_dbmate(file, text)

    def read(self, folder: Folder) -> Found:
        """Return the files by name, as dbmate runs them."""
        files = [file for file in folder.files if file.name[0].isdigit()]
        check_unique(self.name, ((_DIGITS.match(file.name)[0], file) for file in files))  # type: ignore[index]  # it begins with a digit
        ignored = tuple(file for file in folder.files if file not in files)
        return Found(tuple(_read_dbmate(one, folder.text(one)) for one in files), ignored=ignored)


_DIGITS = re.compile(r"\d+")
_DBMATE_MARK = re.compile(r"^--[ \t]*migrate:(?P<words>[^\r\n]*)", re.MULTILINE)
_OPTION = re.compile(r"transaction:(?P<value>\w+)\Z")


def _read_dbmate(file: Path, text: str) -> Step:
    marks = _list_marks(text, _DBMATE_MARK)
    parts: dict[str, Part] = {}
    faults = []
    for mark, end in _bound(marks, text):
        word, *options = mark.words.split() or [""]
        wrapping = Wrapping.TRANSACTION
        for option in options:
            known = _OPTION.match(option)
            if known is None:
                faults.append((mark.line, f'it does not know "{option}"'))
            elif known["value"] == "false":
                wrapping = Wrapping.STRING
        if word not in {"up", "down"}:
            faults.append((mark.line, f'it does not know "migrate:{word}"'))
        elif word in parts or (word == "up" and "down" in parts):
            faults.append((mark.line, f'"migrate:{word}" does not stand in its place'))
        else:
            parts[word] = Part(file, wrapping, ((mark.end, end),), mark.line)
    if "up" not in parts:
        faults.append((1, 'there is no "-- migrate:up"'))
    listed = (Fault(file, line, f"dbmate refuses the file: {reason}") for line, reason in faults)
    return Step(parts.get("up"), parts.get("down"), tuple(listed))


class NodePgMigrate:
    """Files with `-- Up Migration`."""

    name = "node-pg-migrate"
    rule = "one transaction a file"
    marks = _NODE_UP

    def recognises(self, folder: Folder) -> bool:
        """Return whether a file has a section up."""
        return folder.has_text(_NODE_UP)

    def read_file(self, file: Path, text: str) -> Step:
        """Return the two ways of the file."""
        return _read_node(file, text)

    def read(self, folder: Folder) -> Found:
        """Return the files by the number that their names begin with."""
        files = [file for file in folder.files if _DIGITS.match(file.name)]
        files.sort(key=lambda file: (int(_DIGITS.match(file.name)[0]), file.name))  # type: ignore[index]  # those that do not match are left out
        ignored = tuple(file for file in folder.files if file not in files)
        return Found(tuple(_read_node(one, folder.text(one)) for one in files), ignored=ignored)


_NODE_DOWN = re.compile(r"^[ \t]*--[\s-]*down\s+migration\b", re.MULTILINE | re.IGNORECASE)


def _read_node(file: Path, text: str) -> Step:
    up, down = _NODE_UP.search(text), _NODE_DOWN.search(text)
    lines = LineIndex(text)
    places = sorted(one.start() for one in (up, down) if one)
    ends = dict(zip(places, [*places, len(text)][1:], strict=True))
    start = up.start() if up else 0
    first = ends[start] if up else min([*places, len(text)])
    upward = Part(file, Wrapping.TRANSACTION, ((start, first),), lines.line(start))
    if down is None:
        return Step(upward)
    region = (down.start(), ends[down.start()])
    return Step(upward, Part(file, Wrapping.TRANSACTION, (region,), lines.line(down.start())))


class Tern:
    """Files with `---- create above / drop below ----`."""

    name = "tern"
    rule = "one transaction a file, but for those with disable-tx"
    marks = _TERN_MARK

    def recognises(self, folder: Folder) -> bool:
        """Return whether a file has the line between its two ways."""
        return folder.has_text(_TERN_LINE)

    def read_file(self, file: Path, text: str) -> Step:
        """Return the two ways of the file."""
        return _read_tern(file, text)

    def read(self, folder: Folder) -> Found:
        """Return the files by number."""
        numbered = {file: _NUMBERED.match(file.name) for file in folder.files}
        files = [(found["version"], file) for file, found in numbered.items() if found]
        check_unique(self.name, ((str(int(version)), file) for version, file in files))
        files.sort(key=lambda one: natural_key(one[0]))
        return Found(
            tuple(_read_tern(file, folder.text(file)) for _, file in files),
            ignored=tuple(file for file, found in numbered.items() if not found),
        )


_TERN_LINE = re.compile(r"^---- create above / drop below ----\s*$", re.MULTILINE)
_TERN_FREE = re.compile(r"^---- tern: disable-tx ----\s*$", re.MULTILINE)


def _read_tern(file: Path, text: str) -> Step:
    wrapping = Wrapping.NOTHING if _TERN_FREE.search(text) else Wrapping.TRANSACTION
    line = _TERN_LINE.search(text)
    if line is None:
        return Step(Part(file, wrapping))
    number = LineIndex(text).line(line.start())
    return Step(
        Part(file, wrapping, ((0, line.start()),)),
        Part(file, wrapping, ((line.end(), len(text)),), number),
    )
