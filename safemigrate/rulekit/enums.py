"""Enums that a migration makes itself."""

from safemigrate.model import Event, QualifiedName
from safemigrate.rulekit.context import Context

__all__ = ["is_new_enum"]


def is_new_enum(context: Context, event: Event, enum: QualifiedName) -> bool:
    """Return whether the enum was made by this migration, so that nobody uses it yet."""
    name = event.before.resolve(enum)
    return name in event.before.enums and name not in context.passage.before.enums
