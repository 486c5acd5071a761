"""A revision that ends the process at once, so that nobody could tell how the run ended."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from safemigrate.source.fence_drivers import replaced

__all__ = ["raising_exit"]


@contextmanager
def raising_exit() -> Iterator[None]:
    """Let `os._exit` end foreign code inside the block as `sys.exit` does.

    Otherwise a run whose work is rolled back would end with the code that the revision chose, which
    may be 0. Processes that were forked inside end as they mean to.
    """
    process = os.getpid()

    def leave(real: Any, status: int) -> NoReturn:
        if os.getpid() != process:
            real(status)
        raise SystemExit(status)

    with replaced(os, "_exit", leave):
        yield
