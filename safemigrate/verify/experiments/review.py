"""ADDS_NO_FINDINGS: a review of the schema finds nothing that it did not find before."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from safemigrate.model import Check, Direction, Property
from safemigrate.review import SchemaCheck, SchemaFinding, find_new, list_checks, review_schema
from safemigrate.rulekit import has_index_on
from safemigrate.sql import quote_name
from safemigrate.verify.attribution import list_sent
from safemigrate.verify.stage import Experiment, Stage, State

__all__ = ["REVIEW"]

_WANTED = Property.ADDS_NO_FINDINGS
_UNINDEXED_KEY = "foreign-key-without-index"
_ACCEPT = f'or say why it is right: "# safemigrate: accept[{_WANTED.value}] REASON"'


def _prove(stage: Stage) -> Iterator[Check]:
    if stage.before.objects == stage.after.objects:
        yield stage.holds(_WANTED, "the schema stays as it is")
        return
    asked = [check for check in list_checks().values() if check.is_gate]
    after = _review(stage, State.AFTER, asked)
    speaking = {one.check.name for one in after}
    before = _review(stage, State.BEFORE, [one for one in asked if one.name in speaking])
    found = find_new(after, before)
    if found:
        found = _leave_out_detached(stage, found)
    mended = [one for one in found if _is_mended_later(stage, one)]
    notes = [f"{_describe(one)}: a later revision mends it" for one in mended]
    new = [one for one in found if one not in mended]
    if not new:
        known = len(after) - len(mended)
        there = f", as before {known}" if known else ""
        later = f", and {len(mended)} that a later revision mends" if mended else ""
        check = stage.holds(_WANTED, f"{len(asked)} checks find nothing new{there}{later}", notes)
        yield replace(check, is_mended_later=bool(mended))
        return
    more = f", and {len(new) - 1} more" if len(new) > 1 else ""
    yield stage.broken(
        _WANTED,
        f"{_describe(new[0])}{more}",
        [*(f"{_describe(one)}: {_advise(stage, one)}" for one in new[1:]), *notes],
        advice=f"{_advise(stage, new[0])}; {_ACCEPT}",
        line=_find_line(stage, new[0]),
    )


REVIEW = Experiment((_WANTED,), _prove)


def _leave_out_detached(stage: Stage, found: Sequence[SchemaFinding]) -> tuple[SchemaFinding, ...]:
    """Return the findings that were not there before either, as those of a partition.

    One that is detached keeps what it had, which was told of its parent.
    """
    checks = {one.check.name: one.check for one in found}
    before = _review(stage, State.BEFORE, checks.values(), has_partitions=True)
    known = {one.identity for one in before}
    return tuple(one for one in found if one.identity not in known)


def _review(
    stage: Stage, state: State, checks: Iterable[SchemaCheck], *, has_partitions: bool = False
) -> tuple[SchemaFinding, ...]:
    """Return what the checks find at that state; without checks nobody looks."""
    asked = tuple(checks)
    if not asked:
        return ()
    with stage.database(state) as bench:

        def ask(query: str) -> Sequence[Sequence[object]]:
            cursor = bench.connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else ()

        return review_schema(ask, asked, has_partitions=has_partitions)


def _is_mended_later(stage: Stage, finding: SchemaFinding) -> bool:
    """Return whether the history leaves an index for the foreign key, or drops the key again.

    So the linter asks for it. False where the history does not show the key.
    """
    passage = stage.foreseen(Direction.UPGRADE)
    if finding.check.name != _UNINDEXED_KEY or passage is None:
        return False
    tables = passage.after.tables.values()
    table = next((one for one in tables if quote_name(one.name) == finding.object), None)
    if table is None or finding.key not in table.constraints:
        return False
    end = stage.foreknowledge.end
    left = end.by_identity(table.identity)
    key = None if left is None else left.constraints.get(finding.key)
    # What is there already, and the check does not take for a help, mends nothing later.
    later = end.without_indexes([index.name for index in passage.after.indexes_of(table.name)])
    return left is None or key is None or has_index_on(left, key.columns, later)


def _advise(stage: Stage, finding: SchemaFinding) -> str:
    """Return what to do; nobody waits for an index of a table that the revision itself makes."""
    is_new = ("table", finding.object) not in stage.before.objects
    passage = stage.foreseen(Direction.UPGRADE)
    if passage is not None:
        # one that was there may have been renamed
        older = (one.name for one in passage.after.tables.values() if passage.before.knows(one))
        is_new = is_new and finding.object not in map(quote_name, older)
    if finding.check.name != _UNINDEXED_KEY or not is_new:
        return finding.fix
    return f"put it into this revision: {finding.fix.replace(' CONCURRENTLY', '', 1)}"


def _describe(finding: SchemaFinding) -> str:
    return f"{finding.object}: {finding.detail} ({finding.check.name})"


def _find_line(stage: Stage, finding: SchemaFinding) -> int:
    """Return the line of the first statement of the upgrade about the object, else 1.

    It locks the object, or the table that it is of, or else says its name.
    """
    sent = list_sent(stage)
    for one in sent:
        names = [quote_name(name) for name in one.relations]
        if any(finding.object == name or finding.object.startswith(f"{name}.") for name in names):
            return one.line
    bare = re.split(r"[.(]", finding.object.partition(".")[2])[0].strip('"')
    word = re.compile(rf"\b{re.escape(bare)}\b")
    return next((one.line for one in sent if word.search(one.sql)), 1)
