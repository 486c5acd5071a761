"""How long a statement may wait or run, as the migration itself sets it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from safemigrate.model import ChangeRows, Event, LockMode, SetVariable
from safemigrate.rulekit.context import Context
from safemigrate.rulekit.transactions import number_transaction, transactions

__all__ = [
    "SettingAt",
    "follow_setting",
    "read_milliseconds",
    "waits_for_table",
    "without_timeout",
]

# Manual: "Setting Parameters", 20.1.1, numeric with unit; the unit of these settings is ms.
_UNITS = {"us": 0.001, "": 1, "ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_VALUE = re.compile(r"\s*([\d.]+)\s*([a-z]*)\s*\Z")


def read_milliseconds(value: str | None) -> float | None:
    """Return a timeout in milliseconds, 0 for none at all; None for what no server would take."""
    if value is None:
        # RESET: back to the configured value, which is none unless somebody has set one.
        return 0
    match = _VALUE.match(value)
    if match is None or match[2] not in _UNITS:
        return None
    try:
        return float(match[1]) * _UNITS[match[2]]
    except ValueError:
        return None


def waits_for_table(event: Event) -> bool:
    """Return whether the event waits for a table that was there, and writers wait behind it."""
    if isinstance(event.action, ChangeRows):
        return False
    return any(lock.is_preexisting and lock.mode >= LockMode.SHARE for lock in event.facts.locks)


@dataclass(frozen=True, slots=True)
class SettingAt:
    """A setting as the migration has it when an event runs.

    `setter`: whose SET or RESET is in force, None where it is as it was before the migration.
    `value`: None where it is not known, and behind RESET.
    """

    event: Event
    setter: Event | None
    value: str | None


def follow_setting(context: Context, setting: str) -> Iterator[SettingAt]:
    """Yield every event with what is then in force; a SET or RESET is in force at itself.

    What env.py sets holds in every session; what an earlier migration has set is gone where that
    ran in a session of its own. RESET behind a SET of the same migration takes that back and no
    more, but what env.py has set is gone then as well.
    """
    of_session = context.passage.before.settings.get(setting)
    session: tuple[Event | None, str | None] = (None, of_session)
    for events in transactions(context):
        now = session
        for event in events:
            action = event.action
            # Outside a transaction SET LOCAL has no effect (manual: "SET").
            if (
                isinstance(action, SetVariable)
                and action.name == setting
                and (event.is_in_transaction or not action.is_local)
            ):
                is_taken_back = action.value is None and of_session is None and now[1] is not None
                now = (None, None) if is_taken_back else (event, action.value)
                session = session if action.is_local else now
            yield SettingAt(event, *now)


def without_timeout(context: Context, setting: str) -> Iterator[Event]:
    """Yield the first event of each transaction that waits for a table while `setting` is off.

    What stands outside of transactions counts as one up to the next.
    """
    last: tuple[int | None, int, int] | None = None
    is_found = False
    for at in follow_setting(context, setting):
        number = number_transaction(at.event)
        place = None if number[0] is None else number
        is_found, last = is_found and place == last, place
        if not is_found and waits_for_table(at.event) and not read_milliseconds(at.value):
            is_found = True
            yield at.event
