"""The signals that foreign code may not send to its own process, and the one the user sends."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from safemigrate.source.fence_attempts import Attempt, AttemptKind, name_signal
from safemigrate.source.fence_drivers import replaced

__all__ = ["keeping_interrupts", "refusing_signals"]


@contextlib.contextmanager
def refusing_signals(refuse: Callable[[Attempt], None]) -> Iterator[None]:
    """Refuse what sends a signal to this process without an audit event."""

    def send(real: object, number: int) -> None:
        del real
        refuse(Attempt(AttemptKind.RAISE, name_signal(number)))

    with replaced(signal, "raise_signal", send):
        yield


@contextlib.contextmanager
def keeping_interrupts() -> Iterator[None]:
    """Raise KeyboardInterrupt at the end when the user pressed Ctrl-C and foreign code hid it.

    Python handles signals in the main thread only: in another one nothing is done.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    handle, is_seen = before, False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal is_seen
        is_seen = True
        handle(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    except KeyboardInterrupt:
        is_seen = False
        raise
    finally:
        signal.signal(signal.SIGINT, before)
        if is_seen:
            raise KeyboardInterrupt
