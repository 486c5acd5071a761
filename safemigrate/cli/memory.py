"""What a command that only judges has written, to be written again while nothing has changed.

Imports little, for that is the point of it.
"""

import contextlib
import io
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

from safemigrate.cache import Inputs, Store, digest, digest_of_process, open_store, watch_inputs

__all__ = ["Memory", "find_memory"]

_COMMANDS = frozenset({"explain", "lint"})
_CONFIGURATIONS = ("alembic.ini", "pyproject.toml", "safemigrate.toml")

# They write files, or ask git, whose answers no file of the project holds.
_UNREMEMBERED = (
    "--changed-since",
    "--diff",
    "--fix",
    "--help",
    "--no-cache",
    "--staged",
    "--write-baseline",
)
_SHORT_HELP = "-h"

# Those whose answer is an answer; the others tell of a mistake, and what it was may be anywhere.
_REMEMBERED_CODES = frozenset({0, 1})


@dataclass(frozen=True, slots=True)
class _Report:
    """What a run read, what it wrote to its two streams, and its exit code."""

    inputs: Inputs
    output: bytes
    errors: bytes
    code: int


class Memory:
    """What one command line has last written in one directory."""

    def __init__(self, store: Store, key: str, configurations: Iterable[Path]) -> None:
        """`configurations`: the files of configuration that the run looks for."""
        self._store = store
        self._key = key
        self._configurations = configurations

    def recall(self) -> int | None:
        """Write what the same run wrote and return its exit code; None when it has to run."""
        known = self._store.load(self._key)
        if not isinstance(known, _Report) or not known.inputs.are_current():
            return None
        try:
            _write(sys.stderr, known.errors)
            _write(sys.stdout, known.output)
        except OSError:
            # the run itself says what is wrong with standard output
            return None
        return known.code

    @contextlib.contextmanager
    def remembering(self) -> Iterator[None]:
        """Keep what is written inside, and what was read for it, when the block exits."""
        with watch_inputs() as watch, _copied("stdout") as output, _copied("stderr") as errors:
            watch.add_files(self._configurations)
            try:
                yield
            except SystemExit as ended:
                code = ended.code
                if isinstance(code, int) and code in _REMEMBERED_CODES:
                    report = _Report(watch.take(), output.getvalue(), errors.getvalue(), int(code))
                    self._store.save(self._key, report)
                raise


def find_memory(arguments: Sequence[str]) -> Memory | None:
    """Return the memory of a command line, None for one whose answers are not kept."""
    if not arguments or arguments[0] not in _COMMANDS:
        return None
    if any(one.startswith(_UNREMEMBERED) or one == _SHORT_HELP for one in arguments):
        return None
    store = open_store("reports")
    if store is None:
        return None
    try:
        os.getcwd()  # noqa: PTH109 - only whether it is there
    except OSError:
        # the command itself says what it cannot do without it
        return None
    key = digest(*arguments, *_describe_process())
    return Memory(store, key, _list_configurations(arguments))


def _list_configurations(arguments: Sequence[str]) -> Iterator[Path]:
    """Yield the files of configuration there could be for the paths on the command line."""
    named = (one.rpartition("=")[2] for one in arguments)
    paths = [Path.cwd() / "any", *(Path(name).absolute() for name in named)]
    folders = {folder for path in paths for folder in (path, *path.parents)}
    return (folder / name for folder in sorted(folders) for name in _CONFIGURATIONS)


def _describe_process() -> Iterator[str]:
    """Yield what else the report depends on: where it runs, and where its streams lead."""
    yield digest_of_process()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            yield f"{stream.isatty()} {stream.encoding}"
    yield str(shutil.get_terminal_size())


def _write(stream: TextIO, data: bytes) -> None:
    if data:
        stream.flush()
        stream.buffer.write(data)
        stream.flush()


@contextlib.contextmanager
def _copied(name: str) -> Iterator[io.BytesIO]:
    """Copy what is written to `sys.stdout` or `sys.stderr` inside the block."""
    copy = io.BytesIO()
    stream: TextIO | None = getattr(sys, name)
    if stream is None:
        yield copy
        return
    copying = io.TextIOWrapper(
        _Copier(stream.buffer, copy),  # type: ignore[type-var]  # it is only written to
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=True,
        write_through=True,
    )
    setattr(sys, name, copying)
    try:
        yield copy
    finally:
        with contextlib.suppress(OSError, ValueError):
            copying.flush()
        setattr(sys, name, stream)
        copying.detach()


class _Copier(io.BufferedIOBase):
    """Writes to a stream and to a copy."""

    def __init__(self, stream: BinaryIO, copy: io.BytesIO) -> None:
        self._stream = stream
        self._copy = copy

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]  # what callers give
        self._copy.write(data)
        return self._stream.write(data)

    def flush(self) -> None:
        self._stream.flush()

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()
