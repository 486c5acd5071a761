"""What waits for a table to be read or written anew, and no rule speaks of."""

from collections.abc import Iterator
from dataclasses import replace

from safemigrate.lint import rules
from safemigrate.model import Event, LockMode, QualifiedName, Severity, Timeline
from safemigrate.rulekit import Context, EventIndex, Family, Rule, transactions

__all__ = ["find_unreported"]

# Rules of the other families are about other harm that the same statement may do.
_FAMILIES = frozenset({Family.LOCKS, Family.REWRITES, Family.TRANSACTIONS})
# It is about what comes after the statement.
_CONSEQUENCES = frozenset({"work-under-exclusive-lock"})
# The first says who waits; the second that the statement fails at the first row, so that nothing
# is read for long.
_OTHERS = frozenset({"column-type-narrowing", "required-column-without-default"})


def find_unreported(timeline: Timeline) -> Iterator[Event]:
    """Yield the events that keep others out for as long as the table is big, and are not found.

    That is: they rewrite a table that was there before, or read one from end to end while the
    transaction holds SHARE or more on it, and no rule about locks, rewrites or transactions has a
    finding in their statement.
    """
    for passage in timeline.passages:
        context = Context(passage, EventIndex(passage), "", Severity.INFO, timeline.end)
        reported = set(_reported(context))
        for events in transactions(context):
            held: dict[QualifiedName, LockMode] = {}
            for event in events:
                for lock in event.facts.locks:
                    if lock.is_preexisting:
                        strongest = held.get(lock.relation, lock.mode)
                        held[lock.relation] = max(lock.mode, strongest)
                if _is_long(event, held) and event.place.ordinal not in reported:
                    yield event


def _is_long(event: Event, held: dict[QualifiedName, LockMode]) -> bool:
    weakest = LockMode.ACCESS_SHARE
    is_shut = any(held.get(name, weakest) >= LockMode.SHARE for name in event.facts.scans)
    return bool(event.facts.rewrites) or is_shut


def _reported(context: Context) -> Iterator[int | None]:
    for rule in rules().values():
        if _is_heard(rule) and context.passage.direction in rule.directions:
            for finding in rule.check(replace(context, rule=rule.name, severity=rule.severity)):
                yield finding.ordinal


def _is_heard(rule: Rule) -> bool:
    """Return whether a finding of the rule tells a reader that others have to wait for long."""
    if not rule.is_default or rule.severity is Severity.INFO or rule.name in _CONSEQUENCES:
        return False
    return rule.family in _FAMILIES or rule.name in _OTHERS
