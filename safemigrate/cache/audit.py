"""What Python tells of itself while it runs: one audit hook for everybody who listens."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["listening"]

Callback = Callable[[str, tuple[Any, ...]], None]

_listeners: dict[str, tuple[Callback, ...]] = {}
_lock = threading.Lock()
_is_installed = False


@contextlib.contextmanager
def listening(callback: Callback, events: frozenset[str]) -> Iterator[None]:
    """Call `callback(event, arguments)` for these audit events, in every thread.

    What it raises comes out of the call that caused the event, which then does nothing. The frame
    of that call is two above the callback's. Those who came later are called first.
    A hook cannot be taken away again, so there is one: without listeners it costs a look-up.
    The events: https://docs.python.org/3/library/audit_events.html
    """
    with _lock:
        _install()
        for event in events:
            _listeners[event] = (callback, *_listeners.get(event, ()))
    try:
        yield
    finally:
        with _lock:
            for event in events:
                _remove(event, callback)


def _remove(event: str, callback: Callback) -> None:
    kept = list(_listeners[event])
    kept.remove(callback)
    if kept:
        _listeners[event] = tuple(kept)
    else:
        del _listeners[event]


def _install() -> None:
    global _is_installed  # noqa: PLW0603 - a hook belongs to the process
    if not _is_installed:
        _is_installed = True
        sys.addaudithook(_make_hook())


def _make_hook() -> Callback:
    # closed over, for the names of a module are gone while the interpreter ends
    find = _listeners.get

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        callbacks = find(event)
        if callbacks is not None:
            for callback in callbacks:
                callback(event, arguments)

    return hook
