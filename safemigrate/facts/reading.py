"""The actions of a history's statements, of a long one in part read at the same time elsewhere."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from itertools import chain, islice
from typing import Self

from safemigrate.errors import SqlSyntaxError
from safemigrate.forks import Fork, count_cores
from safemigrate.model import Action, History
from safemigrate.sql import read_actions

__all__ = ["MANY_STATEMENTS", "Reading"]

MANY_STATEMENTS = 1500
"""From how many statements on it pays to work on several cores."""

# What reading a statement for somebody else takes, for each second that it takes to read one and
# to say what it does.
_SHARE = 0.75

_Answers = list[tuple[Action, ...] | None]


class Reading:
    """Reads the statements of a history, which are asked for in their order.

    While the first are asked for, the others are read on the other cores.
    """

    def __init__(self, history: History) -> None:
        self._known: dict[str, tuple[Action, ...]] = {}
        self._ahead: dict[str, Fork[_Answers]] = {}
        self._texts: dict[Fork[_Answers], Sequence[str]] = {}
        self._history = history
        self._forks = ExitStack()

    def __enter__(self) -> Self:
        migrations = self._history.migrations
        texts = [
            statement.sql
            for migration in migrations
            for statement in chain(migration.upgrade, migration.downgrade)
        ]
        others = count_cores() - 1 if len(texts) >= MANY_STATEMENTS else 0
        if others > 0:
            own = int(len(texts) * _SHARE / (_SHARE + others))
            first = set(islice(texts, own))
            later = [text for text in dict.fromkeys(islice(texts, own, None)) if text not in first]
            size = -(-len(later) // others)
            for start in range(0, len(later), size):
                self._read_ahead(later[start : start + size])
        return self

    def __exit__(self, *_: object) -> None:
        self._forks.close()

    def _read_ahead(self, texts: Sequence[str]) -> None:
        fork = self._forks.enter_context(Fork(partial(_read_all, texts)))
        self._ahead |= dict.fromkeys(texts, fork)
        self._texts[fork] = texts

    def actions(self, sql: str) -> tuple[Action, ...]:
        """Return what `read_actions` does; raises what it raises."""
        if sql in self._ahead:
            fork = self._ahead[sql]
            texts = self._texts.pop(fork)
            for text, actions in zip(texts, fork.result(), strict=True):
                del self._ahead[text]
                if actions is not None:
                    self._known[text] = actions
        return self._known.get(sql) or read_actions(sql)


def _read_all(texts: Sequence[str]) -> _Answers:
    """Return the actions of each; None of what does not parse."""
    return [_read(text) for text in texts]


def _read(text: str) -> tuple[Action, ...] | None:
    try:
        return read_actions(text)
    except SqlSyntaxError:
        return None
