"""What was seen of one revision, up, down and up again, and what that proves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from alembic.script import Script

from safemigrate.model import (
    Check,
    ObservedStatement,
    Outcome,
    Property,
    RevisionProof,
    Standing,
)
from safemigrate.source.excerpt import show_path
from safemigrate.verify.bench import StepFault
from safemigrate.verify.differences import find_differences, find_reordered, find_validated
from safemigrate.verify.snapshots import Snapshot

__all__ = [
    "Attempt",
    "fail_revision",
    "judge",
    "skip_revision",
]

_AGAIN = "upgrade again: "
# What reads, or sets what is gone with the session.
_WITHOUT_EFFECT = ("select", "show", "set ", "reset", "values", "table ", "explain")
_TAKE_ANOTHER = (
    "it is the throwaway server that lacks it: name one that has it, with --server container:IMAGE"
    " or a URL"
)
# feature_not_supported, undefined_file (14): parse_extension_control_file in extension.c
_NO_FILES = ("SQLSTATE 0A000", "SQLSTATE 58P01")
_WRITE_ONE = 'write one, or say why there is none: "# safemigrate: irreversible REASON"'


@dataclass(slots=True)
class Attempt:
    """What was seen of one revision on a database at the state before it, as far as it came.

    `before`, `up`, `down`, `again`: the schema at each state; `end`: the schema when it was over.
    `begun_at`: how many moves had been made on the bench, and how many statements observed.
    `statements`: observed, where they were to be. `sent_down`: the text of what the
    downgrade sent.
    """

    script: Script
    before: Snapshot
    begun_at: tuple[int, int] = (0, 0)
    up: Snapshot | None = None
    down: Snapshot | None = None
    again: Snapshot | None = None
    end: Snapshot | None = None
    fault: StepFault | None = None
    statements: tuple[ObservedStatement, ...] = ()
    sent_down: Sequence[str] = field(default_factory=tuple)
    duration_ms: float = 0.0

    @property
    def is_at_rest(self) -> bool:
        """Whether the database ended exactly as the first upgrade left it."""
        return self.up is not None and self.end == self.up

    @property
    def is_refused(self) -> bool:
        """Whether the downgrade is missing, or refuses on purpose."""
        return self.fault is not None and self.fault.is_refusal


def skip_revision(script: Script, reason: str) -> RevisionProof:
    """Return the proof of a revision that was not tried."""
    return _begin(script, Outcome.SKIPPED, reason)


def fail_revision(script: Script, reason: str) -> RevisionProof:
    """Return the proof of a revision that was only to be applied, and could not be."""
    return _begin(script, Outcome.FAILED, reason)


def _begin(script: Script, upgrade: Outcome, error: str) -> RevisionProof:
    return RevisionProof(
        script.revision, show_path(script.path), script.doc or "", upgrade=upgrade, error=error
    )


def judge(attempt: Attempt) -> RevisionProof:
    """Compare the states that were reached: before, up, down, up again."""
    before, up, down, again = attempt.before, attempt.up, attempt.down, attempt.again
    left = () if down is None else find_differences(before, down)
    changed = () if up is None or again is None else find_differences(up, again)
    is_tried = up is not None and not attempt.is_refused
    path = show_path(attempt.script.path)
    return RevisionProof(
        attempt.script.revision,
        path,
        attempt.script.doc or "",
        upgrade=_outcome(is_reached=up is not None, is_tried=True),
        downgrade=_outcome(is_reached=down is not None, is_tried=is_tried),
        restored=None if down is None else not left,
        upgrade_again=_outcome(
            is_reached=again is not None and not changed, is_tried=down is not None
        ),
        is_refused=attempt.is_refused,
        differences=(*left, *(_AGAIN + line for line in changed)),
        notes=(
            () if down is None else (*find_reordered(before, down), *find_validated(before, down))
        ),
        statements=attempt.statements,
        error=None if attempt.fault is None else attempt.fault.reason,
        duration_ms=attempt.duration_ms,
        checks=tuple(_check(attempt, path, left, changed)),
    )


def _outcome(*, is_reached: bool, is_tried: bool) -> Outcome:
    if is_reached:
        return Outcome.OK
    return Outcome.FAILED if is_tried else Outcome.SKIPPED


def _lacks(error: str) -> bool:
    """Return whether the server has no files of an extension that was to be created."""
    return "CREATE EXTENSION" in error.upper() and any(state in error for state in _NO_FILES)


def _check(
    attempt: Attempt, path: str, left: Sequence[str], changed: Sequence[str]
) -> Iterator[Check]:
    """Yield the properties that the three steps decide."""
    error = "" if attempt.fault is None else attempt.fault.reason

    def broken(
        proved: Property, reason: str, details: Sequence[str] = (), advice: str = ""
    ) -> Check:
        return Check(proved, Standing.BROKEN, reason, tuple(details), advice, path)

    if attempt.up is None:
        yield broken(Property.APPLIES, error, advice=_TAKE_ANOTHER if _lacks(error) else "")
        return
    yield Check(Property.APPLIES, Standing.HOLDS)
    yield _check_invalid(attempt.before, attempt.up, path)
    if attempt.is_refused:
        yield broken(Property.HAS_DOWNGRADE, error, advice=_WRITE_ONE)
        for proved in (Property.RESTORES_SCHEMA, Property.APPLIES_AGAIN):
            yield Check(proved, Standing.UNKNOWN, "there is no way back to compare", path=path)
        return
    if attempt.down is None:
        yield Check(Property.HAS_DOWNGRADE, Standing.HOLDS)
        yield broken(Property.RESTORES_SCHEMA, error)
        yield Check(Property.APPLIES_AGAIN, Standing.UNKNOWN, "the downgrade fails", path=path)
        return
    yield _check_idleness(attempt, path)
    if left:
        yield broken(Property.RESTORES_SCHEMA, "the downgrade leaves another schema", left)
    else:
        yield Check(Property.RESTORES_SCHEMA, Standing.HOLDS)
    if attempt.again is None:
        yield broken(Property.APPLIES_AGAIN, error)
    elif changed:
        reason = "the second upgrade leads to another schema"
        yield broken(Property.APPLIES_AGAIN, reason, [_AGAIN + line for line in changed])
    else:
        yield Check(Property.APPLIES_AGAIN, Standing.HOLDS)


def _check_idleness(attempt: Attempt, path: str) -> Check:
    """Return the check of a downgrade that is there."""
    is_idle = (
        attempt.up is not None
        and attempt.down == attempt.up
        and all(map(_is_without_effect, attempt.sent_down))
        and bool(find_differences(attempt.before, attempt.up))
    )
    if not is_idle:
        return Check(Property.HAS_DOWNGRADE, Standing.HOLDS)
    # what it did to rows is for keeps-rows to judge: a column that was filled may stay so
    reason = "the downgrade does nothing, and the upgrade changes the schema"
    return Check(Property.HAS_DOWNGRADE, Standing.BROKEN, reason, (), _WRITE_ONE, path)


def _check_invalid(before: Snapshot, up: Snapshot, path: str) -> Check:
    """Return the check of what a build leaves behind when it fails and nobody hears of it."""
    invalid = sorted({*up.invalid_indexes} - {*before.invalid_indexes})
    if not invalid:
        return Check(Property.LEAVES_NOTHING_INVALID, Standing.HOLDS)
    what = "indexes" if len(invalid) > 1 else "index"
    return Check(
        Property.LEAVES_NOTHING_INVALID,
        Standing.BROKEN,
        f"{what} {', '.join(invalid)} {'are' if len(invalid) > 1 else 'is'} left invalid",
        (),
        "a build that failed leaves an index that is written and never read: let the upgrade "
        "fail where the build does",
        path,
    )


def _is_without_effect(text: str) -> bool:
    return text.lstrip("( \t\n").lower().startswith(_WITHOUT_EFFECT)
