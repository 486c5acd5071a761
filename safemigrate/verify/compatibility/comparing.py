"""What a release's statements do on the two sides of a revision, compared."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from safemigrate.verify.compatibility.rehearsing import Rehearsal, ResultColumn, Runs
from safemigrate.verify.compatibility.statements import ReleaseStatement
from safemigrate.verify.compatibility.wire import Fault

__all__ = ["Comparison", "Performance", "compare", "find_stale"]

_STALE_PLAN = "0A000"
# Who was too slow, or was not alone, proves nothing.
_UNTELLING = frozenset({"57014", "40001", "40P01", "55P03"})
# Such an INSERT may well find nothing to write.
_MAY_WRITE_NOTHING = re.compile(r"\bselect\b|\bon\s+conflict\b", re.IGNORECASE)
_CHANGES = re.compile(r"\s*(update|delete)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Performance:
    """What one schema made of the statements: what was prepared, and how it ran."""

    rehearsal: Rehearsal
    runs: Mapping[int, Runs]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the statements of a release do on the other schema.

    `broken`: position → what fails there, or comes back otherwise, and did not on their own.
    `changed`: what comes back otherwise and harms nobody. `silent`: what is not refused and changes
    no row any more. `unusable`: what fails on their own. `unexecuted`: prepared on both, and could
    not be executed on their own.
    """

    statements: Sequence[ReleaseStatement]
    broken: Mapping[int, str]
    changed: Mapping[int, str]
    silent: Mapping[int, str]
    unusable: Mapping[int, Fault]
    unexecuted: Mapping[int, Fault]

    @property
    def usable(self) -> int:
        """How many statements can be prepared on the schema that they were made for."""
        return len(self.statements) - len(self.unusable)

    @property
    def working(self) -> int:
        """How many of them were executed there as well, so that it is known that they work."""
        return self.usable - len(self.unexecuted)

    def describe(self, number: int, what: object) -> str:
        """Return a line about one statement."""
        return f"{self.statements[number].title}: {what}"


def compare(
    statements: Sequence[ReleaseStatement],
    own: Performance,
    other: Performance,
    spare: Performance | None = None,
) -> Comparison:
    """Return how statements made for the schema of `own` do on the other one.

    `spare`: the other schema once more, with rows made for it, where values of rows are needed.
    """
    broken: dict[int, str] = {}
    changed: dict[int, str] = {}
    silent: dict[int, str] = {}
    unexecuted: dict[int, Fault] = {}
    for number in range(len(statements)):
        if number in own.rehearsal.faults:
            continue
        fault = other.rehearsal.faults.get(number)
        if fault is not None:
            broken[number] = f"fails: {fault}"
            continue
        losses, gains = _compare_results(
            own.rehearsal.result(number), other.rehearsal.result(number)
        )
        harm, silence = _compare_runs(statements[number], number, own, (spare, other))
        if losses:
            broken[number] = "gets another result: " + "; ".join(losses)
        elif gains:
            changed[number] = "; ".join(gains)
        if silence:
            silent[number] = silence
        if harm:
            broken[number] = harm
            continue
        unexecuted.update((number, one) for one in own.runs[number][:1] if isinstance(one, Fault))
    return Comparison(statements, broken, changed, silent, dict(own.rehearsal.faults), unexecuted)


def _compare_runs(
    statement: ReleaseStatement,
    number: int,
    own: Performance,
    others: Sequence[Performance | None],
) -> tuple[str, str]:
    """Return what is broken on all of the others, and what is to be told; empty for nothing.

    Values that were captured are the same with all rows, and only the last of the others counts.
    """
    counting = others[-1:] if statement.examples else others
    verdicts = []
    for one in counting:
        runs = None if one is None else one.runs.get(number)
        if one is not None and runs is not None:
            fault = _find_failure(own.runs[number], runs)
            silence = _find_silence(statement, own.runs[number], runs)
            if fault is not None:
                verdicts.append((f"fails: {fault}", ""))
            elif statement.shape.inserted is not None:
                verdicts.append((silence, ""))
            else:
                verdicts.append(("", "" if number in one.rehearsal.rowless else silence))
    return min(verdicts, key=lambda one: (bool(one[0]), bool(one[1])), default=("", ""))


def _find_silence(statement: ReleaseStatement, own: Runs, other: Runs) -> str:
    """Return what a statement no longer does, and nobody refuses; empty for nothing.

    A trigger that returns NULL, or a rule, keeps an INSERT of values from writing anything. An
    UPDATE or DELETE that finds no row may be as meant: the new schema has other rows, or a trigger
    passes over what is as it was (suppress_redundant_updates_trigger).
    """
    if statement.shape.inserted is not None:
        if _MAY_WRITE_NOTHING.search(statement.sql):
            return ""
        verb = "writes"
    elif _CHANGES.match(statement.sql):
        verb = "changes"
    else:
        return ""
    for here, there in zip(own, other, strict=True):
        if isinstance(here, int) and here > 0 and there == 0:
            return f"{verb} no row instead of {here}"
    return ""


def _find_failure(own: Runs, other: Runs) -> Fault | None:
    """Return why the first execution fails that ends well on its own schema."""
    return next(
        (
            there
            for here, there in zip(own, other, strict=True)
            if isinstance(here, int)
            and isinstance(there, Fault)
            and there.sqlstate not in _UNTELLING
        ),
        None,
    )


def _compare_results(
    own: Sequence[ResultColumn], other: Sequence[ResultColumn]
) -> tuple[list[str], list[str]]:
    """Return what the other result lacks, and what it has beside or in another form."""
    if [one.name for one in own] == [one.name for one in other]:
        pairs = list(zip(own, other, strict=True))
        losses, gains = [], []
    else:  # it has a star
        theirs = {one.name: one for one in other}
        ours = {one.name for one in own}
        pairs = [(one, theirs[one.name]) for one in own if one.name in theirs]
        losses = [f'the result has no column "{one.name}"' for one in own if one.name not in theirs]
        gains = list(_list_gains(own, other, ours))
    for here, there in pairs:
        if here.type.title != there.type.title:
            line = f'"{here.name}" comes as {there.type.title} instead of {here.type.title}'
            (gains if here.type.is_like(there.type) else losses).append(line)
    return losses, gains


def _list_gains(
    own: Sequence[ResultColumn], other: Sequence[ResultColumn], names: Iterable[str]
) -> Iterator[str]:
    known = {*names}
    for one in other:
        if one.name not in known:
            yield f'the result has a new column "{one.name}"'
    common = [one.name for one in other if one.name in known]
    if common != [one.name for one in own if one.name in {*common}]:
        yield "the columns of the result come in another order"


def find_stale(
    comparison: Comparison, fresh: Performance, held: Mapping[int, Runs]
) -> tuple[dict[int, str], list[int]]:
    """Return what fails in a session kept open over the migration, and whose plan is outdated.

    The first is position → why; the second heals as soon as the statement is prepared again.
    `fresh`: what a new session made of the statements.
    """
    failing: dict[int, str] = {}
    stale: list[int] = []
    for number, runs in held.items():
        if number in comparison.broken or number not in fresh.runs:
            continue
        fault = _find_failure(fresh.runs[number], runs)
        if fault is None:
            continue
        if fault.sqlstate == _STALE_PLAN:
            stale.append(number)
        else:
            failing[number] = (
                f"fails on a connection that was open before, and works on a new one: {fault}"
            )
    return failing, stale
