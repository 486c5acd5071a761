"""Which waits of the application grow with its tables, however short they are on few rows."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from safemigrate.model import (
    Check,
    Direction,
    Lock,
    ObservedStatement,
    QualifiedName,
    blocked_commands,
)
from safemigrate.rulekit import join_words
from safemigrate.trace.commands import is_planned, runs_body
from safemigrate.verify.experiments.facts_observing import Observation
from safemigrate.verify.experiments.facts_outside import find_felt_locks
from safemigrate.verify.stage import Stage

__all__ = ["warn_of_growth"]

_COMMANDS = ("SELECT", "INSERT", "UPDATE", "DELETE")
_ROW_COMMANDS = ("UPDATE", "DELETE")
_CHANGED = "changed"
# What a batch is picked by.
_PORTION = re.compile(r"\b(?:LIMIT|FETCH|BETWEEN)\b|\s[<>]=?\s", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Growth:
    """A statement that works through the rows of `table`, while `commands` on `blocked` wait.

    `done`: what it does with them. `rows`: how many there were, 0 where that is not known.
    """

    statement: ObservedStatement
    table: QualifiedName
    done: str
    rows: int
    commands: tuple[str, ...]
    blocked: QualifiedName

    @property
    def speed(self) -> float:
        """How many rows a second, a lower bound; 0 where it was not measured."""
        return self.rows / self.statement.duration_ms * 1000 if self.statement.duration_ms else 0

    def describe(self, budget_ms: float) -> str:
        """Return what waits for what, and from how many rows on for longer than the budget."""
        whose = "its rows" if self.table == self.blocked else f"the rows of {self.table}"
        text = f"{join_words(self.commands)} on {self.blocked} wait as long as {whose} are"
        text = f"{text} {self.done}"
        if not self.speed:
            return text
        most = int(float(f"{self.speed * budget_ms / 1000:.1e}"))
        return (
            f"{text}: at {self.speed:,.0f} rows/s for longer than {budget_ms:.0f} ms from"
            f" {most:,} rows on (measured on {self.rows} rows, a lower bound)"
        )


def warn_of_growth(stage: Stage, check: Check, observation: Observation) -> Check:
    """Return the check that holds, with a warning of the slowest work that others wait for."""
    found = [
        growth
        for one in observation.of(Direction.UPGRADE)
        for growth in _find_growth(stage, one, observation.rows)
    ]
    if not found:
        return check
    # of one that was not measured nobody knows
    worst = min(found, key=lambda one: one.speed or float("inf"))
    others = {(one.statement.ordinal, one.blocked) for one in found}
    more = f"; and {len(others) - 1} more" if len(others) > 1 else ""
    text = worst.describe(stage.choices.max_block.total_seconds() * 1000)
    return replace(check, warning=f"{text}{more}", path=stage.path, line=worst.statement.line)


def _find_growth(
    stage: Stage, one: ObservedStatement, rows: Mapping[QualifiedName, int]
) -> Iterator[_Growth]:
    """Yield for each table that others are kept from the work that takes longest."""
    work = dict(_list_work(one, rows))
    if not work:
        return
    table = max(work, key=lambda name: rows.get(name, 0))
    locks: dict[QualifiedName, Lock] = {}
    for lock in find_felt_locks((*one.held, *one.locks), stage.before):
        known = locks.get(lock.relation)
        locks[lock.relation] = lock if known is None else max(known, lock, key=lambda it: it.mode)
    for name, lock in locks.items():
        blocked = blocked_commands(lock.mode)
        commands = tuple(command for command in _COMMANDS if command in blocked)
        chosen = name if name in work else table
        yield _Growth(one, chosen, work[chosen], rows.get(chosen, 0), commands, name)
    for name, done in work.items():
        if name not in locks and done == _CHANGED:
            yield _Growth(one, name, done, rows.get(name, 0), _ROW_COMMANDS, name)


def _list_work(
    one: ObservedStatement, rows: Mapping[QualifiedName, int]
) -> Iterator[tuple[QualifiedName, str]]:
    """Yield the tables that take it the longer the more rows they have, and what it does to them.

    Of a statement that the planner plans only the changes tell: few rows are read in a scan anyhow.
    """
    if is_planned(one.sql) or runs_body(one.sql):
        if _PORTION.search(one.sql):
            return
        for each in one.rows:
            count = rows.get(each.table, 0)
            if each.is_preexisting and count and (each.updated + each.deleted) * 2 >= count:
                yield each.table, _CHANGED
        return
    yield from ((name, "read") for name in one.scans)
    if one.sql.split(maxsplit=1)[0].upper() != "TRUNCATE":
        yield from ((name, "written anew") for name in one.rewrites)
