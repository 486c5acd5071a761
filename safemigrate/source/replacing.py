"""An attribute that is another for a while."""

import contextlib
from collections.abc import Iterator
from typing import Any

__all__ = ["replacing"]


@contextlib.contextmanager
def replacing(owner: Any, name: str, value: object) -> Iterator[None]:
    """Let an attribute that a class or module has itself be `value` inside the block."""
    kept = vars(owner)[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, kept)
