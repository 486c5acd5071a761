"""A place apart for code of the user's that we run: env.py, revisions, and what they import."""

import atexit
import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TextIO

from safemigrate.source.directory import keeping_directory
from safemigrate.source.fence import fenced
from safemigrate.source.fence_attempts import Attempt
from safemigrate.source.fence_drivers import replaced
from safemigrate.source.fence_surroundings import keeping_process
from safemigrate.source.stopping import RecordingStoppedError

__all__ = ["quarantine"]


@contextlib.contextmanager
def quarantine(
    *, is_silent: bool = False, on_attempt: Callable[[Attempt], None] | None = None
) -> Iterator[None]:
    """Run foreign code so that it leaves nothing behind in this process's output and directory.

    Its standard output goes to standard error, for ours is the report: `sys.stdout`, and the file
    descriptor, which a child process has as well. Put back afterwards are the current directory,
    see `keeping_directory`, and the logging configuration: the usual env.py calls `fileConfig`,
    which disables every logger that exists. Alembic's own progress is not shown, for ours says the
    same.
    `is_silent`: also drop its log records below WARNING and its Python warnings, for work the
    user did not ask to see.
    `on_attempt`: the code is run in order to read it, not for what it does. It is fenced in, see
    `fenced`, which calls this for each attempt; it reads nothing from standard input; and what it
    changes in this process is put back, but for `sys.path` and the environment, see
    `keeping_imports`. What it wants done when the process ends is done in a quarantine as well.
    """
    before = _LoggingState.take()
    previous_disable = logging.root.manager.disable
    with contextlib.ExitStack() as stack:
        stack.enter_context(_without_stdout())
        stack.enter_context(keeping_directory())
        stack.enter_context(_without_chatter())
        if on_attempt is not None:
            stack.enter_context(keeping_process())
            stack.enter_context(_without_stdin())
            stack.enter_context(replaced(atexit, "register", _register))
            stack.enter_context(fenced(on_attempt))
        if is_silent:
            logging.disable(max(previous_disable, logging.INFO))
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logging.disable(previous_disable)
            before.restore()


_STDIN, _STDOUT, _STDERR = 0, 1, 2


@contextlib.contextmanager
def _without_stdout() -> Iterator[None]:
    """Lead what is written to standard output to standard error, by whatever way it comes.

    What the process wrote before stays in front; what foreign code left in the buffer of a stream
    that it kept goes where the rest of it went.
    """
    streams = (sys.stdout, sys.__stdout__)
    _flush(streams)
    with contextlib.ExitStack() as stack:
        kept = _copy_descriptor(_STDOUT)
        if kept is not None:
            stack.callback(os.close, kept)
            stack.callback(os.dup2, kept, _STDOUT)
            _point_away(_STDOUT)
            stack.callback(_flush, streams)
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        yield


def _copy_descriptor(descriptor: int) -> int | None:
    """Return another descriptor of the same file; None when it is closed."""
    try:
        return os.dup(descriptor)
    except OSError:
        return None


def _point_away(descriptor: int) -> None:
    """Make the descriptor one of standard error, or of nothing when that is closed."""
    try:
        os.dup2(_STDERR, descriptor)
    except OSError:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, descriptor)
        os.close(nothing)


def _flush(streams: Iterable[TextIO | None]) -> None:
    for stream in streams:
        # it may be closed, or its reader gone; whoever writes the report will find that out
        with contextlib.suppress(OSError, ValueError):
            if stream is not None:
                stream.flush()


@contextlib.contextmanager
def _without_stdin() -> Iterator[None]:
    """Let a question to the user find the end of the input, by whatever way it is asked."""
    with contextlib.ExitStack() as stack:
        kept = _copy_descriptor(_STDIN)
        with open(os.devnull, encoding="utf-8") as nothing:  # noqa: PTH123 - a device
            os.dup2(nothing.fileno(), _STDIN)
            if kept is None:
                stack.callback(_close, _STDIN)
            else:
                stack.callback(os.close, kept)
                stack.callback(os.dup2, kept, _STDIN)
            stack.callback(setattr, sys, "__stdin__", sys.__stdin__)
            stack.callback(setattr, sys, "stdin", sys.stdin)
            sys.stdin = nothing
            sys.__stdin__ = nothing  # type: ignore[misc]  # it is put back
            yield


def _close(descriptor: int) -> None:
    # where it was closed before, the file may have got its number
    with contextlib.suppress(OSError):
        os.close(descriptor)


def _register(
    register: Callable[..., object],
    function: Callable[..., object],
    *arguments: object,
    **options: object,
) -> Callable[..., object]:
    """Register what foreign code wants done at the end; what Python's own modules want stays."""
    caller = str(sys._getframe(2).f_globals.get("__name__"))  # noqa: SLF001 - a function in C does not say whose it is
    is_own = caller != "__main__" and caller.partition(".")[0] in sys.stdlib_module_names
    register(function if is_own else _Farewell(function), *arguments, **options)
    return function


class _Farewell:
    """A function that is called when the process ends, after the report; nobody hears of it."""

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function

    def __call__(self, *arguments: Any, **options: Any) -> None:
        # the report is out, and the exit code is fixed
        with (
            contextlib.suppress(Exception, SystemExit, RecordingStoppedError),
            quarantine(is_silent=True, on_attempt=_ignore),
        ):
            self._function(*arguments, **options)

    def __eq__(self, other: object) -> bool:
        # so that `atexit.unregister(function)` finds it
        return self._function == other

    def __hash__(self) -> int:
        return hash(self._function)


def _ignore(attempt: Attempt) -> None:
    del attempt


# What Alembic tells about every run; a filter, because env.py's `fileConfig` sets the levels.
_CHATTERING = ("alembic.runtime.migration", "alembic.runtime.plugins")


@contextlib.contextmanager
def _without_chatter() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in _CHATTERING]
    seriousness = _Seriousness()
    for logger in loggers:
        logger.addFilter(seriousness)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(seriousness)


class _Seriousness(logging.Filter):
    """Lets warnings and worse pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING


@dataclass(frozen=True, slots=True)
class _LoggerState:
    level: int
    is_disabled: bool
    propagates: bool
    handlers: tuple[logging.Handler, ...]

    @classmethod
    def take(cls, logger: logging.Logger) -> "_LoggerState":
        return cls(logger.level, logger.disabled, logger.propagate, tuple(logger.handlers))

    def restore(self, logger: logging.Logger) -> None:
        logger.setLevel(self.level)
        logger.disabled = self.is_disabled
        logger.propagate = self.propagates
        logger.handlers[:] = self.handlers


@dataclass(frozen=True, slots=True)
class _LoggingState:
    """Every logger that exists; those made later keep what their maker gave them."""

    loggers: tuple[tuple[logging.Logger, _LoggerState], ...]

    @classmethod
    def take(cls) -> "_LoggingState":
        named = logging.root.manager.loggerDict.values()
        loggers = [logging.root, *(one for one in named if isinstance(one, logging.Logger))]
        return cls(tuple((logger, _LoggerState.take(logger)) for logger in loggers))

    def restore(self) -> None:
        for logger, state in self.loggers:
            state.restore(logger)
