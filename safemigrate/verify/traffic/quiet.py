"""One experiment at a time where time is what is measured."""

import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["alone"]

_PATIENCE_SECONDS = 20.0
_INTERVAL_SECONDS = 0.01


@contextmanager
def alone(
    path: Path | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Keep others of this user and machine, who measure as well, out of the block.

    `path`: the file that is locked. Who has waited for twenty seconds goes on: what is measured is
    then the time on a busy machine, and one that hangs keeps nobody up for ever.
    """
    place = path or Path(tempfile.gettempdir()) / f"safemigrate-timing-{os.getuid()}.lock"
    try:
        lock = os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        # Nowhere to agree: the measurement is no worse than without.
        yield
        return
    try:
        end = clock() + _PATIENCE_SECONDS
        while not _try(lock) and clock() < end:
            sleep(_INTERVAL_SECONDS)
        yield
    finally:
        os.close(lock)


def _try(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
