"""Words that messages of several rules share."""

from collections.abc import Sequence

from safemigrate.model import (
    ConstraintKind,
    DropColumn,
    DropConstraint,
    DropIndex,
    DropTable,
    DropView,
    Event,
    LockMode,
)

__all__ = ["CONSTRAINT_WORDS", "doubt_of_missing", "join_words", "name_locked_tables"]


CONSTRAINT_WORDS = {
    ConstraintKind.CHECK: "check",
    ConstraintKind.FOREIGN_KEY: "foreign key",
    ConstraintKind.NOT_NULL: "not-null constraint",
    ConstraintKind.PRIMARY_KEY: "primary key",
    ConstraintKind.UNIQUE: "unique constraint",
    ConstraintKind.EXCLUDE: "exclusion constraint",
}
"""What people call the kinds of constraint."""


def doubt_of_missing(
    action: DropColumn | DropConstraint | DropIndex | DropTable | DropView, *, is_shown: bool
) -> str:
    """Return why dropping IF EXISTS what the history does not show is found, else nothing.

    It goes before the rest of a finding's `why`.
    """
    if is_shown or not action.takes_missing:
        return ""
    return "the history does not show it, but something else may have made it; if it is there, "


def join_words(words: Sequence[str]) -> str:
    """Return the words as people list them: `a, b and c`."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def name_locked_tables(event: Event, mode: LockMode) -> str:
    """Return the tables, there before, that the event locks in the mode or a stronger one.

    As `public.recipe and public.cook`; indexes, whose table is locked as well, are left out.
    """
    tables = [
        str(lock.relation)
        for lock in event.facts.locks
        if lock.is_preexisting and lock.mode >= mode and lock.relation not in event.before.indexes
    ]
    return join_words(tables) if tables else "its table"
