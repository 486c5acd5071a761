"""What env.py does with a connection, or an event loop, of an application that is not here."""

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from sqlalchemy import Connection, Executable
from sqlalchemy.util import greenlet_spawn

__all__ = ["Sent", "send"]

_SENDING = frozenset({"exec_driver_sql", "execute", "scalar", "scalars"})


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent, and its result; `is_awaited`: which nobody knows, and will be awaited."""

    result: Any = None
    is_awaited: bool = False


def send(
    connect: Callable[[], Connection] | None,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Sent | None:
    """Do over a connection of ours what is asked of a stand-in by that name; None for all else.

    That is to send a statement, and `run_sync`, which is given a function of a connection. What
    runs a coroutine, in whatever library it is, runs it.
    """
    if connect is None or not args:
        return None
    first, *rest = args
    if name == "run_sync" and callable(first):
        if find_spec("greenlet") is not None:
            # where a revision may await something in its turn
            return Sent(greenlet_spawn(first, connect(), *rest, **kwargs))
        first(connect(), *rest, **kwargs)
        return Sent(is_awaited=True)
    if name in _SENDING and isinstance(first, Executable | str):
        if isinstance(first, str):
            name = "exec_driver_sql"
        found = getattr(connect(), name)(*args, **kwargs)
        return Sent(found, _is_awaiting())
    if (name.startswith("run") or name == "async_to_sync") and not _is_awaiting():
        if inspect.iscoroutinefunction(first):
            first = first(*rest, **kwargs)
        if inspect.iscoroutine(first):
            return Sent(asyncio.run(first))
    return None


def _is_awaiting() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
