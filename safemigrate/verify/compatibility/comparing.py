"""What a release's statements do on the two sides of a revision, compared."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from safemigrate.verify.compatibility.rehearsing import Rehearsal, ResultColumn, Runs
from safemigrate.verify.compatibility.statements import ReleaseStatement
from safemigrate.verify.compatibility.wire import Fault

__all__ = ["Comparison", "Performance", "compare", "find_stale"]

_STALE_PLAN = "0A000"
# Who was too slow, or was not alone, proves nothing.
_UNTELLING = frozenset({"57014", "40001", "40P01", "55P03"})


@dataclass(frozen=True, slots=True)
class Performance:
    """What one schema made of the statements: what was prepared, and how it ran."""

    rehearsal: Rehearsal
    runs: Mapping[int, Runs]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the statements of a release do on the other schema.

    `broken`: position → what fails there, or comes back otherwise, and did not on their own.
    `changed`: what comes back otherwise and harms nobody. `unusable`: what fails on their own.
    `unexecuted`: prepared on both, and could not be executed on their own.
    """

    statements: Sequence[ReleaseStatement]
    broken: Mapping[int, str]
    changed: Mapping[int, str]
    unusable: Mapping[int, Fault]
    unexecuted: Mapping[int, Fault]

    @property
    def usable(self) -> int:
        """How many statements work on the schema that they were made for."""
        return len(self.statements) - len(self.unusable)

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
        if losses:
            broken[number] = "gets another result: " + "; ".join(losses)
        elif gains:
            changed[number] = "; ".join(gains)
        fault = _find_failure(own.runs[number], other.runs[number])
        if fault is not None and spare is not None and not statements[number].examples:
            fault = _find_failure(own.runs[number], spare.runs.get(number, (fault,)))
        if fault is not None:
            broken[number] = f"fails: {fault}"
        else:
            unexecuted.update(
                (number, own_fault) for own_fault in own.runs[number][:1] if own_fault is not None
            )
    return Comparison(statements, broken, changed, dict(own.rehearsal.faults), unexecuted)


def _find_failure(own: Runs, other: Runs) -> Fault | None:
    """Return why the first execution fails that ends well on its own schema."""
    return next(
        (
            there
            for here, there in zip(own, other, strict=True)
            if here is None and there is not None and there.sqlstate not in _UNTELLING
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
            failing[number] = f"fails on a connection that was open before: {fault}"
    return failing, stale
