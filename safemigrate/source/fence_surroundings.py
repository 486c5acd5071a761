"""What surrounds code in a process, put back to what it was when foreign code has changed it."""

import contextlib
import gc
import locale
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["keeping_imports", "keeping_process"]


@contextlib.contextmanager
def keeping_imports() -> Iterator[None]:
    """Put back `sys.path` and the variables of the environment afterwards.

    They are what one piece of foreign code sets up for the next: a revision file, when it is
    loaded, for its own upgrade(), and env.py for all. So this goes around the whole.
    """
    path, entries = sys.path, list(sys.path)
    environment, variables = os.environ, _take_variables()
    try:
        yield
    finally:
        sys.path = path
        sys.path[:] = entries
        os.environ = environment  # noqa: B003 - the very object, in case it was replaced
        after = _take_variables()
        for name in after.keys() - variables.keys():
            del os.environb[name]
        for name, value in variables.items():
            if after.get(name) != value:
                os.environb[name] = value


def _take_variables() -> dict[bytes, bytes]:
    """Return the variables, without it being noticed as a question of the project's."""
    return dict(os.environ._data)  # type: ignore[attr-defined]  # noqa: SLF001 - both public ways read one by one, through whoever watches


_NO_LIMIT = (0.0, 0.0)


@contextlib.contextmanager
def keeping_process() -> Iterator[None]:
    """Put back afterwards what would change how this process goes on.

    Signal handlers and alarms, the locale, the hooks for errors, the standard streams, the
    arguments, the garbage collector, the limit of recursion, and how warnings and log records are
    made. Left alone: modules that were imported, and what they did to one another.
    """
    with contextlib.ExitStack() as stack:
        _keep_signals(stack)
        _keep_locale(stack)
        for module, name in _HOOKS:
            stack.callback(setattr, module, name, getattr(module, name))
        arguments, words = sys.argv, list(sys.argv)
        stack.callback(_refill, arguments, words)
        stack.callback(setattr, sys, "argv", arguments)
        stack.callback(gc.enable if gc.isenabled() else gc.disable)
        stack.callback(sys.setrecursionlimit, sys.getrecursionlimit())
        stack.callback(logging.setLogRecordFactory, logging.getLogRecordFactory())
        yield


_HOOKS: tuple[tuple[Any, str], ...] = (
    (sys, "breakpointhook"),
    (sys, "displayhook"),
    (sys, "excepthook"),
    (sys, "stderr"),
    (sys, "stdin"),
    (sys, "unraisablehook"),
    (threading, "excepthook"),
    (warnings, "formatwarning"),
    (warnings, "showwarning"),
)


def _refill(target: list[str], content: list[str]) -> None:
    target[:] = content


def _keep_signals(stack: contextlib.ExitStack) -> None:
    """Keep handlers and alarms; only the main thread can change them."""
    if threading.current_thread() is not threading.main_thread():
        return
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    stack.callback(_restore_handlers, before)
    timers = {which: signal.getitimer(which) for which in _TIMERS}
    stack.callback(_restore_timers, timers)


_TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)


def _restore_handlers(before: dict[Any, Callable[..., Any] | int | None]) -> None:
    for number, handler in before.items():
        # None is a handler in C, which nobody can put back
        if handler is not None and signal.getsignal(number) != handler:
            signal.signal(number, handler)


def _restore_timers(before: dict[Any, tuple[float, float]]) -> None:
    for which, timer in before.items():
        if timer == _NO_LIMIT and signal.getitimer(which) != _NO_LIMIT:
            signal.setitimer(which, 0)


def _keep_locale(stack: contextlib.ExitStack) -> None:
    before = locale.setlocale(locale.LC_ALL)

    def restore() -> None:
        with contextlib.suppress(locale.Error):
            locale.setlocale(locale.LC_ALL, before)

    stack.callback(restore)
