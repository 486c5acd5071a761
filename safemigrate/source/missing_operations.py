"""Operations that a library would register, where the library is not installed here."""

import contextlib
import dis
import sys
from collections.abc import Callable, Iterator

from alembic import op

from safemigrate.source.standins import StandIn
from safemigrate.source.standins_types import Uses
from safemigrate.source.tape import Tape

__all__ = ["missing_operations"]


@contextlib.contextmanager
def missing_operations(tape: Tape, is_possible: Callable[[], bool], uses: Uses) -> Iterator[None]:
    """Let `op.name(…)` that nobody registered do nothing, and note that it was not seen.

    `is_possible`: whether something is missing that may have registered it; where nothing is, it
    fails as it does under Alembic. Whoever asks whether there is such an operation, as `hasattr`
    does, is told that there is none.
    """

    def give(name: str) -> Callable[..., StandIn]:
        caller = sys._getframe(1)  # noqa: SLF001 - only the caller tells what is wanted
        is_used = dis.opname[caller.f_code.co_code[caller.f_lasti]].startswith("LOAD_")
        if name.startswith("_") or tape.passage is None or not is_used or not is_possible():
            raise AttributeError(
                f"module {op.__name__!r} has no attribute {name!r}", name=name, obj=op
            )

        def do_nothing(*_: object, **__: object) -> StandIn:
            tape.miss(
                f"op.{name}() is an operation of a library that is not here; what it sends is "
                "not seen"
            )
            return StandIn(f"alembic.op.{name}", uses)

        return do_nothing

    op.__dict__["__getattr__"] = give
    try:
        yield
    finally:
        del op.__dict__["__getattr__"]
