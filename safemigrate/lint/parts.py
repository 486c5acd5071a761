"""The files of a history, judged in parts at the same time where there are many statements."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TypeVar

from safemigrate.facts import MANY_STATEMENTS
from safemigrate.forks import Fork, count_cores
from safemigrate.model import Passage

__all__ = ["judge_files"]

Result = TypeVar("Result")


def judge_files(
    files: Sequence[list[Passage]], judge: Callable[[list[Passage]], Result]
) -> list[Result]:
    """Return what `judge` returns of each file, in order; raises what it raises first.

    `judge`: a function of the file alone.
    """
    sizes = [sum(len(passage.statements) for passage in file) for file in files]
    cores = count_cores() if sum(sizes) >= MANY_STATEMENTS else 1
    own, *others = _divide(files, sizes, cores)
    with ExitStack() as stack:
        forks = [stack.enter_context(Fork(partial(_judge, judge, part))) for part in others]
        results = _judge(judge, own)
        for fork in forks:
            results += fork.result()
        return results


def _judge(judge: Callable[[list[Passage]], Result], part: Sequence[list[Passage]]) -> list[Result]:
    return list(map(judge, part))


def _divide(
    files: Sequence[list[Passage]], sizes: Sequence[int], count: int
) -> Iterator[Sequence[list[Passage]]]:
    """Yield the files in that many parts in a row, about as many statements in each."""
    whole, start, done = sum(sizes), 0, 0
    for number in range(1, count + 1):
        end = start
        while end < len(files) and (number == count or done * count < whole * number):
            done += sizes[end]
            end += 1
        yield files[start:end]
        start = end
