"""Alembic's batches: what a batch sends when it ends was written where it was asked for."""

import contextlib
from collections.abc import Iterator
from typing import Any

from alembic.operations import batch
from alembic.operations.batch import BatchOperationsImpl

from safemigrate.source.places import Place
from safemigrate.source.tape import Tape

__all__ = ["placing_batches"]


@contextlib.contextmanager
def placing_batches(tape: Tape) -> Iterator[None]:
    """Let statements of `op.batch_alter_table` have the place of the call inside the block.

    What no single call stands for, such as a copy of the whole table, keeps the block's own.
    """

    class PlacingBatch(BatchOperationsImpl):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]  # Alembic's own gap
            self.batch = _Queue(tape)

    # Operations.batch_alter_table makes what this name of its module stands for
    module: Any = batch
    module.BatchOperationsImpl = PlacingBatch
    try:
        yield
    finally:
        module.BatchOperationsImpl = BatchOperationsImpl


class _Queue(list[Any]):
    """The operations of a batch, in their places while they are carried out one by one."""

    def __init__(self, tape: Tape) -> None:
        super().__init__()
        self._tape = tape
        self._places: list[Place | None] = []

    def append(self, operation: Any) -> None:
        self._places.append(self._tape.locate())
        super().append(operation)

    def __iter__(self) -> Iterator[Any]:
        passage = self._tape.passage
        try:
            for place, operation in zip(self._places, super().__iter__(), strict=True):
                if passage is not None:
                    passage.origin = place
                yield operation
        finally:
            if passage is not None:
                passage.origin = None
