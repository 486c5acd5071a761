"""Where an exception of foreign code comes from, in one line."""

import configparser
import os
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from safemigrate.model.secrets import hide_passwords
from safemigrate.source.directory import find_start
from safemigrate.source.fence_attempts import FenceError

__all__ = ["Origin", "describe", "find_origin", "find_refusal", "show_path"]


@dataclass(frozen=True, slots=True)
class Origin:
    """A place in a file; `line` is 1-based."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


def show_path(path: Path | str) -> str:
    """Return the path as the user knows it: relative to the current directory when below it.

    While foreign code runs, to the directory in which it was entered: it may be in another one.
    """
    text = str(path if isinstance(path, Path) else Path(path))
    here = find_start()
    if not here:
        return text
    if text == here:
        return "."
    return text.removeprefix(here if here.endswith(os.sep) else here + os.sep)


def describe(error: BaseException) -> str:
    """Return the class and message of an exception on one line, without its details.

    Of one that stands for what the fence refused, the refusal.
    """
    refused = find_refusal(error)
    if refused is not None and refused.attempt.refusal in str(error):
        return refused.attempt.refusal
    if isinstance(error, SyntaxError):
        text = error.msg
    elif isinstance(error, configparser.InterpolationError):
        # its own text shows the value, which may be a URL
        text = f'"{error.option}" in section "{error.section}" cannot be read'
    elif isinstance(error, KeyError) and error.args:
        # str() of a KeyError is the key alone, and reads like nothing
        text = f"no key {error.args[0]!r}"
    else:
        # SQLAlchemy puts the statement and its parameters in further lines
        text = next((line for line in str(error).splitlines() if line.strip()), "")
    name = type(error).__name__
    text = hide_passwords(" ".join(text.split()))
    return f"{name}: {text}" if text else name


def find_refusal(error: BaseException) -> FenceError | None:
    """Return what the fence raised, when the error is that, or comes from it."""
    found: BaseException | None = error
    while found is not None and not isinstance(found, FenceError):
        found = found.__cause__ or found.__context__
    return found


def find_origin(error: BaseException, path: Path | str) -> Origin | None:
    """Return the innermost place in the file `path` that the exception went through, if any."""
    wanted = {str(path), str(Path(path).resolve())}
    if isinstance(error, SyntaxError) and error.filename in wanted:
        return Origin(show_path(path), error.lineno or 1)
    found = _innermost_line(error.__traceback__, wanted)
    return None if found is None else Origin(show_path(path), found)


def _innermost_line(trace: TracebackType | None, wanted: set[str]) -> int | None:
    line = None
    for frame, number in traceback.walk_tb(trace):
        if frame.f_code.co_filename in wanted:
            line = number
    return line
